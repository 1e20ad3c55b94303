import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BatchesRepository } from '../../src/batches/batches.repository.js';
import { BatchesService } from '../../src/batches/batches.service.js';
import { makeDataSource } from '../../src/database/data-source.js';
import type { NewNotification } from '../../src/notifications/notification.js';
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

describe('the deliveries of a notification', () => {
  let notification: NewNotification;
  let devices: TestDevice[];

  beforeEach(async () => {
    notification = await storeNotification(db, application.id);
    devices = await makeDevices(4, { userId: 'u-1' });
  });

  it('shows one that waits for its first attempt', async () => {
    await planBatch(db, notification, 'fcm', [first(devices).id]);
    const { items, nextCursor } = await page(`/v1/notifications/${notification.id}/deliveries`);
    expect(items).toEqual([
      {
        notificationId: notification.id,
        deviceId: first(devices).publicId,
        userId: 'u-1',
        provider: 'fcm',
        status: 'pending',
        attempts: [],
        nextAttemptAt: expect.any(String),
        receipts: [],
        explanation: {
          severity: 'waiting',
          title: 'Still in the queue: no attempt has been made yet',
          meaning: expect.any(String),
          action: expect.any(String),
          nextSteps: expect.any(Array),
        },
      },
    ]);
    expect(nextCursor).toBeNull();
  });

  it('tells everything about accepted, failed, suppressed and waiting ones', async () => {
    const [a, b, c, d] = [first(devices), first(devices, 1), first(devices, 2), first(devices, 3)];
    const batchNo = await planBatch(
      db,
      notification,
      'fcm',
      devices.map((device) => device.id),
    );
    await writeAnswers(db, await claimBatch(db, notification.id, batchNo), [
      { device: a.id, latencyMs: 7, providerMessageId: 'projects/p/messages/1' },
      { device: b.id, fate: 'failed' },
      { device: c.id, fate: 'suppressed' },
    ]);
    const { items } = await page(`/v1/notifications/${notification.id}/deliveries`);
    expect(items.map((item: Answer['body']) => [item.deviceId, item.status, item.attempts.length])).toEqual([
      [a.publicId, 'accepted', 1],
      [b.publicId, 'failed', 1],
      [c.publicId, 'suppressed', 1],
      [d.publicId, 'pending', 0],
    ]);
    expect(items[0].attempts[0]).toEqual({
      number: 1,
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      outcome: 'accepted',
      code: '200',
      providerMessageId: 'projects/p/messages/1',
      latencyMs: 7,
      detail: null,
      explanation: { meaning: expect.stringContaining('FCM took the message over'), action: expect.any(String) },
    });
    expect(items.map((item: Answer['body']) => item.explanation.title)).toEqual([
      'FCM accepted the message, but no receipt has come from the device',
      'The device token is dead: FCM no longer knows this app installation',
      'Not sent: the device’s token was already known to be dead or refused',
      'Being sent right now',
    ]);
    const path = `/v1/notifications/${notification.id}/deliveries?status=failed`;
    const korean = await call(api, 'GET', path, {
      key: application.serverKey,
      headers: { 'accept-language': 'ko-KR,ko;q=0.9,en;q=0.8' },
    });
    expect(korean.body.items[0].explanation.title).toBe(
      '기기 토큰이 만료되었습니다. FCM이 이 앱 설치를 더 이상 알지 못합니다',
    );
    expect(items[1].attempts[0]).toMatchObject({ outcome: 'token_invalid', code: 'UNREGISTERED', number: 1 });
    expect(items[2].attempts[0]).toMatchObject({ outcome: null, code: 'device_inactive', number: 0, latencyMs: null });
    expect(items.map((item: Answer['body']) => item.nextAttemptAt)).toEqual([null, null, null, null]);
  });

  it('follows a delivery through its child batches and counts the attempts', async () => {
    const device = first(devices);
    const batchNo = await planBatch(
      db,
      notification,
      'fcm',
      devices.map((one) => one.id),
    );
    await writeAnswers(db, await claimBatch(db, notification.id, batchNo), [
      { device: device.id, fate: 'retry', retryInMs: 600_000 },
      ...devices.slice(1).map((one) => ({ device: one.id })),
    ]);
    const path = `/v1/notifications/${notification.id}/deliveries`;
    const waiting = await page(`${path}?status=pending`);
    expect(waiting.items).toHaveLength(1);
    expect(waiting.items[0]).toMatchObject({ deviceId: device.publicId, status: 'pending' });
    expect(waiting.items[0].attempts).toMatchObject([{ number: 1, outcome: 'unavailable', code: '503' }]);
    const [child] = await db.query(
      'select not_before from dispatch_batch where notification_id = $1 and parent_batch = $2',
      [notification.id, batchNo],
    );
    expect(waiting.items[0].nextAttemptAt).toBe(child.not_before.toISOString());

    await moveClock('11 minutes');
    await writeAnswers(db, await claimBatchOf(db, notification.id, device.id), [{ device: device.id }]);
    expect((await page(`${path}?status=pending`)).items).toEqual([]);
    const { items } = await page(path);
    expect(items).toHaveLength(4);
    expect(items[0]).toMatchObject({ deviceId: device.publicId, status: 'accepted', nextAttemptAt: null });
    expect(items[0].attempts.map((one: Answer['body']) => [one.number, one.code])).toEqual([
      [1, '503'],
      [2, '200'],
    ]);
  });

  it('shows what was moved as pending while its child batch is not made yet', async () => {
    const [a, b] = [first(devices), first(devices, 1)];
    const batchNo = await planBatch(db, notification, 'fcm', [a.id, b.id]);
    await writeAnswers(db, await claimBatch(db, notification.id, batchNo), [
      { device: a.id, fate: 'retry', retryInMs: 30_000 },
    ]);
    const { items } = await page(`/v1/notifications/${notification.id}/deliveries?status=pending`);
    expect(items.map((item: Answer['body']) => item.deviceId)).toEqual([a.publicId, b.publicId]);
    const waitMs = Date.parse(items[0].nextAttemptAt) - Date.parse(items[0].attempts[0].at);
    expect(Math.abs(waitMs - 30_000)).toBeLessThan(1_000);
  });

  it('shows what was cancelled before and after its first attempt', async () => {
    const [a, b] = [first(devices), first(devices, 1)];
    const batchNo = await planBatch(db, notification, 'fcm', [a.id, b.id]);
    await writeAnswers(db, await claimBatch(db, notification.id, batchNo), [
      { device: a.id, fate: 'retry' },
      { device: b.id },
    ]);
    await planBatch(db, notification, 'fcm', [first(devices, 2).id]);
    await new BatchesService(new BatchesRepository(db)).endPending(db, notification.id, 'cancelled', 'cancelled');
    const { items } = await page(`/v1/notifications/${notification.id}/deliveries?status=cancelled`);
    expect(
      items.map((item: Answer['body']) => item.attempts.map((one: Answer['body']) => [one.number, one.code])),
    ).toEqual([
      [
        [1, '503'],
        [0, 'cancelled'],
      ],
      [[0, 'cancelled']],
    ]);
  });

  it('filters by status, provider and code', async () => {
    const [phone] = await makeDevices(1, { provider: 'apns' });
    if (!phone) throw new Error('no device was made');
    const fcmBatch = await planBatch(
      db,
      notification,
      'fcm',
      devices.map((device) => device.id),
    );
    await writeAnswers(db, await claimBatch(db, notification.id, fcmBatch), [
      { device: first(devices).id, fate: 'failed' },
      { device: first(devices, 1).id, fate: 'failed', code: 'SENDER_ID_MISMATCH', outcome: 'token_refused' },
      { device: first(devices, 2).id, fate: 'retry', code: 'UNREGISTERED' },
      { device: first(devices, 3).id },
    ]);
    const apnsBatch = await planBatch(db, notification, 'apns', [phone.id]);
    await writeAnswers(db, await claimBatch(db, notification.id, apnsBatch), [
      { device: phone.id, fate: 'failed', code: 'UNREGISTERED' },
    ]);
    // It failed at first; now its latest attempt is an acceptance and no longer has that code.
    await moveClock('2 minutes');
    const child = await claimBatchOf(db, notification.id, first(devices, 2).id);
    await writeAnswers(db, child, [{ device: first(devices, 2).id }]);

    const path = `/v1/notifications/${notification.id}/deliveries`;
    const ids = async (query: string) => (await page(path + query)).items.map((item: Answer['body']) => item.deviceId);
    expect(await ids('?status=failed')).toEqual([devices[0]?.publicId, devices[1]?.publicId, phone.publicId]);
    expect(await ids('?provider=apns')).toEqual([phone.publicId]);
    expect(await ids('?code=UNREGISTERED')).toEqual([devices[0]?.publicId, phone.publicId]);
    expect(await ids('?code=UNREGISTERED&provider=fcm&status=failed')).toEqual([devices[0]?.publicId]);
    expect(await ids('?code=UNREGISTERED&status=pending')).toEqual([]);
    expect((await get(`${path}?code=200&status=accepted`)).body).toMatchObject({
      status: 400,
      code: 'code_of_accepted',
    });
  });

  it('pages through batches that overlap, each delivery once', async () => {
    const phones = await makeDevices(30, { provider: 'apns' });
    const androids = await makeDevices(30);
    const mixed = [...phones, ...androids].map((device) => device.id);
    // Even and odd places of both: every batch spans nearly the whole range of ids.
    for (const [provider, part] of [
      ['apns', mixed.filter((_, i) => i % 2 === 0)],
      ['fcm', mixed.filter((_, i) => i % 2 === 1)],
    ] as const) {
      const batch = await claimBatch(db, notification.id, await planBatch(db, notification, provider, part));
      const answers = part.map((device, i) => ({
        device,
        fate: i % 3 === 0 ? ('retry' as const) : ('accepted' as const),
      }));
      await writeAnswers(
        db,
        batch,
        answers.map((answer, i) => ({ ...answer, retryInMs: i * 60_000 })),
      );
    }
    const inOrder = [...phones, ...androids].map((device) => device.publicId);
    // Pages that end within what is read at once, and one that has to read on.
    for (const limit of [7, 100]) {
      const items = await all(`/v1/notifications/${notification.id}/deliveries?limit=${limit}`);
      expect(items.map((item) => item.deviceId)).toEqual(inOrder);
    }
    const path = `/v1/notifications/${notification.id}/deliveries?limit=7`;
    expect(await all(`${path}&status=pending`)).toHaveLength(20);
    expect(await all(`${path}&code=503`)).toHaveLength(20);
    expect(await all(`${path}&status=accepted`)).toHaveLength(40);
  });

  it('keeps the entries of a device that was deleted', async () => {
    const device = first(devices);
    const batchNo = await planBatch(db, notification, 'fcm', [device.id]);
    await writeAnswers(db, await claimBatch(db, notification.id, batchNo), [{ device: device.id }]);
    await db.query('delete from device where id = $1', [device.id]);
    const { items } = await page(`/v1/notifications/${notification.id}/deliveries`);
    expect(items).toMatchObject([{ deviceId: null, userId: null, status: 'accepted', attempts: [{ number: 1 }] }]);
  });

  it('is hidden from other applications', async () => {
    const other = await createApplication(api);
    const answer = await get(`/v1/notifications/${notification.id}/deliveries`, other.serverKey);
    expect([answer.status, answer.body.code]).toEqual([404, 'notification_not_found']);
    expect((await get(`/v1/notifications/${randomUUID()}/deliveries`)).status).toBe(404);
    const admin = await get(
      `/v1/notifications/${notification.id}/deliveries?applicationId=${application.id}`,
      api.adminKey,
    );
    expect(admin.status).toBe(200);
    expect((await get(`/v1/notifications/${notification.id}/deliveries?cursor=x`)).status).toBe(400);
    expect((await get(`/v1/notifications/${notification.id}/deliveries?state=failed`)).status).toBe(400);
  });
});
