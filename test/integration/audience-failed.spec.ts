import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import type { Audience } from '../../src/devices/audience.js';
import { AudienceSizes } from '../../src/devices/audience-size.js';
import { DevicesService } from '../../src/devices/devices.service.js';
import { TimelineRepository } from '../../src/notifications/timeline.repository.js';
import { type TestAnswer, writeAnswers } from '../factories/attempt.js';
import { claimBatch, claimBatchOf, planBatch } from '../factories/batch.js';
import { createDevices } from '../factories/device.js';
import { storeNotification } from '../factories/notification.js';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let db: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  db = api.app.get<DataSource>(DATA_SOURCE);
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

/** All ids of an audience, walked in pages of `limit`. */
async function walk(applicationId: string, audience: Audience, limit: number): Promise<number[]> {
  const devices = api.app.get(DevicesService);
  const bound = await devices.upperBound(db, applicationId);
  const all: number[] = [];
  for (let afterId = 0; ; ) {
    const page = await devices.audiencePage(db, applicationId, audience, afterId, bound, limit);
    expect(page.seen).toBeLessThanOrEqual(limit);
    for (const { deviceIds } of page.groups) all.push(...deviceIds.slice(1, -1).split(',').map(Number));
    if (page.seen < limit) return all.toSorted((one, other) => one - other);
    afterId = page.lastId;
  }
}

describe('those whom a notification failed to reach', () => {
  let applicationId: string;
  let id: string;
  let ids: number[];
  const failing: Record<string, number[]> = { UNREGISTERED: [], '503': [], SENDER: [] };

  beforeAll(async () => {
    applicationId = (await createApplication(api)).id;
    ids = await createDevices(db, 90, { applicationId });
    const notification = await storeNotification(db, applicationId);
    id = notification.id;
    // Three batches whose ids are interlaced, and retries of some deliveries of each, which fail at last or do not.
    for (const first of [0, 1, 2]) {
      const own = ids.filter((_, i) => i % 3 === first);
      const batch = await claimBatch(db, id, await planBatch(db, notification, 'fcm', own));
      const answers = own.map((device, i): TestAnswer => {
        if (i % 5 === 0) failing['UNREGISTERED']?.push(device);
        if (i % 5 === 1) failing['SENDER']?.push(device);
        const retry = { device, fate: 'retry', retryInMs: 0 } as const;
        const sender = { device, fate: 'failed', outcome: 'token_refused', code: 'SENDER' } as const;
        return [{ device, fate: 'failed' } as const, sender, retry, { device }, { device }][i % 5] ?? { device };
      });
      await writeAnswers(db, batch, answers);
      const retried = own.filter((_, i) => i % 5 === 2);
      await db.query(`update dispatch_batch set not_before = carillon_now() where notification_id = $1`, [id]);
      const child = await claimBatchOf(db, id, retried[0] ?? 0);
      const last = retried.map((device, i): TestAnswer => {
        if (i % 2 === 0) failing['503']?.push(device);
        return i % 2 === 0 ? { device, fate: 'failed', outcome: 'unavailable', code: '503' } : { device };
      });
      await writeAnswers(db, child, last);
    }
    await db.query(`update notification set state = 'completed', completed_at = carillon_now() where id = $1`, [id]);
  });

  const failed = (...codes: string[]) => codes.flatMap((code) => failing[code] ?? []).toSorted((a, b) => a - b);

  it.each([1, 2, 7, 20, 1_000])('are found once each in pages of %i, whatever batch they ended in', async (limit) => {
    expect(await walk(applicationId, { failedOf: id }, limit)).toEqual(failed('UNREGISTERED', 'SENDER', '503'));
    const codes = ['503', 'SENDER', 'never heard of'];
    expect(await walk(applicationId, { failedOf: id, codes }, limit)).toEqual(failed('503', 'SENDER'));
  });

  it('are counted by code as the batches have them, and measured as an audience', async () => {
    expect(await new TimelineRepository(db).failures(id)).toEqual([
      { provider: 'fcm', code: 'SENDER', status: 'failed', deliveries: 18 },
      { provider: 'fcm', code: 'UNREGISTERED', status: 'failed', deliveries: 18 },
      { provider: 'fcm', code: '503', status: 'failed', deliveries: 9 },
    ]);
    const size = await api.app.get(AudienceSizes).measure(applicationId, { failedOf: id });
    expect(size).toEqual({ devices: { fcm: 45, apns: 0, webpush: 0 }, total: 45, isEstimate: false });
  });

  it('are left out when their device is no longer active', async () => {
    const gone = failed('SENDER');
    await db.query(`update device set status = 'invalid' where id = any($1)`, [gone]);
    expect(await walk(applicationId, { failedOf: id }, 10)).toEqual(failed('UNREGISTERED', '503'));
    expect(await walk(applicationId, { failedOf: id, codes: ['SENDER'] }, 10)).toEqual([]);
    await db.query(`update device set status = 'active' where id = any($1)`, [gone]);
  });
});

describe('a large audience', () => {
  let applicationId: string;
  const sizeOf = (audience: Audience) => api.app.get(AudienceSizes).measure(applicationId, audience);

  beforeAll(async () => {
    applicationId = (await createApplication(api)).id;
    const other = (await createApplication(api)).id;
    for (let i = 0; i < 3; i++) {
      await createDevices(db, 6_000, { applicationId, topics: ['many'] });
      await createDevices(db, 2_000 * i, { applicationId: other });
      await createDevices(db, 3_000, {
        applicationId,
        provider: 'apns',
        tags: { plan: 'pro' },
        topics: ['few', 'many'],
      });
    }
    await db.query(
      `update device set status = 'invalid' where application_id = $1 and provider = 'fcm' and id % 2 = 0`,
      [applicationId],
    );
    await db.query('analyze device');
  }, 60_000);

  it('is estimated, and smaller ones are counted', async () => {
    const { devices, total, isEstimate } = await sizeOf({ topics: ['many'] });
    expect({ isEstimate, webpush: devices.webpush, total }).toEqual({
      isEstimate: true,
      webpush: 0,
      total: devices.fcm + devices.apns,
    });
    for (const { counted, expected } of [
      { counted: devices.fcm, expected: 9_000 },
      { counted: devices.apns, expected: 9_000 },
    ]) {
      expect(Math.abs(counted - expected) / expected).toBeLessThan(0.1);
    }
    const nine = { devices: { fcm: 0, apns: 9_000, webpush: 0 }, total: 9_000, isEstimate: false };
    expect(await sizeOf({ topics: ['few'] })).toEqual(nine);
    expect(await sizeOf({ tags: { plan: 'pro' } })).toEqual(nine);
    expect(await sizeOf({ topics: ['nobody'] })).toMatchObject({ total: 0, isEstimate: false });
  });
});
