import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../src/embedded/redis.js';
import { RealtimeUpkeep } from '../../src/realtime/upkeep.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';

let database: TestDatabase;
let dir: string;
let redis: RunningRedis;
let api: TestApi;
let application: Awaited<ReturnType<typeof createApplication>>;
let token: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dir = await mkdtemp(join(inject('runDir'), 'redis-'));
  redis = await startRedis({ dir, appendOnly: true });
  api = await startApi({ database: database.url, redis: redis.url, LOG_LEVEL: 'silent' });
  application = await createApplication(api);
  token = (await tokenFor(api, application.serverKey)).token;
});

afterAll(async () => {
  await api?.close();
  await redis?.stop();
  await database?.drop();
});

const send = (channel: string, data: unknown) => publish(api, application.serverKey, channel, data);
const poll = (query: string) => call(api, 'GET', `/v1/realtime/poll?waitSeconds=0&${query}`, { key: token });
const inDatabase = async (statement: string): Promise<Record<string, unknown>[]> => {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return client
    .query(statement)
    .then(({ rows }) => rows)
    .finally(() => client.end());
};

it('a connection for hints that breaks costs no message', async () => {
  const client = await SseClient.open(api, 'channels=hinted,user:u-1', { token });
  await eventually(() => client.lastEventId !== '');
  const admin = new Redis(redis.url);
  const killed = async () => Number(await admin.client('KILL', 'TYPE', 'pubsub'));
  for (let n = 0; n < 20; n += 1) {
    if (n % 5 === 0) await eventually(async () => (await killed()) > 0);
    await send('hinted', n);
    await send('user:u-1', n);
  }
  await admin.quit();
  await eventually(() => client.messages.length === 40);
  for (const channel of ['hinted', 'user:u-1']) {
    const data = client.messages.filter((one) => one.data.channel === channel).map((one) => one.data.data);
    expect(data).toEqual(Array.from({ length: 20 }, (_, n) => n));
  }
  client.close();
});

it('a Redis that comes back with its data begins a new epoch, because its last moments may be lost', async () => {
  const first = await send('restarted', 1);
  const { cursor } = (await poll('channels=restarted&after=start')).body;
  await redis.stop();
  redis = await startRedis({ dir, port: redis.port, appendOnly: true });
  const second = await eventually(async () => {
    const answer = await send('restarted', 2);
    expect(answer.status).toBe(201);
    return answer;
  });
  const [epoch, seq] = second.body.id.split('-');
  expect(first.body.id).not.toContain(epoch);
  expect(seq).toBe('1');
  const { messages } = (await poll(`channels=restarted&after=${cursor}`)).body;
  expect(messages).toMatchObject([{ event: 'gap', data: { from: first.body.id, to: `${epoch}-0` } }, { data: 2 }]);
});

it('what has expired is forgotten, and announced to who comes back for it', async () => {
  const before = await poll('channels=user:u-1');
  const cursor = before.headers.get('x-cursor');
  for (const n of [1, 2, 3]) await send('user:u-1', n);
  await call(api, 'DELETE', '/v1/realtime/tokens', { key: application.serverKey, body: { userId: 'other' } });
  await inDatabase(`update clock_offset set value = interval '8 days'`);
  const redisClient = new Redis(redis.url);
  await redisClient.flushall();
  await redisClient.quit();
  const { messages } = (await poll(`channels=user:u-1&after=${cursor}`)).body;
  expect(messages).toMatchObject([{ event: 'gap' }]);
  await api.app.get(RealtimeUpkeep).round();
  expect(await inDatabase('select 1 from realtime_inbox_message union all select 1 from realtime_revocation')).toEqual(
    [],
  );
  const next = await send('user:u-1', 4);
  expect(next.body.id.split('-')[0]).toBe(messages[0].id.split('-')[0]);
  await inDatabase(`update clock_offset set value = interval '60 days'`);
  await api.app.get(RealtimeUpkeep).round();
  expect(await inDatabase('select 1 from realtime_inbox_message')).toEqual([]);
  await api.app.get(RealtimeUpkeep).round();
  expect(await inDatabase('select 1 from realtime_inbox')).toEqual([]);
  await inDatabase(`update clock_offset set value = interval '0'`);
});
