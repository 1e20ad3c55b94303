import 'reflect-metadata';
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from './config/config.js';
import { makeDataSource } from './database/data-source.js';
import { pendingMigrations } from './database/migration-state.js';
import type { JsonLogger } from './http/logger.js';
import { Metrics } from './http/metrics.js';
import { type OtherProcesses, Readiness } from './http/readiness.js';
import type { ProcessFleet } from './process-fleet.js';
import { answerSupervisor, type ProcessLink } from './process-link.js';
import { type Service, startService } from './service.js';

const DATABASE_RETRY_MS = 500;
/** A line for every so many failed looks. */
const LOG_EVERY = 10;
/** Milliseconds within which the supervisor tells about the others; it waits less for each of them. */
const OTHERS_READINESS_MS = 3_000;
const OTHERS_METRICS_MS = 5_000;
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
  fleet?: ProcessFleet,
): Promise<Service | undefined> {
  // A campaign takes whatever processor there is; whoever serves a push that somebody waits for goes first.
  if (servesOnlyBulk(config)) setPriority(BULK_NICENESS);
  await waitForDatabase(config, logger, signal);
  if (signal.aborted) return undefined;
  const service = await startService(config);
  const readiness = service.app.get(Readiness);
  const metrics = service.app.get(Metrics);
  if (fleet) {
    readiness.register('workers', () => fleet.missingInWords());
    metrics.include(() => fleet.expositions());
  }
  const link = answerSupervisor({ readiness: () => readiness.missing(), metrics: () => metrics.exposeOwn() });
  if (link && config.API_PROCESS !== undefined) showCompanions(link, config.API_PROCESS, readiness, metrics);
  logger.log({ event: 'service.started', port: service.port, uptimeMs: Math.round(performance.now()) });
  return service;
}

/** Whoever asks for readiness or metrics reaches one of several api processes, and is told about all of them. */
function showCompanions(link: ProcessLink, name: string, readiness: Readiness, metrics: Metrics): void {
  readiness.include(async () => {
    const answer = (await link.ask('readiness', OTHERS_READINESS_MS)) as OtherProcesses | undefined;
    return answer ?? { needed: { supervisor: 'no answer' }, alike: {} };
  });
  metrics.include(async () => {
    const answer = (await link.ask('metrics', OTHERS_METRICS_MS)) as Record<string, string> | undefined;
    return new Map(Object.entries(answer ?? { [name]: await metrics.exposeOwn() }));
  }, 'all');
}

function servesOnlyBulk({ CARILLON_ROLE, WORKER_LANES }: Config): boolean {
  return CARILLON_ROLE === 'worker' && WORKER_LANES.every((lane) => lane === 'bulk');
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
