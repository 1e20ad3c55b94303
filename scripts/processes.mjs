import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** @type {NodeJS.Signals[]} */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** @param {string} message one line for the person who waits */
export function say(message) {
  process.stdout.write(`carillon: ${message}\n`);
}

/**
 * Runs a program in the foreground and passes our signals on to it.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions & { watchable?: boolean }} options `watchable`: the child may learn of our death by its IPC channel
 * @returns {Promise<number>} its exit code, 128 + n after signal n
 */
export function runInForeground(command, args, { watchable = false, ...options } = {}) {
  const stdio = watchable ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit';
  const child = spawn(command, args, { stdio, ...options });
  const forwards = SIGNALS.map((signal) => {
    // A terminal sends Ctrl-C to all of its foreground processes itself; a second one means "at once" to some.
    const forward = () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal));
    process.on(signal, forward);
    return () => process.off(signal, forward);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const stop of forwards) stop();
      resolve(signal === null ? (code ?? 1) : 128 + signalNumber(signal));
    });
  });
}

/**
 * Runs something that takes long, saying so; its output is shown only when it fails.
 *
 * @param {string} what such as "installing the dependencies"
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 */
export async function runWithProgress(what, command, args, options = {}) {
  const startedAt = Date.now();
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1);
  say(`${what} …`);
  const ticker = setInterval(() => say(`${what} … ${seconds()} s`), 10_000);
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (chunk) => {
    output = (output + chunk).slice(-20_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let interruptedBy;
  const interrupt = (signal) => {
    interruptedBy = signal;
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (interruptedBy !== undefined) throw new Error(`${what}: interrupted`);
    if (code !== 0) throw new Error(`${what} failed (${command} ${args.join(' ')}):\n${output}`);
    say(`${what}: done in ${seconds()} s`);
  } finally {
    clearInterval(ticker);
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

/**
 * `npm ci` in `folder`, everything included whatever the environment leaves out.
 *
 * @param {string} what
 * @param {string} folder
 * @param {string} runtimeDir where npm's cache goes for a user without a home
 */
export async function npmCi(what, folder, runtimeDir) {
  const env = { ...process.env, NODE_ENV: 'development' };
  if (!canBeMade(env.npm_config_cache ?? join(homedir(), '.npm'))) env.npm_config_cache = join(runtimeDir, 'npm-cache');
  const npm = npmCommand();
  const args = [...npm.args, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  await runWithProgress(what, npm.command, args, { cwd: folder, env, shell: npm.shell });
}

/**
 * Calls `onDeath` when whoever started us for somebody else is gone: the launcher before us, or npm, which may be killed
 * without telling us. A plain shell that started us may end; we stay.
 *
 * @param {() => void} onDeath
 */
export function watchParent(onDeath) {
  if (process.channel) {
    process.once('disconnect', onDeath);
    process.channel.unref();
  } else if (process.env.npm_lifecycle_event !== undefined) {
    const before = ancestors();
    const timer = setInterval(() => {
      if (ancestors() === before) return;
      clearInterval(timer);
      onDeath();
    }, 500);
    timer.unref();
  }
}

/** npm may have put a shell between itself and us; then it is our grandparent. */
function ancestors() {
  const parent = process.ppid;
  try {
    const stat = readFileSync(`/proc/${parent}/stat`, 'latin1');
    const isShell = /\((sh|dash|bash|ash|zsh|busybox)\)/.test(stat);
    return isShell ? `${parent}<${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]}` : `${parent}`;
  } catch {
    return `${parent}`;
  }
}

function npmCommand() {
  const script = process.env.npm_execpath;
  if (script !== undefined && basename(script) === 'npm-cli.js') return { command: process.execPath, args: [script] };
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

/** Whether we may write into `folder` or, where it is missing, make it. */
function canBeMade(folder) {
  if (!existsSync(folder) && dirname(folder) !== folder) return canBeMade(dirname(folder));
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function signalNumber(signal) {
  return { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0;
}
