import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { runContender } from '../contender.js';
import type { Bench, Section } from '../section.js';
import { type FcmServer, startFcm } from '../servers/fcm.js';
import { TOKEN_KEY_CHARACTERS } from '../servers/fcm-process.js';
import { figure, spreadOf, spreadText } from '../spread.js';
import { Campaigns } from './campaigns.js';
import { createDevices } from './devices.js';
import { latencies } from './percentile.js';
import type { PushInput, SentPush } from './push-client.js';
import { type Application, profiling, Stack } from './stack.js';
import { cheapest, withFcm } from './with-fcm.js';

const CLIENT = new URL('./push-client.js', import.meta.url);
const PER_SECOND = 500;
const SECONDS = 20;
const QUICK_SECONDS = 4;
const DEVICES = 1_000_000;
const QUICK_DEVICES = 100_000;
/** Milliseconds for the last pushes to arrive. */
const ARRIVAL_TIMEOUT_MS = 30_000;

interface Run {
  toAnswer: { p50Ms: number; p99Ms: number };
  toProvider: { p50Ms: number; p99Ms: number };
  /** Pushes that never reached the provider, or that were not answered with 202. */
  lost: number;
  /** Of the campaigns beside it; 0 alone. */
  bulkPerSecond: number;
}

interface Runs {
  alone: Run[];
  beside: Run[];
  /** Right after a campaign. */
  after: Run[];
}

/** What single pushes wait, from their request to the provider, alone and beside a campaign. */
export async function push(bench: Bench): Promise<Section[]> {
  const count = PER_SECOND * (bench.isQuick ? QUICK_SECONDS : SECONDS);
  const devices = bench.devices ?? (bench.isQuick ? QUICK_DEVICES : DEVICES);
  return Stack.with(bench, (stack) =>
    withFcm(stack, cheapest, async (fcm) => {
      const provider = await startFcm(bench, { keep: 'arrivals' });
      try {
        await stack.sendSimulatedTo(provider);
        await stack.startApi();
        const single = await fcm.createApplication('single', { simulated: true });
        const bulk = await fcm.createApplication('bulk');
        await createDevices(stack.db, single.id, count);
        await createDevices(stack.db, bulk.id, devices);
        await stack.startDefaultWorkers(profiling(bench));
        const measure = await measurement(stack, single, provider, count);
        const campaigns = new Campaigns(stack, bulk, devices);
        await measure();
        const runs: Runs = { alone: [], beside: [], after: [] };
        const round = async (name: keyof Runs, run: Promise<Run>) => {
          runs[name].push(await run);
          bench.say(`push, ${name}, round ${runs[name].length}: ${summaryOf(runs[name].at(-1))}`);
        };
        for (let i = 0; i < bench.rounds; i += 1) await round('alone', measure());
        for (let i = 0; i < bench.rounds; i += 1) {
          await round('beside', campaigns.during(measure));
          await round('after', measure());
        }
        return [table(devices, runs)];
      } finally {
        await provider.stop();
      }
    }),
  );
}

/** Prepares what sends `count` pushes to different devices and says how long they took. */
async function measurement(
  stack: Stack,
  application: Application,
  provider: FcmServer,
  count: number,
): Promise<() => Promise<Run>> {
  const tokens = await tokenKeys(stack, application.id);
  const port = Number(new URL(stack.baseUrl).port);
  return async () => {
    await provider.report();
    const file = stack.path('pushes.json');
    const run = randomBytes(8).toString('hex');
    const input: PushInput = { port, serverKey: application.serverKey, perSecond: PER_SECOND, file, run };
    await runContender(CLIENT, { warmUp: 0, count, input });
    const sent = JSON.parse(await readFile(file, 'utf8')) as SentPush[];
    const arrivals = await arrivalsOf(provider, count);
    const arrived = sent.flatMap(({ user, dueMs, status }) => {
      const atMs = arrivals.get(tokens.get(user) ?? '');
      return atMs === undefined || status !== 202 ? [] : [atMs - dueMs];
    });
    return {
      toAnswer: latencies(sent.map(({ dueMs, answeredMs }) => answeredMs - dueMs)),
      toProvider: latencies(arrived),
      lost: count - arrived.length,
      bulkPerSecond: 0,
    };
  };
}

async function tokenKeys(stack: Stack, applicationId: string): Promise<Map<number, string>> {
  const { rows } = await stack.db.query<{ user: number; key: string }>(
    'select substr(user_id, 3)::int as "user", left(token, $2) as key from device where application_id = $1',
    [applicationId, TOKEN_KEY_CHARACTERS],
  );
  return new Map(rows.map(({ user, key }) => [user, key]));
}

async function arrivalsOf(provider: FcmServer, count: number): Promise<Map<string, number>> {
  const deadlineMs = performance.now() + ARRIVAL_TIMEOUT_MS;
  const arrivals = new Map<string, number>();
  while (arrivals.size < count && performance.now() < deadlineMs) {
    for (const [token, atMs] of (await provider.report()).arrivals) arrivals.set(token, arrivals.get(token) ?? atMs);
    await delay(100);
  }
  return arrivals;
}

function summaryOf(run: Run | undefined): string {
  if (run === undefined) return '';
  const { toAnswer, toProvider, lost, bulkPerSecond } = run;
  const bulk = bulkPerSecond > 0 ? `, campaign ${figure(bulkPerSecond)}/s` : '';
  return `202 after p50 ${figure(toAnswer.p50Ms)} p99 ${figure(toAnswer.p99Ms)} ms, provider after p50 ${figure(toProvider.p50Ms)} p99 ${figure(toProvider.p99Ms)} ms, lost ${lost}${bulk}`;
}

function table(devices: number, { alone, beside, after }: Runs): Section {
  const row = (
    title: string,
    goal: string,
    runs: readonly Run[],
    of: (run: Run) => { p50Ms: number; p99Ms: number },
  ) => [title, goal, spreadText(runs.map((run) => of(run).p50Ms)), spreadText(runs.map((run) => of(run).p99Ms))];
  const lost = (runs: readonly Run[]) => runs.reduce((sum, run) => sum + run.lost, 0);
  const bulk = spreadText(beside.map((run) => run.bulkPerSecond));
  return {
    title: `${PER_SECOND} single pushes a second, from the request`,
    columns: ['', 'goal', 'p50 ms', 'p99 ms'],
    rows: [
      row('to the 202', '', alone, (run) => run.toAnswer),
      row('to the provider', 'p50 ≤ 15, p99 ≤ 60', alone, (run) => run.toProvider),
      row('beside a campaign, to the 202', '', beside, (run) => run.toAnswer),
      row('beside a campaign, to the provider', 'p99 ≤ 250', beside, (run) => run.toProvider),
      row('after a campaign, to the provider', '', after, (run) => run.toProvider),
      ['pushes that did not arrive', '0', String(lost([...alone, ...after])), `${lost(beside)} beside a campaign`],
      ['deliveries/s of the campaign beside', '', bulk, ''],
    ],
    figures: { pushP99Ms: spreadOf(alone.map((run) => run.toProvider.p99Ms)).median },
    note: `An open loop: each push counts from the moment it was due. The provider notes when each arrives, on the machine's monotonic clock. Alone is before the first campaign; for a while after one Postgres vacuums what it wrote. The campaigns, to ${devices.toLocaleString('en-US')} devices of another application, go to nghttpd; everything shares the machine.`,
  };
}
