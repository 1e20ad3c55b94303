import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from '../../src/config/embedded-config.js';
import { inClone } from '../../src/embedded/clone.js';
import { guardian } from '../../src/embedded/guardian.js';
import type { Pids, ReadyState } from '../../src/embedded/stack.js';
import { eventually } from './eventually.js';

export type Ready = ReadyState & { pids: Record<Exclude<keyof Pids, 'workers'>, number> & { workers: number[] } };

const WITHIN = { timeoutMs: 120_000, intervalMs: 100 };

/** One run of `npm start`, from outside. */
export interface Instance {
  /** What was started: npm itself, or the launcher. */
  child: ChildProcess;
  /** Exit code, 128 + n after signal n; resolves when it has ended. */
  exitCode: Promise<number | null>;
  /** Everything that it printed so far. */
  output(): string;
  /** `ready.json` as it is now; waits until it is there. */
  ready(): Promise<Ready>;
  /** The pid of the process that owns the home. */
  supervisorPid(): Promise<number>;
}

/**
 * Starts the whole service as a user would, on a free port.
 *
 * @param home its data folder; the caller's to remove
 */
export function startInstance(home: string, { viaNpm = false, env = {} }: InstanceOptions = {}): Instance {
  const [command, ...args] = viaNpm ? ['npm', 'start'] : [process.execPath, 'scripts/carillon.mjs', 'start'];
  const child = spawn(command ?? 'npm', args, {
    cwd: inClone('.'),
    env: childEnvironment({ PORT: '0', CARILLON_HOME: home, DATABASE_URL: undefined, REDIS_URL: undefined, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  const { pid } = child;
  if (pid !== undefined) guardian.guard(pid, 'SIGTERM');
  const exitCode = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      if (pid !== undefined) guardian.release(pid);
      resolve(code);
    });
  });
  const endedEarly = exitCode.then((code) => {
    throw new Error(`it ended with ${code}:\n${output}`);
  });
  endedEarly.catch(() => {});
  const readHomeJson = async <T>(name: string) => JSON.parse(await readFile(join(home, name), 'utf8')) as T;
  return {
    child,
    exitCode,
    output: () => output,
    ready: () => Promise.race([eventually(() => readHomeJson<Ready>('ready.json'), WITHIN), endedEarly]),
    supervisorPid: async () => (await readHomeJson<{ pid: number }>('owner.json')).pid,
  };
}

export interface InstanceOptions {
  /** Through npm, as in `npm start`; else the script that npm would run. */
  viaNpm?: boolean;
  env?: Record<string, string | undefined>;
}
