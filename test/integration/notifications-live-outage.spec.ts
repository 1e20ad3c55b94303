import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { startRedis } from '../../src/embedded/redis.js';
import { notificationRequest } from '../factories/notification.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { messagesOf, moveClock, notificationIds, owed } from '../setup/live.js';
import { SseClient, tokenFor } from '../setup/realtime.js';
import { startTestRedis, type TestRedis } from '../setup/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let api: TestApi;
let db: DataSource;
let tenant: Awaited<ReturnType<typeof createApplication>>;
let token: string;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startTestRedis();
  api = await startApi({ database: database.url, redis: redis.url, LOG_LEVEL: 'silent' });
  db = api.app.get<DataSource>(DATA_SOURCE);
  tenant = await createApplication(api);
  token = (await tokenFor(api, tenant.serverKey)).token;
});

afterAll(async () => {
  await api?.close();
  await redis?.stop();
  await database?.drop();
});

async function send(fields: Parameters<typeof notificationRequest>[0]): Promise<string> {
  const body = notificationRequest({ ...fields, options: { realtime: 'only', ...fields?.options } });
  const answer = await call(api, 'POST', '/v1/notifications', { key: tenant.serverKey, body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return answer.body.id;
}

it('while Redis is away inboxes get theirs at once, and broadcasts follow or are given up at their TTL', async () => {
  const screen = await SseClient.open(api, 'channels=user:u-1,broadcast:all', { token });
  await eventually(() => screen.lastEventId !== '');
  await redis.stop();
  const toUser = await send({ audience: { userIds: ['u-1'] } });
  await eventually(() => screen.messages.length === 1);
  expect(notificationIds(screen.messages.map(({ data }) => data))).toEqual([toUser]);

  const brief = await send({ options: { ttlSeconds: 60 } });
  expect(await owed(db, tenant.id)).toBe(1);
  await moveClock(db, 66);
  await eventually(async () => (await owed(db, tenant.id)) === 0);
  await moveClock(db, 0);

  const lasting = await send({});
  await eventually(async () => {
    const [row] = await db.query('select due_at > carillon_now() as is_postponed from live_notice');
    return row.is_postponed;
  });
  redis = { ...(await startRedis({ dir: redis.dir, port: redis.port })), dir: redis.dir };
  await eventually(async () => (await owed(db, tenant.id)) === 0, { timeoutMs: 20_000 });
  const known = notificationIds(await messagesOf(api, token, 'broadcast:all'));
  expect(known).toEqual([lasting]);
  expect(known).not.toContain(brief);
  await eventually(() => notificationIds(screen.messages.map(({ data }) => data)).includes(lasting));
  screen.close();
});
