import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { apiEnvironment } from './config/api-processes.js';
import { childEnvironment } from './config/embedded-config.js';
import { type WorkerProcess, workerEnvironment } from './config/worker-processes.js';

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));

/** This program again, as one of several workers. */
export function forkWorker(worker: WorkerProcess): ChildProcess {
  return fork(MAIN, { env: childEnvironment(workerEnvironment(worker)) });
}

/**
 * This program again, as one of several api processes that share a port: this process listens for all of them and hands each
 * connection to the next one.
 */
export function forkApi(name: string): ChildProcess {
  cluster.setupPrimary({ exec: MAIN, args: [] });
  const worker = cluster.fork(apiEnvironment(name));
  // Told by `exit`, too; without a listener it would end this process.
  worker.on('error', () => undefined);
  closeWhatItNeverTook(worker.process);
  return worker.process;
}

/**
 * A connection is ours until the process has taken it. Node forgets one that it was just handing to a process that died,
 * without closing it, and its client would wait for ever.
 */
function closeWhatItNeverTook(child: ChildProcess): void {
  const send = child.send.bind(child) as (...args: unknown[]) => boolean;
  let last: { close(): void } | undefined;
  child.send = (...args: unknown[]): boolean => {
    const [, handle] = args;
    if (isHandle(handle)) last = handle;
    return send(...args);
  };
  // Closing again what was taken long ago does nothing.
  child.once('exit', () => last?.close());
}

function isHandle(value: unknown): value is { close(): void } {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function';
}
