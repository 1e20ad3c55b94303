import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, cp, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment, executableSearchPath, userCacheDir } from '../config/embedded-config.js';
import { inClone } from './clone.js';

const run = promisify(execFile);

/** A program that Debian and Ubuntu have in a package. */
export interface DebianTool {
  /** For people, and (in lower case) for the folder of a copy. */
  name: string;
  /** File names to look for on PATH, best first. */
  programs: readonly string[];
  /** File name that a copy gets: one of `programs`. */
  program: string;
  package: string;
  /** Of the program inside the package, without a leading slash. */
  path: string;
  /** Arguments with which the program says its version and ends. */
  versionArgs: readonly string[];
  /** What it then says, on either output. */
  versionPattern: RegExp;
  /** What to do where there is no apt: the rest of "no … was found: …". */
  advice: string;
}

export interface FoundTool {
  command: string;
  /** Needed by a copy whose libraries lie beside it. */
  env: Readonly<Record<string, string>>;
}

/** A HTTP/2 server in C. */
export const NGHTTPD: DebianTool = {
  name: 'nghttpd',
  programs: ['nghttpd'],
  program: 'nghttpd',
  package: 'nghttp2-server',
  path: 'usr/sbin/nghttpd',
  versionArgs: ['--version'],
  versionPattern: /nghttpd nghttp2\//,
  advice: 'install it (apt install nghttp2-server | brew install nghttp2)',
};

/** A HTTP/2 load generator in C. */
export const H2LOAD: DebianTool = {
  name: 'h2load',
  programs: ['h2load'],
  program: 'h2load',
  package: 'nghttp2-client',
  path: 'usr/bin/h2load',
  versionArgs: ['--version'],
  versionPattern: /h2load nghttp2\//,
  advice: 'install it (apt install nghttp2-client | brew install nghttp2)',
};

/** A copy has no configuration: give it `-p` and `-c`, with a path for the pid, every temporary folder and every log. */
export const NGINX: DebianTool = {
  name: 'nginx',
  programs: ['nginx'],
  program: 'nginx',
  package: 'nginx',
  path: 'usr/sbin/nginx',
  versionArgs: ['-v'],
  versionPattern: /nginx version:/,
  advice: 'install it (apt install nginx-light | brew install nginx)',
};

/** Where a distribution keeps servers, and where the PATH of a user may not lead. */
const SERVER_DIRS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The packages that hold libraries; scripts, documentation and services are not needed by a program that only runs. */
const LIBRARY_PACKAGE = /^(lib|zlib|lua-)/;

/** Foreign ones do not run under the machine's own loader; every machine has its own. */
const NEVER_FETCHED: ReadonlySet<string> = new Set(['libc6', 'libc-bin']);

/** Folders that keep downloaded programs, best first: the person's, and the clone's for a user without a home. */
export function toolCacheDirs(): string[] {
  return [userCacheDir(), inClone('.runtime/cache')];
}

/**
 * The machine's own program, else a copy kept in one of `cacheDirs`, else one downloaded through apt, unprivileged and
 * with the libraries that are not installed, into the first of `cacheDirs` that can be written.
 *
 * @param report told what takes long, in a sentence
 * @throws Error that says how to get the program
 */
export async function findTool(
  tool: DebianTool,
  cacheDirs: readonly string[],
  report: (message: string) => void,
): Promise<FoundTool> {
  for (const dir of [...executableSearchPath().split(delimiter), ...SERVER_DIRS]) {
    for (const program of tool.programs) {
      const found = { command: join(dir, program), env: {} };
      if (dir !== '' && (await answers(tool, found))) return found;
    }
  }
  const kept = cacheDirs.map((dir) => join(dir, `${tool.name.toLowerCase()}-${process.platform}-${process.arch}`));
  for (const dir of kept) {
    const found = copyIn(tool, dir);
    if (await answers(tool, found)) return found;
  }
  const reasons: unknown[] = [];
  for (const dir of kept) {
    try {
      return await download(tool, dir, report);
    } catch (error) {
      reasons.push(error);
    }
  }
  throw new Error(`no ${tool.name} was found: ${tool.advice}`, { cause: new AggregateError(reasons) });
}

function copyIn(tool: DebianTool, dir: string): FoundTool {
  return { command: join(dir, tool.program), env: { LD_LIBRARY_PATH: join(dir, 'lib') } };
}

async function answers(tool: DebianTool, found: FoundTool): Promise<boolean> {
  try {
    await access(found.command, constants.X_OK);
    const options = { env: childEnvironment(found.env), timeout: 10_000 };
    const { stdout, stderr } = await run(found.command, tool.versionArgs, options);
    return tool.versionPattern.test(stdout) || tool.versionPattern.test(stderr);
  } catch {
    return false;
  }
}

/** Fills `dir` in one step, by rename, so that two clones that do it at once cannot spoil it. */
async function download(tool: DebianTool, dir: string, report: (message: string) => void): Promise<FoundTool> {
  await mkdir(join(dir, '..'), { recursive: true, mode: 0o700 });
  const work = await mkdtemp(`${dir}.`);
  try {
    report(`downloading ${tool.name} through apt, into a private folder (once) …`);
    const archives = join(work, 'archives');
    await mkdir(archives);
    await fetchPackages(tool, work, archives, report);
    const tree = join(work, 'tree');
    for (const file of await readdir(archives)) {
      if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(archives, file), tree]);
    }
    const copy = join(work, 'copy');
    await gather(tool, tree, copy);
    if (!(await answers(tool, copyIn(tool, copy)))) {
      throw new Error(`the ${tool.name} that apt delivered does not run here`);
    }
    await rm(dir, { recursive: true, force: true });
    await rename(copy, dir).catch(async (error: NodeJS.ErrnoException) => {
      if (!(await answers(tool, copyIn(tool, dir)))) throw error;
    });
    return copyIn(tool, dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** With the package lists that the machine has; when they are missing or too old, with fresh ones of our own. */
async function fetchPackages(
  tool: DebianTool,
  work: string,
  archives: string,
  report: (message: string) => void,
): Promise<void> {
  try {
    await aptDownload(tool, [], archives);
  } catch {
    const lists = join(work, 'lists');
    const cache = join(work, 'cache');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
    const options = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${cache}`, '-o', 'APT::Sandbox::User='];
    report('fetching the package lists first …');
    await run('apt-get', [...options, 'update'], { maxBuffer: 16 * 1024 * 1024 });
    await aptDownload(tool, options, archives);
  }
}

async function aptDownload(tool: DebianTool, options: readonly string[], archives: string): Promise<void> {
  const wanted = new Set([tool.package]);
  for (let level = [tool.package]; level.length > 0; ) {
    const { stdout } = await run('apt-cache', [...options, 'depends', ...level]);
    const dependencies = [...stdout.matchAll(/^\s+\|?(?:Pre)?Depends: ([a-z0-9][^\s:]*)/gm)].map(
      ([, name]) => name ?? '',
    );
    level = [];
    for (const name of dependencies) {
      if (wanted.has(name) || NEVER_FETCHED.has(name) || !LIBRARY_PACKAGE.test(name)) continue;
      // What is installed has what it needs.
      if (await isInstalled(name)) continue;
      wanted.add(name);
      level.push(name);
    }
  }
  await run('apt-get', [...options, '-o', 'APT::Sandbox::User=', 'download', ...wanted], { cwd: archives });
}

async function isInstalled(name: string): Promise<boolean> {
  return run('dpkg-query', ['-s', name]).then(
    ({ stdout }) => stdout.includes('Status: install ok installed'),
    () => false,
  );
}

async function gather(tool: DebianTool, tree: string, copy: string): Promise<void> {
  await mkdir(join(copy, 'lib'), { recursive: true });
  await cp(join(tree, tool.path), join(copy, tool.program));
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
