import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { guardian } from '../src/embedded/guardian.js';
import { machineText, markdownOf, writeBetweenMarkers } from './report.js';
import type { Bench, RunSection } from './section.js';

/** In the order in which they run; imported when their turn comes, so that none pays for another's packages. */
const SECTIONS: Readonly<Record<string, () => Promise<RunSection>>> = {
  transport: async () => (await import('./transport/main.js')).runTransport,
  providers: async () => (await import('./providers/main.js')).runProviders,
};

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
const ROUNDS = 5;
const USAGE = `npm run bench -- [--only ${Object.keys(SECTIONS).join(',')}] [--rounds ${ROUNDS}] [--quick] [--write]`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const names = values.only?.split(',') ?? Object.keys(SECTIONS);
  const rounds = Number(values.rounds ?? (values.quick ? 1 : ROUNDS));
  if (names.some((name) => !(name in SECTIONS)) || !Number.isInteger(rounds) || rounds < 1) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const workDir = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
  guardian.removeAtDeath(workDir);
  const say = (line: string) => void process.stderr.write(`bench: ${line}\n`);
  try {
    const machine = machineText(new Date(), rounds);
    process.stdout.write(`${machine}\n`);
    for (const name of names) {
      const text = await runOne(name, { rounds, isQuick: values.quick, workDir, say });
      process.stdout.write(`\n${text}\n`);
      if (values.write) writeBetweenMarkers(DOCUMENT, name, `\n_${machine}_\n\n${text}\n`);
    }
    return 0;
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

async function runOne(name: string, bench: Bench): Promise<string> {
  const run = await SECTIONS[name]?.();
  if (run === undefined) throw new Error(`no section ${name}`);
  bench.say(`${name} …`);
  return markdownOf(await run(bench));
}

process.exitCode = await main();
