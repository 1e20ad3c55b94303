import 'reflect-metadata';
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/config.js';
import { makeDataSource } from './database/data-source.js';
import { pendingMigrations } from './database/migration-state.js';
import type { JsonLogger } from './http/logger.js';
import { Metrics } from './http/metrics.js';
import { Readiness } from './http/readiness.js';
import { type Service, startService } from './service.js';
import type { WorkerFleet } from './worker-fleet.js';
import { answerSupervisor } from './worker-link.js';

const DATABASE_RETRY_MS = 500;
/** A line for every so many failed looks. */
const LOG_EVERY = 10;
/** The operating system's, from -20 (first) to 19 (last). */
const BULK_NICENESS = 5;

/**
 * Runs the role that the configuration names in this process, as soon as the database is there and migrated.
 *
 * @param fleet whose readiness and metrics are shown with this process's own
 * @returns undefined when `signal` aborted before it started
 */
export async function runService(
  config: Config,
  logger: JsonLogger,
  signal: AbortSignal,
  fleet?: WorkerFleet,
): Promise<Service | undefined> {
  // A campaign takes whatever processor there is; whoever serves a push that somebody waits for goes first.
  if (servesOnlyBulk(config)) setPriority(BULK_NICENESS);
  await waitForDatabase(config, logger, signal);
  if (signal.aborted) return undefined;
  const service = await startService(config);
  const readiness = service.app.get(Readiness);
  const metrics = service.app.get(Metrics);
  if (fleet) {
    readiness.register('workers', async () => sentence(await fleet.missing()));
    metrics.include(() => fleet.expositions());
  }
  logger.log({ event: 'service.started', port: service.port, uptimeMs: Math.round(performance.now()) });
  answerSupervisor({ readiness: () => readiness.missing(), metrics: () => metrics.expose() });
  return service;
}

function servesOnlyBulk({ CARILLON_ROLE, WORKER_LANES }: Config): boolean {
  return CARILLON_ROLE === 'worker' && WORKER_LANES.every((lane) => lane === 'bulk');
}

function sentence(missing: Readonly<Record<string, string>>): string | undefined {
  const parts = Object.entries(missing).map(([worker, why]) => `${worker}: ${why}`);
  return parts.length === 0 ? undefined : parts.join('; ');
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
