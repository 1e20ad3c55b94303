import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../src/embedded/redis.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { startTestRedis, type TestRedis } from '../setup/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let restarted: RunningRedis | undefined;
let api: TestApi;
let application: Awaited<ReturnType<typeof createApplication>>;
let token: string;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startTestRedis();
  api = await startApi({ database: database.url, redis: redis.url, LOG_LEVEL: 'silent' });
  application = await createApplication(api);
  token = (await tokenFor(api, application.serverKey)).token;
});

afterAll(async () => {
  await api?.close();
  await redis?.stop();
  await restarted?.stop();
  await database?.drop();
});

const send = (channel: string, data: unknown) => publish(api, application.serverKey, channel, data);
const open = async (query: string) => {
  const client = await SseClient.open(api, query, { token });
  await eventually(() => client.lastEventId !== '');
  return client;
};
const ofChannel = (client: SseClient, channel: string) =>
  client.messages.filter(({ data }) => data.channel === channel).map(({ event, data }) => [event, data.data]);

it('a flushed Redis is announced as a gap, and inboxes go on as if nothing had been', async () => {
  const client = await open('channels=flushed,user:u-1');
  const before = await send('flushed', 1);
  await send('user:u-1', 1);
  await eventually(() => client.messages.length === 2);
  const admin = new Redis(redis.url);
  await admin.flushall();
  await admin.quit();
  const after = await send('flushed', 2);
  await send('user:u-1', 2);
  await eventually(() => client.messages.length === 5);
  const [epoch] = after.body.id.split('-');
  expect(before.body.id.split('-')[0]).not.toBe(epoch);
  expect(ofChannel(client, 'flushed')).toEqual([
    ['line', 1],
    ['gap', { from: before.body.id, to: `${epoch}-0` }],
    ['line', 2],
  ]);
  expect(ofChannel(client, 'user:u-1')).toEqual([
    ['line', 1],
    ['line', 2],
  ]);
  client.close();
});

it('while Redis is away inboxes are delivered, other channels refuse and then announce a gap', async () => {
  const client = await open('channels=other,user:u-1');
  const last = await send('other', 1);
  await send('user:u-1', 1);
  await eventually(() => client.messages.length === 2);
  const away = await SseClient.open(api, 'channels=user:u-1', { token });
  await eventually(() => away.lastEventId !== '');
  away.close();

  await redis.stop();
  const refused = await send('other', 2);
  expect(refused.body).toMatchObject({ status: 503, code: 'realtime_unavailable' });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  for (const n of [2, 3]) expect((await send('user:u-1', n)).status).toBe(201);
  await eventually(() => ofChannel(client, 'user:u-1').length === 3);
  const late = await SseClient.open(api, 'channels=user:u-1', { token, lastEventId: away.lastEventId });
  await eventually(() => late.messages.length === 2);
  late.close();
  expect(client.isEnded).toBe(false);
  expect(
    (await call(api, 'DELETE', '/v1/realtime/tokens', { key: application.serverKey, body: { userId: 'x' } })).status,
  ).toBe(204);

  restarted = await startRedis({ dir: redis.dir, port: redis.port });
  const again = await eventually(async () => {
    const answer = await send('other', 3);
    expect(answer.status).toBe(201);
    return answer;
  });
  await send('user:u-1', 4);
  const [epoch] = again.body.id.split('-');
  await eventually(() => ofChannel(client, 'other').length === 3);
  expect(ofChannel(client, 'other')).toEqual([
    ['line', 1],
    ['gap', { from: last.body.id, to: `${epoch}-0` }],
    ['line', 3],
  ]);
  await eventually(() => ofChannel(client, 'user:u-1').length === 4);
  expect(ofChannel(client, 'user:u-1')).toEqual([1, 2, 3, 4].map((n) => ['line', n]));
  client.close();
});

it('a revocation is in force although Redis is away', async () => {
  const own = await tokenFor(api, application.serverKey, { userId: 'cut-off' });
  const client = await SseClient.open(api, 'channels=user:cut-off', { token: own.token });
  await eventually(() => client.lastEventId !== '');
  const other = await startApi({ database: database.url, redis: 'redis://127.0.0.1:9', LOG_LEVEL: 'silent' });
  const elsewhere = await SseClient.open(other, 'channels=user:cut-off', { token: own.token });
  await eventually(() => elsewhere.lastEventId !== '');
  const body = { jti: own.jti };
  expect((await call(api, 'DELETE', '/v1/realtime/tokens', { key: application.serverKey, body })).status).toBe(204);
  await eventually(() => client.isEnded && elsewhere.isEnded, { timeoutMs: 2_000 });
  await other.close();
});
