import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { npmCi, runWithProgress } from './processes.mjs';

/** What the build reads: folders whole, files by name. */
const BUILD_INPUTS = [
  'src',
  'migrations',
  'browser',
  'console',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];
const BUILD_MARKER = 'dist/.built-from';
const TSC = 'node_modules/typescript/bin/tsc';
/** What pages load is built apart: it knows a DOM, and its service worker another. */
const STEPS = {
  'the service': [TSC, '-p', 'tsconfig.build.json'],
  'the demo page and the types of the browser SDK': [TSC, '-p', 'browser/tsconfig.json'],
  'the service worker': [TSC, '-p', 'browser/tsconfig.worker.json'],
  'the browser SDK': ['browser/bundle.mjs'],
  'the console': ['node_modules/vite/bin/vite.js', 'build', 'console', '--logLevel', 'warn'],
};

/**
 * Installs and builds what is missing or stale in the clone `root`; costs some 50 ms when nothing is.
 *
 * @param {string} root
 * @param {string} runtimeDir
 * @param {'whenStale' | 'always' | 'never'} building
 */
export async function ensureFresh(root, runtimeDir, building) {
  const needsBuild = () => building === 'always' || (building === 'whenStale' && !isBuilt(root));
  if (isInstalled(root) && !needsBuild()) return;
  await withLock(join(runtimeDir, 'setup.lock'), async () => {
    if (!isInstalled(root)) await npmCi('installing the dependencies', root, runtimeDir);
    if (needsBuild()) await build(root);
  });
}

/** Compares the lock file with what npm itself wrote down, last of all, about the tree that it installed. */
function isInstalled(root) {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || installed[path]?.version === entry.version) return true;
    // An optional package is there only where it is meant for; whether its libc is ours, only npm knows.
    const isMeantForUs = entry.os?.includes(process.platform) && entry.cpu?.includes(process.arch);
    return entry.optional === true && !(isMeantForUs && entry.libc === undefined);
  });
}

function isBuilt(root) {
  const marker = join(root, BUILD_MARKER);
  return existsSync(marker) && readFileSync(marker, 'utf8') === sourceHash(root);
}

async function build(root) {
  const hash = sourceHash(root);
  for (const [what, args] of Object.entries(STEPS)) {
    await runWithProgress(`building ${what}`, process.execPath, args, { cwd: root });
  }
  cpSync(join(root, 'browser/demo'), join(root, 'dist/browser/demo'), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  });
  writeFileSync(join(root, BUILD_MARKER), hash);
}

function sourceHash(root) {
  const hash = createHash('sha256');
  for (const input of BUILD_INPUTS) addToHash(hash, root, input);
  return hash.digest('hex');
}

function addToHash(hash, root, path) {
  const absolute = join(root, path);
  if (!existsSync(absolute)) return;
  if (statSync(absolute).isDirectory()) {
    for (const name of readdirSync(absolute).sort()) addToHash(hash, root, `${path}/${name}`);
  } else {
    hash.update(`${path}\0`).update(readFileSync(absolute)).update('\0');
  }
}
