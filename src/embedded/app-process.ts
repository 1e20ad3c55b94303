import { setTimeout as delay } from 'node:timers/promises';
import { inClone } from './clone.js';
import { consoleErrors } from './console-errors.js';
import type { Home } from './home.js';
import { loopbackRequest } from './loopback-http.js';
import { ManagedProcess, reapOrphan } from './managed-process.js';
import type { Running } from './supervised.js';

export interface AppOptions {
  /** `api`, `worker-1`, `simulator`: names its log, too. */
  name: string;
  /** Built script, relative to the clone. */
  script: string;
  args?: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  home: Home;
  /** How long it may take to finish what it has begun. */
  stopGraceMs: number;
  report: (message: string) => void;
}

/**
 * V8 and glibc keep what a burst once needed: without these a worker's resident memory doubles under a campaign although its
 * heap does not grow. The Dockerfile sets the same.
 */
export const FRUGAL_FLAGS = ['--max-semi-space-size=12', '--heap-growing-percent=50'];
const FRUGAL_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;

/** Starts one of our own programs, as it is after `npm run build`, without waiting until it is ready. */
export async function startApp(options: AppOptions): Promise<{ process: ManagedProcess; running: Running }> {
  const recordFile = options.home.recordFile(options.name);
  await reapOrphan(recordFile);
  const child = await ManagedProcess.start({
    name: options.name,
    command: process.execPath,
    args: [...FRUGAL_FLAGS, '--enable-source-maps', inClone(options.script), ...(options.args ?? [])],
    env: { ...FRUGAL_ENVIRONMENT, ...options.env },
    recordFile,
    logFile: options.home.logFile(options.name),
    stopSignal: 'SIGTERM',
    // With its servers gone it could finish nothing; a crash costs what the design says, at any moment.
    orphanSignal: 'SIGKILL',
    onLine: consoleErrors(options.name, /error|exception/i, options.report),
  });
  const running = { pid: child.pid, exited: child.exited, stop: () => child.stop(options.stopGraceMs) };
  return { process: child, running };
}

/**
 * Starts a program and waits until its `healthUrl` answers 200.
 *
 * @throws Error with its last words when it ends before, is not ready in time or `signal` aborts; nothing is left then
 */
export async function startReadyApp(options: AppOptions, healthUrl: string, signal: AbortSignal): Promise<Running> {
  const { process: child, running } = await startApp(options);
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  let answer: unknown = 'no answer';
  while (child.isRunning && !signal.aborted && performance.now() < deadlineMs) {
    const response = await loopbackRequest(healthUrl, { timeoutMs: 5_000 }).catch(() => undefined);
    if (response?.status === 200) return running;
    answer = response?.body ?? answer;
    await delay(READY_POLL_MS);
  }
  const why = child.isRunning ? `is not ready: ${JSON.stringify(answer)}` : 'ended';
  await running.stop();
  throw new Error(`${options.name} ${why}\n${child.lastLines()}`);
}

/** Starts a program that ends by itself. @throws Error with its last words unless it ends well */
export async function runApp(options: AppOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { process: child, running } = await startApp(options);
  const abort = () => void running.stop();
  signal.addEventListener('abort', abort, { once: true });
  const end = await running.exited;
  signal.removeEventListener('abort', abort);
  await running.stop();
  if (end.code !== 0) throw new Error(`${options.name} failed (${end.signal ?? end.code})\n${child.lastLines()}`);
}
