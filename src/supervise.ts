import { apiProcessNames } from './config/api-processes.js';
import type { Config } from './config/config.js';
import type { WorkerProcess } from './config/worker-processes.js';
import { forkApi, forkWorker } from './forks.js';
import type { JsonLogger } from './http/logger.js';
import type { OtherProcesses } from './http/readiness.js';
import type { Program } from './main.js';
import { ProcessFleet } from './process-fleet.js';
import type { Answers } from './process-link.js';
import { WorkerHealth } from './worker-health.js';

/** What is to run on this machine. */
export interface Plan {
  /** Processes that serve the api's port; 1: this one, where the role has an api. */
  apis: number;
  workers: readonly WorkerProcess[];
}

/** Milliseconds within which another api process says whether it is ready: a busy one must not hold up a probe. */
const API_ANSWER_MS = 500;
/** The same of a worker, without which a probe fails anyway. */
const WORKER_ANSWER_MS = 2_500;

/**
 * Runs the workers as processes of their own, and so the api where several processes are to serve it. Where one is, it runs
 * here (role `all`); a machine of workers alone (role `worker`) has here only what answers for them.
 */
export async function supervise(
  config: Config,
  { apis, workers }: Plan,
  logger: JsonLogger,
  signal: AbortSignal,
): Promise<Program> {
  const forked = workers.map((worker) => ({ name: worker.name, fork: () => forkWorker(worker) }));
  const fleet = new ProcessFleet('worker', forked, logger);
  await fleet.start();
  const front = await startFront(config, apis, fleet, logger, signal);
  return {
    stop: async () => {
      await Promise.all([front?.stop(), fleet.stop()]);
    },
  };
}

/** Who answers on this machine's port. */
async function startFront(
  config: Config,
  apis: number,
  workers: ProcessFleet,
  logger: JsonLogger,
  signal: AbortSignal,
): Promise<Program | undefined> {
  if (config.CARILLON_ROLE === 'worker') return answerFor(config, logger, workers);
  if (apis > 1) return serveByMany(apis, workers, logger);
  const { runService } = await import('./run-service.js');
  return runService({ ...config, CARILLON_ROLE: 'api' }, logger, signal, workers);
}

/** Each of the processes can be asked for all of them: whoever asks cannot choose which one answers. */
async function serveByMany(count: number, workers: ProcessFleet, logger: JsonLogger): Promise<Program> {
  const answersFor = (name: string): Answers => ({
    readiness: () => othersOf(name, apis, workers),
    metrics: async () => Object.fromEntries((await expositionsOf(apis, workers)).flat()),
  });
  const members = apiProcessNames(count).map((name) => ({
    name,
    fork: () => forkApi(name),
    answers: answersFor(name),
  }));
  const apis = new ProcessFleet('api', members, logger);
  await apis.start();
  logger.log({ event: 'apis.supervised', processes: count });
  return { stop: () => apis.stop() };
}

async function othersOf(name: string, apis: ProcessFleet, workers: ProcessFleet): Promise<OtherProcesses> {
  const [alike, why] = await Promise.all([apis.missing(API_ANSWER_MS, name), workers.missingInWords(WORKER_ANSWER_MS)]);
  return { alike, needed: why === undefined ? {} : { workers: why } };
}

async function expositionsOf(...fleets: readonly ProcessFleet[]): Promise<[string, string][][]> {
  return Promise.all(fleets.map(async (fleet) => [...(await fleet.expositions())]));
}

async function answerFor(config: Config, logger: JsonLogger, fleet: ProcessFleet): Promise<Program> {
  const health = new WorkerHealth(config, fleet, logger);
  const port = config.WORKER_HEALTH_PORT === undefined ? undefined : await health.listen();
  logger.log({ event: 'workers.supervised', port });
  return { stop: async () => health.drain() };
}
