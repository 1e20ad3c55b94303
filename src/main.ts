import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { type Config, loadConfig } from './config/config.js';
import { makeDataSource } from './database/data-source.js';
import { pendingMigrations } from './database/migration-state.js';
import { JsonLogger } from './http/logger.js';
import { type Service, startService } from './service.js';

/** Milliseconds that a stop may take: work in hand needs at most 25 s, and supervisors kill after 30. */
const STOP_DEADLINE_MS = 29_000;

const DATABASE_RETRY_MS = 500;
/** A line for every so many failed looks. */
const LOG_EVERY = 10;

async function main(): Promise<void> {
  const config = loadConfig();
  const logger = new JsonLogger(config.LOG_LEVEL, config.CARILLON_ROLE);
  const crash = (error: unknown): never => {
    logger.fatal({ event: 'service.crashed', err: error });
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  const stopping = new AbortController();
  let service: Service | undefined;
  const stop = (signal: string) => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    logger.log({ event: 'service.stopping', signal });
    setTimeout(() => {
      logger.error({ event: 'service.stop_deadline', deadlineMs: STOP_DEADLINE_MS });
      process.exit(1);
    }, STOP_DEADLINE_MS).unref();
    if (service) void end(service, logger);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  await waitForDatabase(config, logger, stopping.signal);
  if (stopping.signal.aborted) return;
  service = await startService(config).catch(crash);
  if (stopping.signal.aborted) return end(service, logger);
  logger.log({ event: 'service.started', port: service.port, uptimeMs: Math.round(performance.now()) });
}

async function end(service: Service, logger: JsonLogger): Promise<void> {
  try {
    await service.stop();
    logger.log({ event: 'service.stopped' });
    process.exit(0);
  } catch (error) {
    logger.error({ event: 'service.stop_failed', err: error });
    process.exit(1);
  }
}

/** Returns once the database answers and has every migration of this build; says every few seconds what it waits for. */
async function waitForDatabase(config: Config, logger: JsonLogger, signal: AbortSignal): Promise<void> {
  const dataSource = makeDataSource({ url: config.DATABASE_URL, poolSize: 1, applicationName: 'carillon-start' });
  for (let look = 0; !signal.aborted; look += 1) {
    const reason = await (async () => {
      if (!dataSource.isInitialized) await dataSource.initialize();
      const pending = await pendingMigrations(dataSource);
      return pending.length === 0 ? undefined : { event: 'service.waiting_for_migrations', migrations: pending };
    })().catch((error: unknown) => ({ event: 'service.waiting_for_database', err: error }));
    if (reason === undefined) break;
    if (look % LOG_EVERY === 0) logger.warn(reason);
    await delay(DATABASE_RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  if (dataSource.isInitialized) await dataSource.destroy();
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
