import { setTimeout as delay } from 'node:timers/promises';
import { MemorySampler } from './processes.js';
import { type Application, type CpuUse, cpuPer, type Stack } from './stack.js';

/** What one campaign took, from the request to its last logged attempt. */
export interface CampaignRun {
  devices: number;
  /** From the 202 to the first request at a provider. */
  firstSendMs: number;
  /** From the first request to the commit of the last attempt. */
  sendingMs: number;
  perSecond: number;
  /** For each delivery, planning and logging included. */
  cpuUs: CpuUse;
  /** Of each worker, in MiB, ten times a second. */
  memory: number[][];
  /** Empty, or what does not add up. */
  faults: string[];
}

/** As large as a push of a shop is; what the content is does not matter. */
export const CONTENT = {
  title: 'Your order is on its way',
  body: 'It left our warehouse this morning and reaches you tomorrow between nine and twelve.',
  clickUrl: 'https://shop.example/orders/20261122',
  data: { orderId: '20261122', kind: 'shipped' },
};

/** Milliseconds between two looks at a campaign that is far from its end, and near it. */
const FAR_MS = 200;
const NEAR_MS = 20;
/** Without any batch that ends. */
const STALLED_MS = 60_000;

/** Sends one campaign to all devices of the application and waits until every attempt is on record. */
export async function runCampaign(stack: Stack, application: Application, devices: number): Promise<CampaignRun> {
  const before = stack.cpuUse();
  const memory = new MemorySampler(stack.workers.map(({ pid }) => pid));
  try {
    const { id } = (await stack.call(application.serverKey, 'POST', '/v1/notifications', {
      audience: { all: true },
      content: CONTENT,
      options: { lane: 'bulk' },
    })) as { id: string };
    const acceptedAt = Date.now();
    await untilLogged(stack, id, devices);
    const endedAt = Date.now();
    const after = stack.cpuUse();
    const samples = memory.stop();
    const log = await readLog(stack, id);
    const sendingMs = endedAt - log.firstSentAt;
    return {
      devices,
      firstSendMs: log.firstSentAt - acceptedAt,
      sendingMs,
      perSecond: (devices / sendingMs) * 1000,
      cpuUs: cpuPer(devices, before, after),
      memory: samples,
      faults: await faultsOf(stack, id, devices, log),
    };
  } finally {
    memory.stop();
  }
}

/** A batch is done in the transaction that writes its last attempts. */
async function untilLogged(stack: Stack, id: string, devices: number): Promise<void> {
  let done = 0;
  let changedMs = performance.now();
  while (performance.now() - changedMs < STALLED_MS) {
    const { rows } = await stack.db.query<{ done: number }>(
      `select coalesce(sum(n), 0)::int as done from dispatch_batch where notification_id = $1 and state = 'done'`,
      [id],
    );
    const now = rows[0]?.done ?? 0;
    if (now >= devices) return;
    if (now !== done) changedMs = performance.now();
    done = now;
    await delay(done > 0.9 * devices ? NEAR_MS : FAR_MS);
  }
  throw new Error(`the campaign stands still at ${done} of ${devices}: ${JSON.stringify(await stateOf(stack, id))}`);
}

/** What somebody wants to know who has to find out why a campaign does not go on. */
async function stateOf(stack: Stack, id: string): Promise<unknown> {
  const read = async (statement: string, values: unknown[]) => (await stack.db.query(statement, values)).rows;
  return {
    notification: await read(
      'select state, planned, is_planned, plan_cursor, stopped from notification where id = $1',
      [id],
    ),
    batches: await read(
      `select state, step, count(*)::int, sum(n)::int as n, max(claims) as claims, max(epoch) as epoch, min(not_before) as not_before
       from dispatch_batch where notification_id = $1 group by state, step`,
      [id],
    ),
    outcomes: await read(
      'select outcome, code, detail, count(*)::int from delivery_attempt where notification_id = $1 group by 1, 2, 3',
      [id],
    ),
    gates: await read('select provider, state, kind, reason, closed_until from gate', []),
  };
}

interface Log {
  attempts: number;
  devices: number;
  /** Milliseconds since the epoch, on this machine's clock, as is every other. */
  firstSentAt: number;
}

/** `at` is when the answer came. */
async function readLog(stack: Stack, id: string): Promise<Log> {
  const { rows } = await stack.db.query<{ attempts: number; devices: number; first_ms: number }>(
    `select count(*)::int as attempts, count(distinct device_id)::int as devices,
       min(extract(epoch from at) * 1000 - coalesce(latency_ms, 0))::float8 as first_ms
     from delivery_attempt where notification_id = $1 and is_call and status_after = 'accepted'`,
    [id],
  );
  const row = rows[0];
  return { attempts: row?.attempts ?? 0, devices: row?.devices ?? 0, firstSentAt: row?.first_ms ?? Number.NaN };
}

async function faultsOf(stack: Stack, id: string, devices: number, log: Log): Promise<string[]> {
  const { rows } = await stack.db.query<{ planned: number; accepted: number }>(
    'select sum(n - moved)::int as planned, sum(accepted)::int as accepted from dispatch_batch where notification_id = $1',
    [id],
  );
  const counts = { ...rows[0], 'attempts logged as accepted': log.attempts, 'devices in the log': log.devices };
  return Object.entries(counts).flatMap(([what, n]) => (n === devices ? [] : [`${what}: ${n} of ${devices}`]));
}
