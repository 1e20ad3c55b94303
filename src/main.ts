import module from 'node:module';
import { loadConfig, loadWorkerProcesses } from './config/config.js';
import { JsonLogger, logLabels } from './http/logger.js';
import { endWithSupervisor } from './process-link.js';

/** What this process runs. */
export interface Program {
  /** Ends work in hand, or gives it back, and then everything else. */
  stop(): Promise<void>;
}

/** Milliseconds that a stop may take: work in hand needs at most 25 s, and supervisors kill after 30. */
const STOP_DEADLINE_MS = 29_000;

async function main(): Promise<void> {
  // The maps of packages would cost a sixth of the start. Node has this from 22.14 on.
  if (process.sourceMapsEnabled) module.setSourceMapsSupport?.(true, { nodeModules: false });
  const config = loadConfig();
  const logger = new JsonLogger(config.LOG_LEVEL, logLabels(config));
  const crash = (error: unknown): never => {
    logger.fatal({ event: 'service.crashed', err: error });
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);
  const stopping = new AbortController();
  let program: Program | undefined;
  const stop = (reason: string) => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    logger.log({ event: 'service.stopping', signal: reason });
    setTimeout(() => {
      logger.error({ event: 'service.stop_deadline', deadlineMs: STOP_DEADLINE_MS });
      process.exit(1);
    }, STOP_DEADLINE_MS).unref();
    if (program) void end(program, logger);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  endWithSupervisor(() => stop('supervisor_gone'));

  const workers = config.CARILLON_ROLE === 'api' ? [] : loadWorkerProcesses();
  const apis = config.CARILLON_ROLE === 'worker' ? 1 : config.API_PROCESSES;
  // Only what is needed is loaded: a process that supervises is small.
  const start = async (): Promise<Program | undefined> => {
    if (workers.length > 1 || apis > 1) {
      return (await import('./supervise.js')).supervise(config, { apis, workers }, logger, stopping.signal);
    }
    return (await import('./run-service.js')).runService(config, logger, stopping.signal);
  };
  program = await start().catch(crash);
  if (stopping.signal.aborted) return end(program, logger);
}

async function end(program: Program | undefined, logger: JsonLogger): Promise<void> {
  try {
    await program?.stop();
    logger.log({ event: 'service.stopped' });
    process.exit(0);
  } catch (error) {
    logger.error({ event: 'service.stop_failed', err: error });
    process.exit(1);
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
