import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { eventually } from './eventually.js';

const MAIN = join(resolve(import.meta.dirname, '../..'), 'dist/src/main.js');
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

/** An api node as a process of its own, for tests that stop or kill it. */
export interface ApiProcess {
  baseUrl: string;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<number | null>;
}

/**
 * Starts `dist/src/main.js` as an api that takes the tokens of the nodes of `startApi`.
 *
 * @param database URL of a migrated database
 * @param redis    URL
 */
export async function spawnApi(database: string, redis: string, env: Record<string, string> = {}): Promise<ApiProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: database,
      REDIS_URL: redis,
      CARILLON_ROLE: 'api',
      CARILLON_MASTER_KEY: MASTER_KEY,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = new Promise<number | null>((settle) => child.once('exit', settle));
  const port = () => /"event":"service\.started","port":(\d+)/.exec(output)?.[1];
  await eventually(() => port() !== undefined, { timeoutMs: 30_000 }).catch(() => {
    child.kill('SIGKILL');
    throw new Error(`the api did not start:\n${output}`);
  });
  return { baseUrl: `http://127.0.0.1:${port()}`, kill: (signal) => child.kill(signal), exited };
}
