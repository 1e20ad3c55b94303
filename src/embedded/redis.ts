import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toolCacheDirs } from './debian-packages.js';
import { ManagedProcess, type ProcessEnd, reapOrphan } from './managed-process.js';
import { choosePort } from './ports.js';
import { findRedisBinary } from './redis-binary.js';
import { keptSecret } from './secret-file.js';

export interface RedisOptions {
  /** Folder of this instance alone. Made when missing. */
  dir: string;
  /** Default: the one of last time while it is free, else any free one. */
  port?: number;
  /** Default false: what is in Redis can be lost, Postgres is the truth. */
  appendOnly?: boolean;
  /** Default: `<dir>/redis.log`. */
  logFile?: string;
  /** Told what takes long, in a sentence. */
  report?: (message: string) => void;
}

export interface RunningRedis {
  /** `redis://:…@127.0.0.1:…`, without a database index. */
  url: string;
  port: number;
  pid: number;
  /** Resolves when the server has ended, whoever ended it. */
  exited: Promise<ProcessEnd>;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 10_000;
/** Each test file takes a database of its own. */
const DATABASES = 256;

/**
 * Starts a private Redis (or Valkey) on 127.0.0.1, behind a password, that never evicts. An orphan that a killed owner
 * left in `dir` is ended before.
 *
 * @throws Error that says how to get a Redis, or with the server's last words when it does not come up
 */
export async function startRedis(options: RedisOptions): Promise<RunningRedis> {
  const { dir } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const recordFile = join(dir, 'redis.pid.json');
  await reapOrphan(recordFile);
  const binary = await findRedisBinary(toolCacheDirs(), options.report ?? (() => {}));
  const port = options.port ?? (await choosePort(join(dir, 'port')));
  const password = await keptSecret(join(dir, 'password'), () => randomBytes(24).toString('hex'));
  const configFile = join(dir, 'redis.conf');
  // In a file, because everybody on the machine can read a command line.
  await writeFile(configFile, configuration(dir, port, password, options.appendOnly ?? false), { mode: 0o600 });
  const server = await ManagedProcess.start({
    name: 'redis',
    command: binary.command,
    args: [configFile],
    env: binary.env,
    recordFile,
    logFile: options.logFile ?? join(dir, 'redis.log'),
    stopSignal: 'SIGTERM',
    orphanSignal: 'SIGTERM',
  });
  try {
    await server.waitForLine(/ready to accept connections/i, READY_TIMEOUT_MS);
  } catch (error) {
    await server.stop(STOP_GRACE_MS);
    throw error;
  }
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.stop(STOP_GRACE_MS),
  };
}

function configuration(dir: string, port: number, password: string, appendOnly: boolean): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${dir.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
    `databases ${DATABASES}`,
    // Bull loses jobs on a server that evicts.
    'maxmemory-policy noeviction',
    `appendonly ${appendOnly ? 'yes' : 'no'}`,
    'save ""',
    '',
  ].join('\n');
}
