/**
 * The one door to this clone: brings whatever is missing (Node, dependencies, build) and then runs the command. Plain
 * JavaScript that Node 18 understands, because it has to run before anything is installed.
 */
import nodeModule from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureFresh } from './freshness.mjs';
import { ensurePrivateNode, isNodeTooOld, runAgainWith } from './private-node.mjs';
import { runInForeground, say, watchParent } from './processes.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RUNTIME_DIR = join(ROOT, '.runtime');

/** @type {Record<string, (args: string[]) => Promise<number>>} */
const COMMANDS = {
  start: async () => {
    const { start } = await import(pathToFileURL(join(ROOT, 'dist/src/embedded/start.js')).href);
    return start();
  },
  demo: (args) => node('dist/src/embedded/demo.js', ...args),
  simulator: (args) => node('dist/src/simulator/main.js', ...args),
  test: (args) => node('node_modules/vitest/vitest.mjs', 'run', ...args),
  bench: async (args) => {
    const code = await node('node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json');
    return code === 0 ? node('dist/bench/main.js', ...args) : code;
  },
  check: async () => {
    for (const step of CHECKS) {
      const code = await node(...step);
      if (code !== 0) return code;
    }
    return 0;
  },
  build: async () => 0,
};

/** The others build when the sources have changed. The benchmarks build themselves: no production build contains them. */
const BUILDING = { build: 'always', check: 'never', bench: 'never' };

const CHECKS = [
  ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
  ['node_modules/typescript/bin/tsc', '-p', 'browser/tsconfig.json', '--noEmit'],
  ['node_modules/typescript/bin/tsc', '-p', 'browser/tsconfig.worker.json', '--noEmit'],
  ['node_modules/typescript/bin/tsc', '-p', 'console/tsconfig.json'],
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit'],
];

function node(...args) {
  return runInForeground(process.execPath, args, { cwd: ROOT });
}

async function main([name, ...args]) {
  const command = COMMANDS[name];
  if (command === undefined) {
    say(`which of ${Object.keys(COMMANDS).join(', ')}?`);
    return 2;
  }
  watchParent(() => process.kill(process.pid, 'SIGTERM'));
  if (isNodeTooOld()) {
    return runAgainWith(await ensurePrivateNode(RUNTIME_DIR), fileURLToPath(import.meta.url), [name, ...args]);
  }
  // Spares every process below us the compilation of the same packages: a third of their start.
  process.env.NODE_COMPILE_CACHE ??= join(RUNTIME_DIR, 'compile-cache');
  nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  await ensureFresh(ROOT, RUNTIME_DIR, BUILDING[name] ?? 'whenStale');
  return command(args);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
