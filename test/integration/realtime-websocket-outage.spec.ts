import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../src/embedded/redis.js';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, tokenFor } from '../setup/realtime.js';
import { startTestRedis, type TestRedis } from '../setup/redis.js';
import { ask, closeClients, connect } from '../setup/socket.js';

let database: TestDatabase;
let redis: TestRedis;
let restarted: RunningRedis | undefined;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startTestRedis();
  api = await startApi({ database: database.url, redis: redis.url, LOG_LEVEL: 'silent' });
});

afterAll(async () => {
  closeClients();
  await api?.close();
  await redis?.stop();
  await restarted?.stop();
  await database?.drop();
});

it('while Redis is away a client is told which channels are not live yet, and they become so by themselves', async () => {
  const { serverKey } = await createApplication(api);
  const { token } = await tokenFor(api, serverKey);
  await redis.stop();
  const client = await connect(api, { token });
  const startedMs = performance.now();
  const answer = await client.socket
    .timeout(10_000)
    .emitWithAck('subscribe', { channels: ['away', 'user:u-1', 'away-too'] });
  expect(performance.now() - startedMs).toBeGreaterThan(4_000);
  expect(answer).toMatchObject({ ok: true, pending: ['away', 'away-too'] });
  expect(answer.cursor).toMatch(/^[\w-]{8}\.[0-9a-f]{12}-\d+$/);
  expect((await ask(client, 'unsubscribe', { channels: ['away-too'] })).ok).toBe(true);

  restarted = await startRedis({ dir: redis.dir, port: redis.port });
  await eventually(async () => expect((await publish(api, serverKey, 'away', 1)).status).toBe(201));
  await eventually(() => client.messages.length > 0);
  expect(client.messages[0]).toMatchObject({ channel: 'away' });
  const live = await ask(client, 'subscribe', { channels: ['away'] });
  expect(live).toEqual({ ok: true, cursor: expect.stringContaining('~') });
});
