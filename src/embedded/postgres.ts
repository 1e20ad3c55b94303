import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../config/embedded-config.js';
import { ManagedProcess, type ProcessEnd, reapOrphan } from './managed-process.js';
import { choosePort } from './ports.js';
import { findPostgresBinaries, type PostgresIdentity, postgresIdentity } from './postgres-binaries.js';
import { commandLine } from './process-table.js';
import { keptSecret } from './secret-file.js';

const run = promisify(execFile);

export interface PostgresOptions {
  /** Folder of this instance alone: cluster, password, port, log. Made when missing. */
  dir: string;
  /** Default: the one of last time while it is free, else any free one. */
  port?: number;
  /** Server settings, over the defaults; `{ fsync: 'off' }`. */
  settings?: Readonly<Record<string, string>>;
  /** Default: `<dir>/postgres.log`. */
  logFile?: string;
  /** Called with each line of its log. */
  onLine?: (line: string) => void;
}

export interface RunningPostgres {
  /** Superuser of a database of its own: `postgres://carillon:…@127.0.0.1:…/postgres`. */
  url: string;
  port: number;
  pid: number;
  /** Resolves when the server has ended, whoever ended it. */
  exited: Promise<ProcessEnd>;
  /** Fast shutdown: open transactions are rolled back, connections closed. */
  stop(): Promise<void>;
}

const USER = 'carillon';
/** Crash recovery after a `kill -9` replays at most `max_wal_size`. */
const READY_TIMEOUT_MS = 120_000;
const STOP_GRACE_MS = 30_000;

const SETTINGS: Readonly<Record<string, string>> = {
  max_connections: '200',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  wal_compression: 'on',
  checkpoint_timeout: '15min',
  // Short statements on small machines: compiling them costs more than it saves.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  log_line_prefix: '%m [%p] ',
};

/**
 * Starts a private Postgres on 127.0.0.1, making its cluster first when `dir` has none. An orphan that a killed owner
 * left in `dir` is ended before; that `dir` has no living owner is the caller's business.
 *
 * @throws Error with the server's last words when it does not come up
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const { dir } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const recordFile = join(dir, 'postgres.pid.json');
  await reapOrphan(recordFile);

  const binaries = await findPostgresBinaries();
  const identity = await postgresIdentity();
  const dataDir = join(dir, 'data');
  const password = await keptSecret(join(dir, 'password'), () => randomBytes(24).toString('hex'));
  if (!existsSync(dataDir)) await initialize(binaries.initdb, identity, dir, dataDir);
  await adoptDataDir(dataDir, identity);
  await dropMisleadingPidFile(dataDir);

  const port = options.port ?? (await choosePort(join(dir, 'port')));
  const settings = {
    ...SETTINGS,
    ...options.settings,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
  };
  const args = ['-D', dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const [command = binaries.postgres, ...rest] = [...identity.prefix, binaries.postgres, ...args];
  const server = await ManagedProcess.start({
    name: 'postgres',
    command,
    args: rest,
    recordFile,
    logFile: options.logFile ?? join(dir, 'postgres.log'),
    stopSignal: 'SIGINT',
    orphanSignal: 'SIGQUIT',
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  });
  try {
    await server.waitForLine(/database system is ready to accept connections/, READY_TIMEOUT_MS);
  } catch (error) {
    await server.stop(STOP_GRACE_MS);
    throw error;
  }
  return {
    url: `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.stop(STOP_GRACE_MS),
  };
}

/** Makes the cluster beside its place and moves it there, so that a half-made one is never taken for a whole one. */
async function initialize(initdb: string, identity: PostgresIdentity, dir: string, dataDir: string): Promise<void> {
  const unfinished = join(dir, 'data.unfinished');
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  if (identity.ownerId !== undefined) await chown(unfinished, identity.ownerId, identity.ownerId);
  const args = [
    ...['-D', unfinished, '-U', USER, '--encoding=UTF8', '--locale=C', '--locale-provider=builtin'],
    ...['--builtin-locale=C.UTF-8', '--auth=scram-sha-256', `--pwfile=${join(dir, 'password')}`],
    // A power cut in the next seconds would lose nothing but an empty cluster.
    '--no-sync',
  ];
  const [command = initdb, ...rest] = [...identity.prefix, initdb, ...args];
  await run(command, rest, { env: childEnvironment({ LC_ALL: 'C' }) });
  await rename(unfinished, dataDir);
}

/**
 * Postgres refuses to start while the pid in its pid file is alive, though it may be a stranger's by now. Otherwise the
 * file stays: by it Postgres sees whether backends of a killed server still use its memory.
 */
async function dropMisleadingPidFile(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid');
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  const command = Number.isNaN(pid) ? undefined : commandLine(pid);
  if (command !== undefined && !command.includes(dataDir)) await rm(file, { force: true });
}

/** A cluster that was made under another identity (root or nobody) is handed over; Postgres insists on owning its folder. */
async function adoptDataDir(dataDir: string, identity: PostgresIdentity): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const owner = identity.ownerId ?? 0;
  if ((await lstat(dataDir)).uid === owner) return;
  const entries = await readdir(dataDir, { recursive: true });
  for (const path of [dataDir, ...entries.map((entry) => join(dataDir, entry))]) await chown(path, owner, owner);
}
