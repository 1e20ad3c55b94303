import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { Connections } from '../../src/realtime/connections.js';
import { Hub } from '../../src/realtime/hub.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let redis: string;
let running: TestApi[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await testRedisUrl();
});

afterAll(async () => {
  await Promise.all(running.map((api) => api.close()));
  await database?.drop();
});

async function start(overrides: Partial<Config> = {}): Promise<{ api: TestApi; key: string }> {
  const api = await startApi({ database: database.url, redis, ...overrides });
  running.push(api);
  return { api, key: (await createApplication(api)).serverKey };
}

async function openAll(api: TestApi, tokens: readonly string[]): Promise<SseClient[]> {
  return Promise.all(tokens.map((token) => SseClient.open(api, 'channels=a', { token })));
}

it.each([
  ['user', { REALTIME_MAX_CONNECTIONS_PER_USER: 2 }, ['u-1', 'u-1', 'u-1'], 429],
  ['address', { REALTIME_MAX_CONNECTIONS_PER_IP: 2 }, ['u-1', 'u-2', 'u-3'], 429],
  ['process', { REALTIME_MAX_CONNECTIONS: 2 }, ['u-1', 'u-2', 'u-3'], 503],
])('the connections of one %s are bounded, and a place that is given back is free', async (_, limit, users, status) => {
  const { api, key } = await start(limit);
  const tokens = await Promise.all(users.map(async (userId) => (await tokenFor(api, key, { userId })).token));
  const [one, two] = await openAll(api, tokens.slice(0, 2));
  expect([one?.status, two?.status]).toEqual([200, 200]);
  const third = () => call(api, 'GET', '/v1/realtime/poll?channels=a&waitSeconds=0', { key: tokens[2] ?? '' });
  const refused = await third();
  expect(refused.body).toMatchObject({ status, code: 'too_many_connections' });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  const events = await call(api, 'GET', '/v1/realtime/events?channels=a', { key: tokens[2] ?? '' });
  expect(events.status).toBe(status);
  one?.close();
  await eventually(async () => (await third()).status === 204);
  two?.close();
  await eventually(() => api.app.get(Connections).size === 0 && api.app.get(Hub).size === 0);
});

it('publishing is bounded per application', async () => {
  const { api, key } = await start({ REALTIME_PUBLISH_PER_SECOND: 10 });
  const answers: Answer[] = await Promise.all(Array.from({ length: 40 }, (_, n) => publish(api, key, 'fast', n)));
  const limited = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThanOrEqual(10);
  expect(limited.length).toBeGreaterThan(5);
  expect(limited[0]?.body.code).toBe('rate_limited');
  expect(limited[0]?.headers.get('retry-after')).toBe('1');
});

it('who never reads is closed and can resume, and who reads misses nothing', async () => {
  const { api, key } = await start();
  const [slowToken, quickToken] = await Promise.all(
    ['slow', 'quick'].map(async (userId) => (await tokenFor(api, key, { userId })).token),
  );
  const query = 'channels=flood';
  await SseClient.open(api, query, { token: slowToken ?? '', isReading: false });
  const quick = await SseClient.open(api, query, { token: quickToken ?? '' });
  await eventually(() => quick.lastEventId !== '');
  const connections = api.app.get(Connections);
  // A burst stays below what a connection may owe, however busy the machine is.
  const BURST = 3;
  let sent = 0;
  while (connections.size === 2 && sent < 900) {
    const burst = Array.from({ length: BURST }, (_, i) =>
      publish(api, key, 'flood', { n: sent + i, x: 'x'.repeat(60_000) }),
    );
    for (const { status } of await Promise.all(burst)) expect(status).toBe(201);
    sent += burst.length;
    await eventually(() => quick.messages.length === sent, { intervalMs: 1 });
  }
  await eventually(() => connections.size === 1);
  const seqs = quick.messages.map(({ data }) => Number(data.id.split('-')[1]));
  expect(seqs).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
  expect(quick.isEnded).toBe(false);
  quick.close();

  const lastEventId = quick.messages[9]?.id ?? '';
  const resumed = await SseClient.open(api, query, { token: slowToken ?? '', lastEventId });
  await eventually(() => resumed.messages.length === sent - 10, { timeoutMs: 20_000 });
  expect(resumed.named('gap')).toEqual([]);
  resumed.close();
}, 90_000);

it('a node that stops tells each client when to come back, and takes no more', async () => {
  const { api, key } = await start();
  running = running.filter((one) => one !== api);
  const users = Array.from({ length: 8 }, (_, n) => `leaving-${n}`);
  const tokens = await Promise.all(users.map(async (userId) => (await tokenFor(api, key, { userId })).token));
  const clients = await openAll(api, tokens);
  const held = call(api, 'GET', '/v1/realtime/poll?channels=a&waitSeconds=25', { key: tokens[0] ?? '' });
  await eventually(() => api.app.get(Connections).size === 9);
  await eventually(() => clients.every(({ lastEventId }) => lastEventId !== ''));
  const startedMs = performance.now();
  await api.close();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect((await held).status).toBe(204);
  await eventually(() => clients.every(({ isEnded }) => isEnded));
  const delays = clients.map((client) => client.named('reconnect')[0]?.data.delayMs);
  expect(delays.every((delayMs) => delayMs >= 0 && delayMs <= 2_000)).toBe(true);
  expect(new Set(delays).size).toBeGreaterThan(4);
  for (const client of clients) expect(client.retryMs).toBe(1_000 + client.named('reconnect')[0]?.data.delayMs);
});
