import type { Bench, Section } from '../section.js';
import { figure, spreadOf, spreadText } from '../spread.js';
import { type CampaignRun, runCampaign } from './campaign-run.js';
import { createDevices } from './devices.js';
import { processText } from './processes.js';
import { type Application, type CpuUse, profiling, Stack } from './stack.js';
import { cheapest, type Fcm, warmUpWorkers, withFcm } from './with-fcm.js';

const SIZES = [10_000, 100_000, 1_000_000, 5_000_000] as const;
const QUICK_SIZES = [5_000, 50_000] as const;
/** What the largest is compared with; smaller ones consist of their first and last moments. */
const REFERENCE = 100_000;
/** A single campaign to few devices is too short for a stopwatch. */
const LEAST_DELIVERIES = 100_000;
const MOST_CAMPAIGNS = 10;

/** One size in one round: as many campaigns as it takes to measure it. */
type Measured = readonly CampaignRun[];

/** What a delivery costs, and what a worker holds in memory, when campaigns are small and when they are large. */
export async function sizes(bench: Bench): Promise<Section[]> {
  const all = bench.isQuick ? QUICK_SIZES : SIZES;
  return Stack.with(bench, (stack) =>
    withFcm(stack, cheapest, async (fcm) => {
      await stack.startApi();
      const applications = await applicationsOf(stack, fcm, all);
      await stack.startDefaultWorkers(profiling(bench));
      await warmUpWorkers(stack, fcm);
      const measured = new Map<number, Measured[]>(all.map((size) => [size, []]));
      for (let round = 1; round <= bench.rounds; round += 1) {
        for (const [size, application] of applications) {
          const runs = await measure(stack, application, size);
          measured.get(size)?.push(runs);
          bench.say(`sizes, round ${round}: ${size}: ${summaryOf(runs)}`);
        }
      }
      return [costTable(measured), memoryTable(measured)];
    }),
  );
}

async function applicationsOf(
  stack: Stack,
  fcm: Fcm,
  all: readonly number[],
): Promise<ReadonlyMap<number, Application>> {
  const applications = new Map<number, Application>();
  for (const size of all) {
    stack.bench.say(`sizes: making ${figure(size)} devices`);
    const application = await fcm.createApplication(`size-${size}`);
    await createDevices(stack.db, application.id, size);
    applications.set(size, application);
  }
  return applications;
}

async function measure(stack: Stack, application: Application, size: number): Promise<Measured> {
  // Every size meets the same log: an empty one.
  await stack.db.query('truncate delivery_attempt');
  await stack.db.query('checkpoint');
  const campaigns = Math.min(MOST_CAMPAIGNS, Math.ceil(LEAST_DELIVERIES / size));
  const runs: CampaignRun[] = [];
  for (let n = 0; n < campaigns; n += 1) runs.push(await runCampaign(stack, application, size));
  return runs;
}

function mean(runs: Measured, of: (run: CampaignRun) => number): number {
  return runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
}

const workerCpu = (runs: Measured) => mean(runs, (run) => run.cpuUs.workers);
const samplesOf = (runs: Measured) => runs.flatMap((run) => run.memory.flat());

function summaryOf(runs: Measured): string {
  const faults = runs.flatMap((run) => run.faults).join('; ');
  const postgres = figure(mean(runs, (run) => run.cpuUs.postgres));
  const perSecond = figure(mean(runs, (run) => run.perSecond));
  const mostMiB = figure(Math.max(...samplesOf(runs)));
  return `${perSecond}/s, CPU µs worker ${figure(workerCpu(runs))}, Postgres ${postgres}, ${mostMiB} MiB ${faults}`;
}

function costTable(measured: ReadonlyMap<number, readonly Measured[]>): Section {
  const rows = [...measured].map(([size, rounds]) => {
    const of = (value: (run: CampaignRun) => number) => spreadText(rounds.map((runs) => mean(runs, value)));
    const cpu = (kind: keyof CpuUse) => processText(rounds.map((runs) => mean(runs, (run) => run.cpuUs[kind])));
    const faulty = rounds.flat().filter(({ faults }) => faults.length > 0).length;
    return [
      faulty === 0 ? size.toLocaleString('en-US') : `${size.toLocaleString('en-US')} (${faulty} runs incomplete)`,
      cpu('workers'),
      cpu('postgres'),
      of((run) => run.perSecond),
      of((run) => run.firstSendMs),
    ];
  });
  const largest = Math.max(...measured.keys());
  const reference = measured.has(REFERENCE) ? REFERENCE : Math.min(...measured.keys());
  const ratios = ratiosOf(measured.get(largest), measured.get(reference));
  const title = `**${largest.toLocaleString('en-US')} ÷ ${reference.toLocaleString('en-US')}**`;
  return {
    title: 'What a delivery costs by the size of the campaign',
    columns: ['devices', 'worker, CPU µs', 'Postgres, CPU µs', 'deliveries/s', 'first send, ms'],
    rows: [...rows, [title, `**${processText(ratios)}**`, largest === 5_000_000 ? 'goal ≤ 1.15' : '', '', '']],
    figures: { sizesRatio: spreadOf(ratios).median },
    note: `Applications of these sizes in one table of devices, in turn. Sizes below ${LEAST_DELIVERIES.toLocaleString('en-US')} are the mean of up to ${MOST_CAMPAIGNS} campaigns. The log is emptied before each.`,
  };
}

function ratiosOf(numerators: readonly Measured[] = [], denominators: readonly Measured[] = []): number[] {
  return numerators.flatMap((numerator, round) => {
    const denominator = denominators[round];
    return denominator === undefined ? [] : [workerCpu(numerator) / workerCpu(denominator)];
  });
}

function memoryTable(measured: ReadonlyMap<number, readonly Measured[]>): Section {
  const quarters = [0, 1, 2, 3];
  const rows = [...measured].map(([size, rounds]) => [
    size.toLocaleString('en-US'),
    ...quarters.map((quarter) => processText(rounds.map((runs) => quarterMiB(runs, quarter)))),
    processText(rounds.map((runs) => Math.max(...samplesOf(runs)))),
  ]);
  const most = Math.max(...[...measured.values()].flat().map((runs) => Math.max(...samplesOf(runs))));
  return {
    title: "A worker's resident memory by the size of the campaign, MiB",
    columns: ['devices', '1st quarter', '2nd', '3rd', '4th', 'largest'],
    rows,
    figures: { workerMostMiB: most },
    note: 'Medians of the quarters of each campaign, of ten samples a second, of the worker process that held most. Goal: ≤ 256, and flat.',
  };
}

/** Of the worker process that held most in that quarter; mean of the campaigns. */
function quarterMiB(runs: Measured, quarter: number): number {
  return mean(runs, ({ memory }) =>
    Math.max(
      ...memory.map((samples) => {
        const part = samples.slice((samples.length * quarter) / 4, Math.ceil((samples.length * (quarter + 1)) / 4));
        return spreadOf(part).median;
      }),
    ),
  );
}
