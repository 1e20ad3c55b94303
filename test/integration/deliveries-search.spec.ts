import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeDataSource } from '../../src/database/data-source.js';
import { writeAnswers } from '../factories/attempt.js';
import { claimBatch, claimBatchOf, planBatch } from '../factories/batch.js';
import { insertDevices, storeNotification } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

interface TestDevice {
  id: number;
  publicId: string;
}

let database: TestDatabase;
let db: DataSource;
let api: TestApi;
let application: { id: string; serverKey: string };

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
});

async function makeDevices(
  n: number,
  fields: { provider?: 'fcm' | 'apns' | 'webpush'; userId?: string } = {},
): Promise<TestDevice[]> {
  const publicIds = await insertDevices(db, application.id, n, { provider: 'fcm', ...fields });
  const rows: TestDevice[] = await db.query(
    'select id, public_id as "publicId" from device where public_id = any($1::uuid[]) order by id',
    [publicIds],
  );
  return rows;
}

function get(path: string, key = application.serverKey): Promise<Answer> {
  return call(api, 'GET', path, { key });
}

async function page(path: string): Promise<Answer['body']> {
  const answer = await get(path);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

/** Follows `nextCursor` to the end. */
async function all(path: string): Promise<Answer['body'][]> {
  const items: Answer['body'][] = [];
  let cursor: string | null = null;
  do {
    const body: Answer['body'] = await page(`${path}${cursor === null ? '' : `&cursor=${cursor}`}`);
    items.push(...body.items);
    cursor = body.nextCursor;
  } while (cursor !== null);
  return items;
}

async function moveClock(interval: string): Promise<void> {
  await db.query('update clock_offset set value = value + $1::interval', [interval]);
}

const first = <T>(items: readonly T[], index = 0): T => {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
};

describe('the deliveries of a device', () => {
  it('lists notifications by their latest attempt, each once, across pages', async () => {
    const [device] = await makeDevices(1);
    if (!device) throw new Error('no device was made');
    const sent: string[] = [];
    for (let i = 0; i < 5; i++) {
      const notification = await storeNotification(db, application.id);
      const batch = await claimBatch(db, notification.id, await planBatch(db, notification, 'fcm', [device.id]));
      await writeAnswers(db, batch, [{ device: device.id, fate: i < 2 ? 'retry' : 'accepted' }]);
      sent.push(notification.id);
    }
    const [one, two, three, four, five] = sent;
    await moveClock('2 minutes');
    await writeAnswers(db, await claimBatchOf(db, one ?? '', device.id), [{ device: device.id, fate: 'failed' }]);

    const path = `/v1/devices/${device.publicId}/deliveries?limit=2`;
    const items = await all(path);
    expect(items.map((item) => [item.notificationId, item.status, item.attempts.length])).toEqual([
      [one, 'failed', 2],
      [five, 'accepted', 1],
      [four, 'accepted', 1],
      [three, 'accepted', 1],
      [two, 'pending', 1],
    ]);
    expect(items[4].nextAttemptAt).not.toBeNull();

    const other = await createApplication(api);
    expect((await get(path, other.serverKey)).body).toMatchObject({ status: 404, code: 'device_not_found' });
  });
});

describe('the search', () => {
  it('finds what failed in the last day by default, newest first, of this application alone', async () => {
    const devices = await makeDevices(3, { userId: 'u-9' });
    const old = await storeNotification(db, application.id);
    const oldBatch = await claimBatch(db, old.id, await planBatch(db, old, 'fcm', [first(devices).id]));
    await writeAnswers(db, oldBatch, [{ device: first(devices).id, fate: 'failed' }]);
    const [{ now: oldAt }] = await db.query('select carillon_now() as now');
    await moveClock('25 hours');

    const recent = await storeNotification(db, application.id);
    const batch = await claimBatch(
      db,
      recent.id,
      await planBatch(
        db,
        recent,
        'fcm',
        devices.map((device) => device.id),
      ),
    );
    await writeAnswers(db, batch, [
      { device: first(devices).id, fate: 'failed', ageMs: 20 },
      { device: first(devices, 1).id, fate: 'failed', code: 'INVALID_ARGUMENT', ageMs: 10 },
      { device: first(devices, 2).id },
    ]);
    const found = async (query: string) =>
      (await all(`/v1/deliveries?limit=1${query}`)).map((item) => [item.notificationId, item.deviceId]);
    const [one, two, three] = devices.map((device) => device.publicId);
    expect(await found('')).toEqual([
      [recent.id, two],
      [recent.id, one],
    ]);
    expect(await found('&code=UNREGISTERED')).toEqual([[recent.id, one]]);
    expect(await found('&provider=apns')).toEqual([]);
    expect(await found(`&from=${new Date(oldAt.getTime() - 60_000).toISOString()}`)).toHaveLength(3);
    // Postgres counts microseconds, a Date does not: the answer may lie after `oldAt` as it is written here.
    const [before, after] = [-60_000, 60_000].map((ms) => new Date(oldAt.getTime() + ms).toISOString());
    expect(await found(`&from=${before}&to=${after}`)).toEqual([[old.id, one]]);
    expect(await found('&userId=u-9')).toEqual(await found(''));
    expect(await found('&userId=u-9&status=accepted')).toEqual([[recent.id, three]]);
    expect(await found('&userId=somebody')).toEqual([]);
    expect((await get('/v1/deliveries?status=accepted')).body).toMatchObject({ status: 400, code: 'user_needed' });

    const other = await createApplication(api);
    expect((await get('/v1/deliveries', other.serverKey)).body.items).toEqual([]);
  });

  it('finds what waits once, however often it was tried', async () => {
    const [device, ended] = await makeDevices(2);
    if (!device || !ended) throw new Error('no device was made');
    const notification = await storeNotification(db, application.id);
    const batchNo = await planBatch(db, notification, 'fcm', [device.id, ended.id]);
    await writeAnswers(db, await claimBatch(db, notification.id, batchNo), [
      { device: device.id, fate: 'retry' },
      { device: ended.id, fate: 'retry' },
    ]);
    await moveClock('2 minutes');
    await writeAnswers(db, await claimBatchOf(db, notification.id, device.id), [
      { device: device.id, fate: 'retry' },
      { device: ended.id },
    ]);
    const items = await all('/v1/deliveries?status=pending&limit=1');
    expect(items).toMatchObject([
      { deviceId: device.publicId, status: 'pending', attempts: [{ number: 1 }, { number: 2 }] },
    ]);
  });

  it('refuses cursors that are not its own', async () => {
    const { id } = await storeNotification(db, application.id);
    const cursors = [
      ['2026-13-40T00:00:00.000000Z', id, 1],
      ['2026-01-01T00:00:00.000000Z', 'x', 1],
      ['2026-01-01T00:00:00.000000Z', id, 1e300],
      [7],
    ];
    for (const cursor of cursors) {
      const text = Buffer.from(JSON.stringify(cursor)).toString('base64url');
      expect((await get(`/v1/deliveries?cursor=${text}`)).body, JSON.stringify(cursor)).toMatchObject({ status: 400 });
    }
    const text = Buffer.from(JSON.stringify(['1'])).toString('base64url');
    expect((await get(`/v1/notifications/${id}/deliveries?cursor=${text}`)).status).toBe(400);
    expect((await get('/v1/deliveries?limit=1001')).status).toBe(400);
  });
});
