import { type Measurement, runContender } from '../contender.js';
import type { Bench, Section } from '../section.js';
import { figure, spreadOf, spreadText } from '../spread.js';
import type { AcceptInput } from './accept-client.js';
import { createDevices } from './devices.js';
import { processText } from './processes.js';
import { type CpuUse, cpuPer, profiling, Stack } from './stack.js';
import { cheapest, withFcm } from './with-fcm.js';

const CLIENT = new URL('./accept-client.js', import.meta.url);
const CONNECTIONS = 64;
const USERS = 100_000;
const REQUESTS = 40_000;
const QUICK_REQUESTS = 8_000;

interface Round extends Measurement {
  cpu: CpuUse;
}

/** One notification to one person's device, with an idempotency key, answered after a durable commit. */
export async function accept(bench: Bench): Promise<Section[]> {
  const users = bench.isQuick ? USERS / 10 : USERS;
  const count = bench.isQuick ? QUICK_REQUESTS : REQUESTS;
  return Stack.with(bench, (stack) =>
    withFcm(stack, cheapest, async (fcm) => {
      await stack.startApi(profiling(bench));
      const application = await fcm.createApplication('accept');
      await createDevices(stack.db, application.id, users);
      const port = Number(new URL(stack.baseUrl).port);
      const input: AcceptInput = { port, serverKey: application.serverKey, users, connections: CONNECTIONS };
      await runContender(CLIENT, { warmUp: 0, count: count / 2, input });
      const rounds: Round[] = [];
      for (let round = 1; round <= bench.rounds; round += 1) {
        const before = stack.cpuUse();
        const measured = await runContender(CLIENT, { warmUp: 0, count, input });
        rounds.push({ ...measured, cpu: cpuPer(count, before, stack.cpuUse()) });
        bench.say(`accept, round ${round}: ${summaryOf(rounds.at(-1))}`);
      }
      const stored = await storedKeys(stack, application.id);
      return [table(rounds, stored - count / 2)];
    }),
  );
}

async function storedKeys(stack: Stack, applicationId: string): Promise<number> {
  const { rows } = await stack.db.query<{ n: number }>(
    `select count(*)::int as n from idempotency_key k
     join notification n on n.id = (k.response ->> 'id')::uuid and n.planned = 1
     where k.application_id = $1`,
    [applicationId],
  );
  return rows[0]?.n ?? 0;
}

function summaryOf(round: Round | undefined): string {
  if (round === undefined) return '';
  const { perSecond, extra = {}, cpu, cpuUs, ends } = round;
  return `${figure(perSecond)}/s, p50 ${figure(extra['p50Ms'] ?? 0)} ms, p99 ${figure(extra['p99Ms'] ?? 0)} ms, CPU µs api ${figure(cpu.api)}, Postgres ${figure(cpu.postgres)}, Redis ${figure(cpu.redis)}, client ${figure(cpuUs)}; ${JSON.stringify(ends)}`;
}

function table(rounds: readonly Round[], stored: number): Section {
  const of = (value: (round: Round) => number) => spreadText(rounds.map(value));
  const cpu = (kind: keyof CpuUse) => processText(rounds.map((round) => round.cpu[kind]));
  const asked = rounds.reduce((sum, { count }) => sum + count, 0);
  const accepted = rounds.reduce((sum, { ends }) => sum + (ends['202'] ?? 0), 0);
  const perSecond = spreadOf(rounds.map((round) => round.perSecond)).median;
  return {
    title: 'Accepting a notification for one device',
    columns: ['', 'goal', 'median (min–max)'],
    rows: [
      ['requests/s', '≥ 4,000', of((round) => round.perSecond)],
      ['p50, ms', '', of((round) => round.extra?.['p50Ms'] ?? Number.NaN)],
      ['p99, ms', '≤ 100', of((round) => round.extra?.['p99Ms'] ?? Number.NaN)],
      ['api, CPU µs per request', '', cpu('api')],
      ['Postgres, CPU µs per request', '', cpu('postgres')],
      ['Redis, CPU µs per request', '', cpu('redis')],
      ['client, CPU µs per request', '', of((round) => round.cpuUs)],
      ['answered 202', 'all', `${figure(accepted)} of ${figure(asked)}`],
      ['of these in Postgres with key and batch', 'all', figure(stored)],
    ],
    figures: { acceptPerSecond: perSecond },
    note: `${CONNECTIONS} connections with one request each in flight, an \`Idempotency-Key\` on every one, \`synchronous_commit\` on; one api process, no worker. Api, Postgres, Redis and the client share the machine.`,
  };
}
