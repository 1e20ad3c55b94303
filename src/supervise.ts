import type { Config } from './config/config.js';
import type { WorkerProcess } from './config/worker-processes.js';
import type { JsonLogger } from './http/logger.js';
import type { Program } from './main.js';
import { WorkerFleet } from './worker-fleet.js';
import { WorkerHealth } from './worker-health.js';

/**
 * Runs these workers as processes of their own, and here either the api (role `all`) or only what answers for them (role
 * `worker`).
 */
export async function supervise(
  config: Config,
  workers: readonly WorkerProcess[],
  logger: JsonLogger,
  signal: AbortSignal,
): Promise<Program> {
  const fleet = new WorkerFleet(workers, logger);
  await fleet.start();
  const front =
    config.CARILLON_ROLE === 'all'
      ? await runApi(config, logger, signal, fleet)
      : await answerFor(config, logger, fleet);
  return {
    stop: async () => {
      await Promise.all([front?.stop(), fleet.stop()]);
    },
  };
}

async function runApi(config: Config, logger: JsonLogger, signal: AbortSignal, fleet: WorkerFleet) {
  const { runService } = await import('./run-service.js');
  return runService({ ...config, CARILLON_ROLE: 'api' }, logger, signal, fleet);
}

async function answerFor(config: Config, logger: JsonLogger, fleet: WorkerFleet): Promise<Program> {
  const health = new WorkerHealth(config, fleet, logger);
  const port = config.WORKER_HEALTH_PORT === undefined ? undefined : await health.listen();
  logger.log({ event: 'workers.supervised', port });
  return { stop: async () => health.drain() };
}
