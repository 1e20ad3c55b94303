import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../src/embedded/redis.js';
import { type ApiProcesses, startApiProcesses } from '../setup/api-processes.js';
import { createApplication } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish } from '../setup/realtime.js';
import { startTestRedis, type TestRedis } from '../setup/redis.js';
import { lastMessages, Publisher, Swarm, tokensFor } from '../setup/swarm.js';
import type { ClientKind } from '../setup/swarm-process.js';

const AWAY_MS = 30_000;
const CLIENTS = 300;
const ROOMS = 10;
const PER_SECOND = 40;
/** Clients that come for their inbox while Redis is away. */
const LATE = 30;
const KINDS: readonly ClientKind[] = ['raw', 'raw', 'raw', 'io', 'sse', 'sse', 'poll'];
const WITHIN = { timeoutMs: 60_000, intervalMs: 100 };

let database: TestDatabase;
let redis: TestRedis;
let restarted: RunningRedis | undefined;
let apis: ApiProcesses;
const swarms: Swarm[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startTestRedis();
  apis = await startApiProcesses({ database: database.url, redis: redis.url, processes: 2 });
}, 120_000);

afterAll(async () => {
  for (const swarm of swarms) swarm.close();
  apis?.kill('SIGKILL');
  await apis?.exited;
  await redis?.stop();
  await restarted?.stop();
  await database?.drop();
});

const inboxOf = (i: number) => `user:u-${i}`;
const roomOf = (i: number) => `room-${i % ROOMS}`;
const rooms = Array.from({ length: ROOMS }, (_, n) => roomOf(n));

it('Redis away for 30 s loses nothing of an inbox, and nothing of a channel unannounced', async () => {
  const { serverKey: key } = await createApplication(apis);
  const users = Array.from({ length: CLIENTS }, (_, i) => `u-${i}`);
  const tokens = await tokensFor(apis, key, users);
  const clients = tokens.map(({ token }, i) => {
    const kind = KINDS[i % KINDS.length] ?? 'raw';
    return { id: i, kind, token, channels: [inboxOf(i), roomOf(i)] };
  });
  const swarm = await Swarm.start(apis, clients, { processes: 1 });
  swarms.push(swarm);
  const publisher = new Publisher(apis, key, PER_SECOND, (n) =>
    n % 2 === 0 ? inboxOf((n / 2) % CLIENTS) : roomOf((n - 1) / 2),
  );
  await eventually(() => publisher.taken >= 3 * PER_SECOND, WITHIN);
  expect(publisher.refused).toBe(0);

  await redis.stop();
  const awayMs = performance.now();
  const before = publisher.taken;
  await eventually(() => publisher.taken >= before + PER_SECOND, WITHIN);
  const lateClients = clients.slice(0, LATE).map(({ token, ...rest }, i) => {
    const kind = KINDS[i % KINDS.length] ?? 'raw';
    return { ...rest, kind, token, channels: [inboxOf(i)] };
  });
  const late = await Swarm.start(apis, lateClients, { processes: 1 });
  swarms.push(late);
  await eventually(() => performance.now() - awayMs >= AWAY_MS, WITHIN);
  const { taken, refused } = publisher;
  expect(refused).toBeGreaterThan(0);
  expect(taken - before).toBeGreaterThan((PER_SECOND / 2) * (AWAY_MS / 1_000) * 0.5);
  restarted = await startRedis({ dir: redis.dir, port: redis.port });
  await eventually(async () => {
    for (const room of rooms) expect((await publish(apis, key, room, 'again')).status).toBe(201);
  }, WITHIN);
  await eventually(() => publisher.taken >= taken + 3 * PER_SECOND, WITHIN);
  await publisher.stop();

  const inboxes = users.map((_, i) => inboxOf(i));
  const last = await lastMessages(apis, key, [...rooms, ...inboxes]);
  for (const [one, size] of [
    [swarm, CLIENTS],
    [late, LATE],
  ] as const) {
    const report = await eventually(async () => {
      const now = await one.report(last);
      expect(now.behind).toBe(0);
      return now;
    }, WITHIN);
    expect(report).toMatchObject({ live: size, holes: 0, repeats: 0, inboxGaps: 0, offences: [] });
    // What its room's log had it lost with Redis, and each was told so, once.
    expect(report.gaps).toBe(one === swarm ? CLIENTS : 0);
    console.info(`${size} clients: ${report.messages} messages, ${report.gaps} gaps, ${report.ends.length} reconnects`);
  }
  console.info(
    `${publisher.taken} publishes taken, ${publisher.refused} refused, ${publisher.unanswered} without an answer; ` +
      `${taken - before} taken while Redis was away`,
  );
}, 180_000);
