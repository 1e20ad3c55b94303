import type { Bench, Section } from '../section.js';
import { startFcm } from '../servers/fcm.js';
import { figure, spreadOf, spreadText } from '../spread.js';
import { type CampaignRun, runCampaign } from './campaign-run.js';
import { createDevices } from './devices.js';
import { prepareCampaignLoad } from './load.js';
import { processText } from './processes.js';
import { type Application, profiling, Stack } from './stack.js';
import { cheapest, warmUpWorkers, withFcm } from './with-fcm.js';

const DEVICES = 1_000_000;
const QUICK_DEVICES = 50_000;
const H2LOAD_REQUESTS = 300_000;

interface Round extends CampaignRun {
  h2load: number | Error;
}

/** The whole path of a campaign: one request in, every attempt in the log, all of it on this machine. */
export async function campaign(bench: Bench): Promise<Section[]> {
  const devices = bench.devices ?? (bench.isQuick ? QUICK_DEVICES : DEVICES);
  return Stack.with(bench, (stack) =>
    withFcm(stack, cheapest, async (fcm) => {
      await stack.startApi();
      const application = await fcm.createApplication('campaign');
      bench.say(`campaign: making ${figure(devices)} devices`);
      await createDevices(stack.db, application.id, devices);
      await stack.startDefaultWorkers(profiling(bench));
      await warmUpWorkers(stack, fcm);
      const load = await prepareCampaignLoad(stack, application, fcm.server.url);
      const rounds: Round[] = [];
      for (let round = 1; round <= bench.rounds; round += 1) {
        const run = await runCampaign(stack, application, devices);
        const h2load = await load(Math.min(devices, H2LOAD_REQUESTS));
        rounds.push({ ...run, h2load });
        bench.say(`campaign, round ${round}: ${summaryOf(run)}`);
      }
      return [table(devices, rounds, await proofOf(stack, application, devices))];
    }),
  );
}

/** One more campaign, to a provider that counts: what the log says was sent was sent, to each device once. */
async function proofOf(stack: Stack, application: Application, devices: number): Promise<string> {
  if (stack.bench.rounds === 1) return 'not measured in a single round';
  const counting = await startFcm(stack.bench, { keep: 'tokens' });
  await stack.sendTo(counting);
  await stack.stopWorkers();
  await stack.startDefaultWorkers();
  const { faults } = await runCampaign(stack, application, devices);
  const { requests, differentTokens } = await counting.report();
  const text = `${requests.toLocaleString('en-US')} requests, ${differentTokens.toLocaleString('en-US')} different tokens`;
  return [text, ...faults].join('; ');
}

function summaryOf(run: CampaignRun): string {
  const { api, workers, postgres, redis, sink } = run.cpuUs;
  const cpu = `worker ${figure(workers)}, Postgres ${figure(postgres)}, Redis ${figure(redis)}, sink ${figure(sink)}, api ${figure(api)}`;
  return `${figure(run.perSecond)}/s, first send ${figure(run.firstSendMs)} ms, CPU µs ${cpu} ${run.faults.join('; ')}`;
}

function table(devices: number, rounds: readonly Round[], proof: string): Section {
  const of = (value: (round: Round) => number) => rounds.map(value);
  const h2load = rounds.flatMap((round) => (typeof round.h2load === 'number' ? [round.h2load] : []));
  const h2loadFault = rounds.map((round) => round.h2load).find((value) => value instanceof Error);
  const ratios = rounds.flatMap((round) => (typeof round.h2load === 'number' ? [round.perSecond / round.h2load] : []));
  const orWhy = (values: readonly number[]) =>
    values.length > 0 ? spreadText(values) : `not measured: ${h2loadFault?.message ?? 'no round'}`;
  const peak = of((round) => Math.max(...round.memory.flat()));
  const complete = rounds.filter((round) => round.faults.length === 0).length;
  const faults = rounds.flatMap((round) => round.faults).join('; ');
  const rows = [
    ['deliveries/s, first send to last logged attempt', '≥ 50,000', spreadText(of((round) => round.perSecond))],
    ['h2load to the same server, requests/s', '', orWhy(h2load)],
    ['ours ÷ h2load', '≥ 0.3', orWhy(ratios)],
    ['from 202 to the first send, ms', '≤ 1,000', spreadText(of((round) => round.firstSendMs))],
    ['worker, CPU µs per delivery', '≤ 12', processText(of((round) => round.cpuUs.workers))],
    ['Postgres, CPU µs per delivery', '', processText(of((round) => round.cpuUs.postgres))],
    ['Redis, CPU µs per delivery', '', processText(of((round) => round.cpuUs.redis))],
    ['receiving server, CPU µs per delivery', '', processText(of((round) => round.cpuUs.sink))],
    ['worker, largest resident memory, MiB', '≤ 256', processText(peak)],
    [
      'worker, growth from the second to the last quarter, MiB',
      '0',
      processText(of((round) => growthMiB(round.memory))),
    ],
    ['planned = accepted = logged, once each', 'all', `${complete} of ${rounds.length} rounds ${faults}`.trim()],
    ['what a provider saw that counts, in one more campaign', devices.toLocaleString('en-US'), proof],
  ];
  return {
    title: `A campaign to ${devices.toLocaleString('en-US')} devices`,
    columns: ['', 'goal', 'median (min–max)'],
    rows,
    figures: {
      campaignPerSecond: spreadOf(of((round) => round.perSecond)).median,
      campaignWorkerCpuUs: spreadOf(of((round) => round.cpuUs.workers)).median,
    },
    note: 'FCM over TLS to nghttpd; Postgres (durable, with all indexes of the log), Redis, api, worker and the receiving server share the machine. The log keeps growing from round to round.',
  };
}

/** Difference of the median memory in the last quarter of a run and in its second; of the worker that grew most. */
export function growthMiB(memory: readonly (readonly number[])[]): number {
  return Math.max(
    ...memory.map((samples) => {
      const quarter = (n: number) => samples.slice((samples.length * (n - 1)) / 4, Math.ceil((samples.length * n) / 4));
      return spreadOf(quarter(4)).median - spreadOf(quarter(2)).median;
    }),
  );
}
