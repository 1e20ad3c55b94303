import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, cp, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment, executableSearchPath } from '../config/embedded-config.js';

const run = promisify(execFile);

export interface RedisBinary {
  command: string;
  /** Needed by a copy whose libraries lie beside it. */
  env: Readonly<Record<string, string>>;
}

const PROGRAMS = ['valkey-server', 'redis-server'];

/** Debian's and Ubuntu's package that holds the server itself (`redis-check-rdb` is the same program). */
const PACKAGE = 'redis-tools';

/**
 * A Redis or Valkey server: the machine's own, else a copy kept in one of `cacheDirs`, else one downloaded through apt,
 * unprivileged, into the first of `cacheDirs` that can be written.
 *
 * @param report told what takes long, in a sentence
 * @throws Error that says how to get one
 */
export async function findRedisBinary(
  cacheDirs: readonly string[],
  report: (message: string) => void,
): Promise<RedisBinary> {
  for (const dir of executableSearchPath().split(delimiter)) {
    for (const program of PROGRAMS) {
      const binary = { command: join(dir, program), env: {} };
      if (dir !== '' && (await answers(binary))) return binary;
    }
  }
  const kept = cacheDirs.map((dir) => join(dir, `redis-${process.platform}-${process.arch}`));
  for (const dir of kept) {
    const binary = copyIn(dir);
    if (await answers(binary)) return binary;
  }
  const reasons: unknown[] = [];
  for (const dir of kept) {
    try {
      return await download(dir, report);
    } catch (error) {
      reasons.push(error);
    }
  }
  throw new Error(
    'no Redis was found: install Valkey or Redis ≥ 6.2 (apt install valkey-server | apt install redis-server | brew install valkey), or set REDIS_URL',
    { cause: new AggregateError(reasons) },
  );
}

function copyIn(dir: string): RedisBinary {
  return { command: join(dir, 'redis-server'), env: { LD_LIBRARY_PATH: join(dir, 'lib') } };
}

async function answers(binary: RedisBinary): Promise<boolean> {
  try {
    await access(binary.command, constants.X_OK);
    const { stdout } = await run(binary.command, ['--version'], { env: childEnvironment(binary.env), timeout: 10_000 });
    return /(redis|valkey) server v=/i.test(stdout);
  } catch {
    return false;
  }
}

/** Fills `dir` in one step, by rename, so that two clones that do it at once cannot spoil it. */
async function download(dir: string, report: (message: string) => void): Promise<RedisBinary> {
  await mkdir(join(dir, '..'), { recursive: true, mode: 0o700 });
  const work = await mkdtemp(`${dir}.`);
  try {
    report('downloading Redis through apt, into a private folder (once) …');
    const archives = join(work, 'archives');
    await mkdir(archives);
    await fetchPackages(work, archives, report);
    const tree = join(work, 'tree');
    for (const file of await readdir(archives)) {
      if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(archives, file), tree]);
    }
    const copy = join(work, 'copy');
    await gather(tree, copy);
    if (!(await answers(copyIn(copy)))) throw new Error('the Redis that apt delivered does not run here');
    await rm(dir, { recursive: true, force: true });
    await rename(copy, dir).catch(async (error: NodeJS.ErrnoException) => {
      if (!(await answers(copyIn(dir)))) throw error;
    });
    return copyIn(dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** With the package lists that the machine has; when they are missing or too old, with fresh ones of our own. */
async function fetchPackages(work: string, archives: string, report: (message: string) => void): Promise<void> {
  try {
    await aptDownload([], archives);
  } catch {
    const lists = join(work, 'lists');
    const cache = join(work, 'cache');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
    const options = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${cache}`, '-o', 'APT::Sandbox::User='];
    report('fetching the package lists first …');
    await run('apt-get', [...options, 'update'], { maxBuffer: 16 * 1024 * 1024 });
    await aptDownload(options, archives);
  }
}

async function aptDownload(options: readonly string[], archives: string): Promise<void> {
  const { stdout } = await run('apt-cache', [...options, 'depends', PACKAGE]);
  const dependencies = [...stdout.matchAll(/^\s+\|?Depends: ([a-z0-9][^\s:]*)/gm)].map((match) => match[1] ?? '');
  const wanted = [PACKAGE];
  for (const name of dependencies) {
    if (name !== 'libc6' && !(await isInstalled(name))) wanted.push(name);
  }
  await run('apt-get', [...options, '-o', 'APT::Sandbox::User=', 'download', ...wanted], { cwd: archives });
}

async function isInstalled(name: string): Promise<boolean> {
  return run('dpkg-query', ['-s', name]).then(
    ({ stdout }) => stdout.includes('Status: install ok installed'),
    () => false,
  );
}

async function gather(tree: string, copy: string): Promise<void> {
  await mkdir(join(copy, 'lib'), { recursive: true });
  await cp(join(tree, 'usr/bin/redis-check-rdb'), join(copy, 'redis-server'));
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    if (!/\.so(\.|$)/.test(entry.name)) continue;
    const target = join(copy, 'lib', entry.name);
    if (entry.isFile()) await cp(join(entry.parentPath, entry.name), target);
    else if (entry.isSymbolicLink()) await linkWithin(join(entry.parentPath, entry.name), target);
  }
}

/** Library links name a file of the same folder. */
async function linkWithin(from: string, to: string): Promise<void> {
  await symlink(await readlink(from), to).catch(() => {});
}
