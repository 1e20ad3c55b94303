import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type ApiProcesses, startApiProcesses } from '../setup/api-processes.js';
import { call, createApplication } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';
import { eachOf, lastMessages, Swarm, tokensFor } from '../setup/swarm.js';
import type { ClientKind } from '../setup/swarm-process.js';

const CLIENTS = 1_000;
/** Seconds that a token lives: enough for all of them to connect on a busy machine. */
const TTL_SECONDS = 30;
/** Milliseconds, as promised, after which the last client is closed. */
const EXPIRY_MS = 15_000;
const REVOCATION_MS = 2_000;
/** Tries of each client once it is locked out: three transports, a stream with its old ticket, and a new ticket. */
const WAYS = 5;

let database: TestDatabase;
let apis: ApiProcesses;
let key: string;
let swarm: Swarm | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
  const env = { REALTIME_MAX_CONNECTIONS_PER_IP: '20000' };
  apis = await startApiProcesses({ database: database.url, redis: await testRedisUrl(), processes: 2, env });
  key = (await createApplication(apis)).serverKey;
}, 120_000);

afterEach(() => swarm?.close());

afterAll(async () => {
  apis?.kill('SIGKILL');
  await apis?.exited;
  await database?.drop();
});

/** Milliseconds for which a busy machine let even this process wait; whoever is measured waits as long. */
const delays = monitorEventLoopDelay();
const machineMs = () => delays.max / 1e6;

const KINDS: readonly ClientKind[] = ['raw', 'raw', 'raw', 'raw', 'io', 'sse', 'sse', 'sse', 'poll', 'poll'];

/** Clients of all kinds, each with a ticket, and something to resume from. */
async function follow(prefix: string, ttlSeconds?: number) {
  const users = Array.from({ length: CLIENTS }, (_, i) => `${prefix}-${i}`);
  const tokens = await tokensFor(apis, key, users, ttlSeconds);
  const clients = tokens.map(({ token }, i) => {
    const kind = KINDS[i % KINDS.length] ?? 'raw';
    return { id: i, kind, token, channels: [`user:${prefix}-${i}`, prefix], wantsTicket: true };
  });
  const opened = await Swarm.start(apis, clients);
  swarm = opened;
  const last = await lastMessages(apis, key, [prefix]);
  await eventually(async () => expect((await opened.report(last)).behind).toBe(0));
  return { tokens, users, opened };
}

/** When each client was cut off, in epoch ms, once all of them are. */
async function endings(opened: Swarm, timeoutMs: number): Promise<ReadonlyMap<number, number>> {
  const { ends } = await eventually(
    async () => {
      const report = await opened.report();
      expect(report.live).toBe(0);
      return report;
    },
    { timeoutMs, intervalMs: 100 },
  );
  const firsts = new Map(ends.toReversed().map(([id, , atMs]) => [id, atMs]));
  expect(firsts.size).toBe(CLIENTS);
  return firsts;
}

function expectNobody(outcomes: Readonly<Record<string, number>>): void {
  expect(outcomes['admitted']).toBeUndefined();
  expect(Object.values(outcomes).reduce((sum, n) => sum + n, 0)).toBe(CLIENTS * WAYS);
}

it('1,000 clients whose tokens expire are closed, and nothing lets one in again', async () => {
  const { tokens, opened } = await follow('expiring', TTL_SECONDS);
  delays.enable();
  const firsts = await endings(opened, TTL_SECONDS * 1_000 + EXPIRY_MS);
  const latenesses = tokens.map(({ expiresAt }, i) => (firsts.get(i) ?? Number.NaN) - Date.parse(expiresAt));
  const outcomes = await opened.tryAgain();
  console.info(
    `closed ${Math.min(...latenesses)} to ${Math.max(...latenesses)} ms after expiry; then ${JSON.stringify(outcomes)}`,
  );
  for (const ms of latenesses) expect(ms).toBeLessThanOrEqual(EXPIRY_MS + machineMs());
  expect(Math.min(...latenesses)).toBeGreaterThan(-1_000);
  expectNobody(outcomes);
}, 150_000);

it('1,000 clients whose tokens are revoked are closed, on both processes, and nothing lets one in again', async () => {
  const { tokens, users, opened } = await follow('revoked');
  const revokedMs = new Map<number, number>();
  delays.enable();
  await eachOf(users.entries(), 16, async ([i, userId]) => {
    const body = i % 2 === 0 ? { userId } : { jti: tokens[i]?.jti };
    const { status } = await call(apis, 'DELETE', '/v1/realtime/tokens', { key, body });
    expect(status).toBe(204);
    revokedMs.set(i, Date.now());
  });
  const firsts = await endings(opened, 10_000);
  const latenesses = users.map((_, i) => (firsts.get(i) ?? Number.NaN) - (revokedMs.get(i) ?? Number.NaN));
  const outcomes = await opened.tryAgain();
  console.info(`closed at most ${Math.max(...latenesses)} ms after revocation; then ${JSON.stringify(outcomes)}`);
  for (const ms of latenesses) expect(ms).toBeLessThanOrEqual(REVOCATION_MS + machineMs());
  expectNobody(outcomes);
}, 150_000);
