import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { guardian } from '../src/embedded/guardian.js';
import { machineText, markdownOf, writeBetweenMarkers } from './report.js';
import type { Bench, RunSection } from './section.js';

/** In the order in which they run; imported when their turn comes, so that none pays for another's packages. */
const SECTIONS: Readonly<Record<string, () => Promise<RunSection>>> = {
  transport: async () => (await import('./transport/main.js')).runTransport,
  fcm: async () => (await import('./providers/main.js')).runProvider.fcm,
  apns: async () => (await import('./providers/main.js')).runProvider.apns,
  webpush: async () => (await import('./providers/main.js')).runProvider.webpush,
  latency: async () => (await import('./latency/main.js')).runLatency,
  campaign: async () => (await import('./system/main.js')).runSystem.campaign,
  sizes: async () => (await import('./system/main.js')).runSystem.sizes,
  accept: async () => (await import('./system/main.js')).runSystem.accept,
  push: async () => (await import('./system/main.js')).runSystem.push,
  slow: async () => (await import('./system/main.js')).runSystem.slow,
  realtime: async () => (await import('./realtime/main.js')).runRealtime,
  console: async () => (await import('./console/main.js')).runConsole,
};

/** Short for several sections. */
const GROUPS: Readonly<Record<string, readonly string[]>> = { providers: ['fcm', 'apns', 'webpush'] };

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
const ROUNDS = 5;
const USAGE = `npm run bench -- [--only ${Object.keys(SECTIONS).join(',')}] [--rounds ${ROUNDS}] [--quick] [--devices N] [--profile DIR] [--write]`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      devices: { type: 'string' },
      profile: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const names = values.only?.split(',').flatMap((name) => GROUPS[name] ?? [name]) ?? Object.keys(SECTIONS);
  const rounds = Number(values.rounds ?? (values.quick ? 1 : ROUNDS));
  const devices = values.devices === undefined ? undefined : Number(values.devices);
  const isCount = (value: number) => Number.isInteger(value) && value > 0;
  if (names.some((name) => !(name in SECTIONS)) || ![rounds, devices ?? 1].every(isCount)) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const workDir = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
  guardian.removeAtDeath(workDir);
  const say = (line: string) => void process.stderr.write(`bench: ${line}\n`);
  try {
    const machine = machineText(new Date(), rounds);
    process.stdout.write(`${machine}\n`);
    const profileDir = values.profile && resolve(values.profile);
    let code = 0;
    for (const name of names) {
      try {
        const text = await runOne(name, { rounds, isQuick: values.quick, devices, profileDir, workDir, say });
        process.stdout.write(`\n${text}\n`);
        if (values.write) writeBetweenMarkers(DOCUMENT, name, `\n_${machine}_\n\n${text}\n`);
      } catch (error) {
        // The others took minutes and stand for themselves.
        say(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
        code = 1;
      }
    }
    return code;
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
