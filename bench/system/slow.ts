import type { Bench, Section } from '../section.js';
import { startFcm } from '../servers/fcm.js';
import { figure, spreadOf, spreadText } from '../spread.js';
import { type CampaignRun, runCampaign } from './campaign-run.js';
import { createDevices } from './devices.js';
import { processText } from './processes.js';
import { type CpuUse, profiling, Stack } from './stack.js';
import { warmUpWorkers, withFcm } from './with-fcm.js';

const DELAY_MS = 50;
const MAX_STREAMS = 100;
const DEVICES = 400_000;
const QUICK_DEVICES = 40_000;
const GOAL = 20_000;

interface Round extends CampaignRun {
  connections: number;
}

/** A campaign through one worker to a provider that takes its time, as one on another continent does. */
export async function slow(bench: Bench): Promise<Section[]> {
  const devices = bench.devices ?? (bench.isQuick ? QUICK_DEVICES : DEVICES);
  return Stack.with(bench, (stack) =>
    withFcm(
      stack,
      () => startFcm(bench, { delayMs: DELAY_MS, maxStreams: MAX_STREAMS }),
      async (fcm) => {
        await stack.startApi();
        const application = await fcm.createApplication('slow');
        await createDevices(stack.db, application.id, devices);
        await stack.startWorkers([profiling(bench)]);
        await warmUpWorkers(stack, fcm);
        const rounds: Round[] = [];
        for (let round = 1; round <= bench.rounds; round += 1) {
          const run = await runCampaign(stack, application, devices);
          const { connections } = await fcm.server.report();
          rounds.push({ ...run, connections });
          const { perSecond, cpuUs } = run;
          bench.say(
            `slow, round ${round}: ${figure(perSecond)}/s over ${connections} connections, worker ${figure(cpuUs.workers)} µs`,
          );
        }
        return [table(devices, rounds)];
      },
    ),
  );
}

function table(devices: number, rounds: readonly Round[]): Section {
  const of = (value: (round: Round) => number) => spreadText(rounds.map(value));
  const cpu = (kind: keyof CpuUse) => processText(rounds.map((round) => round.cpuUs[kind]));
  const complete = rounds.filter(({ faults }) => faults.length === 0).length;
  return {
    title: `A campaign to ${devices.toLocaleString('en-US')} devices through one worker, ${DELAY_MS} ms from the provider`,
    columns: ['', 'goal', 'median (min–max)'],
    rows: [
      ['deliveries/s', `≥ ${GOAL.toLocaleString('en-US')}`, of((round) => round.perSecond)],
      ['connections opened', '', of((round) => round.connections)],
      ['worker, CPU µs per delivery', '', cpu('workers')],
      ['Postgres, CPU µs per delivery', '', cpu('postgres')],
      ['provider, CPU µs per delivery', '', cpu('sink')],
      ['planned = accepted = logged, once each', 'all', `${complete} of ${rounds.length} rounds`],
    ],
    figures: { slowPerSecond: spreadOf(rounds.map(({ perSecond }) => perSecond)).median },
    note: `A provider of our own answers each request after ${DELAY_MS} ms and takes ${MAX_STREAMS} at a time on a connection. One worker process for all lanes.`,
  };
}
