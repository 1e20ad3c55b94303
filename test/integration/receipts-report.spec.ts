import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeDataSource } from '../../src/database/data-source.js';
import { deviceSecret, hashDeviceSecret } from '../../src/devices/device.js';
import type { NewNotification } from '../../src/notifications/notification.js';
import { writeAnswers } from '../factories/attempt.js';
import { claimBatch, planBatch } from '../factories/batch.js';
import { insertDevices, storeNotification } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

const SECRET = deviceSecret(Buffer.alloc(32, 1));

let database: TestDatabase;
let db: DataSource;
let api: TestApi;
let application: { id: string; serverKey: string; clientKey: string };
let notification: NewNotification;
let device: { id: number; publicId: string };

beforeAll(async () => {
  database = await createTestDatabase();
  db = await makeDataSource({ url: database.url, poolSize: 4, applicationName: 'test' }).initialize();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
});

afterAll(async () => {
  await api?.close();
  await db?.destroy();
  await database?.drop();
});

beforeEach(async () => {
  application = await createApplication(api);
  notification = await storeNotification(db, application.id);
  device = await makeDevice();
});

async function makeDevice(): Promise<{ id: number; publicId: string }> {
  const [publicId = ''] = await insertDevices(db, application.id, 1, { provider: 'fcm' });
  const [row] = await db
    .query('update device set secret_hash = $2 where public_id = $1 returning id', [publicId, hashDeviceSecret(SECRET)])
    .then(([rows]) => rows);
  return { id: row.id, publicId };
}

async function send(): Promise<void> {
  const batch = await claimBatch(db, notification.id, await planBatch(db, notification, 'fcm', [device.id]));
  await writeAnswers(db, batch, [{ device: device.id }]);
}

function report(fields: Record<string, unknown> = {}, secret: string | undefined = SECRET): Promise<Answer> {
  return call(api, 'POST', '/v1/receipts', {
    key: application.clientKey,
    body: { deviceId: device.publicId, notificationId: notification.id, type: 'displayed', ...fields },
    ...(secret === '' ? {} : { headers: { 'x-device-secret': secret } }),
  });
}

async function shown(): Promise<Answer['body']> {
  const path = `/v1/notifications/${notification.id}/deliveries`;
  return (await call(api, 'GET', path, { key: application.serverKey })).body.items[0].receipts;
}

describe('a receipt', () => {
  it('counts once, with the time of the first report', async () => {
    await send();
    const [{ now }] = await db.query('select carillon_now() as now');
    const at = new Date(now.getTime() - 1).toISOString();
    const answer = await report({ at });
    expect([answer.status, answer.body]).toEqual([
      200,
      { deviceId: device.publicId, notificationId: notification.id, type: 'displayed', at },
    ]);
    expect((await report()).body.at).toBe(at);
    expect(await shown()).toEqual([{ type: 'displayed', at }]);
    const counts = await call(api, 'GET', `/v1/notifications/${notification.id}`, { key: application.serverKey });
    expect(counts.body.counts).toMatchObject({ displayed: 1, opened: 0 });
  });

  it('may come in any order of the types', async () => {
    await send();
    for (const type of ['dismissed', 'opened', 'displayed', 'delivered'])
      expect((await report({ type })).status).toBe(200);
    expect((await shown()).map((one: { type: string }) => one.type).toSorted()).toEqual([
      'delivered',
      'dismissed',
      'displayed',
      'opened',
    ]);
  });

  it('lies neither in the future nor before its notification', async () => {
    await send();
    const late = await report({ at: '2099-01-01T00:00:00Z', type: 'opened' });
    const [{ now }] = await db.query('select carillon_now() as now');
    expect(Date.parse(late.body.at)).toBeLessThanOrEqual(now.getTime());
    const early = await report({ at: '2001-01-01T00:00:00Z' });
    expect(Date.parse(early.body.at)).toBeGreaterThanOrEqual(notification.createdAt.getTime() - 1);
  });

  it('may be quicker than the log', async () => {
    await planBatch(db, notification, 'fcm', [device.id]);
    expect((await report()).status).toBe(200);
  });

  it('is refused for what this device was not sent', async () => {
    expect((await report()).body).toMatchObject({ status: 404, code: 'notification_not_found' });
    await send();
    const stranger = await makeDevice();
    expect((await report({ deviceId: stranger.publicId })).body).toMatchObject({
      status: 404,
      code: 'notification_not_found',
    });
    expect((await report({ notificationId: randomUUID() })).status).toBe(404);
    expect((await report({ deviceId: randomUUID() })).body).toMatchObject({ status: 404, code: 'device_not_found' });
  });

  it('needs the device’s own secret and a client key', async () => {
    await send();
    expect((await report({}, '')).body).toMatchObject({ status: 403, code: 'device_secret_required' });
    expect((await report({}, deviceSecret(Buffer.alloc(32, 2)))).body).toMatchObject({ code: 'device_secret_invalid' });
    const wrongKey = await call(api, 'POST', '/v1/receipts', {
      key: application.serverKey,
      body: { deviceId: device.publicId, notificationId: notification.id, type: 'opened' },
    });
    expect(wrongKey.status).toBe(403);
    expect((await report({ type: 'ignored' })).status).toBe(400);
    const other = await createApplication(api);
    const foreign = await call(api, 'POST', '/v1/receipts', {
      key: other.clientKey,
      headers: { 'x-device-secret': SECRET },
      body: { deviceId: device.publicId, notificationId: notification.id, type: 'opened' },
    });
    expect(foreign.status).toBe(404);
    expect(await shown()).toEqual([]);
  });
});
