import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { NotificationsService } from '../../src/notifications/notifications.service.js';
import { RollUp } from '../../src/notifications/roll-up.js';
import { addBatch, finishBatch, storeNotification } from '../factories/notification.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let db: DataSource;
let tenant: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  db = api.app.get<DataSource>(DATA_SOURCE);
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

beforeEach(async () => {
  tenant = await createApplication(api);
});

const get = (path: string) => call(api, 'GET', path, { key: tenant.serverKey });
const view = async (id: string) => (await get(`/v1/notifications/${id}`)).body;
const act = (id: string, action: 'cancel' | 'pause' | 'resume') =>
  call(api, 'POST', `/v1/notifications/${id}/${action}`, { key: tenant.serverKey });
const planningOf = async (id: string) => {
  const [row] = await db.query(
    'select state, plan_wake_at = expires_at as at_expiry, plan_wake_at <= carillon_now() as is_due from notification where id = $1',
    [id],
  );
  return row;
};

describe('a running notification', () => {
  it('is counted from its batches at this moment', async () => {
    const notification = await storeNotification(db, tenant.id, {
      audience: { userIds: ['u-1'] },
      options: { ttlSeconds: 600, collapseKey: 'c' },
      overrides: { fcm: { android: {} } },
    });
    await finishBatch(db, notification.id, await addBatch(db, notification, 4), '1123');
    await addBatch(db, notification, 4, 'apns');
    expect(await view(notification.id)).toEqual({
      id: notification.id,
      status: 'sending',
      lane: 'normal',
      audience: { userIds: ['u-1'] },
      content: { title: 'Hello' },
      options: {
        ttlSeconds: 600,
        priority: 'high',
        collapseKey: 'c',
        realtime: 'also',
        lane: 'normal',
        semantics: 'at_least_once',
        sendAt: notification.sendAt.toISOString(),
      },
      overrides: { fcm: { android: {} } },
      counts: {
        planned: 8,
        pending: 5,
        accepted: 2,
        failed: 1,
        expired: 0,
        cancelled: 0,
        suppressed: 0,
        unknown: 0,
        retried: 1,
        delivered: 0,
        displayed: 0,
        opened: 0,
        dismissed: 0,
        live: 0,
      },
      progress: 0.375,
      createdAt: notification.createdAt.toISOString(),
      sendAt: notification.sendAt.toISOString(),
      expiresAt: notification.expiresAt.toISOString(),
      firstAttemptAt: expect.any(String),
      completedAt: null,
      blockedBy: [],
    });
  });

  it('counts what devices reported', async () => {
    const notification = await storeNotification(db, tenant.id);
    await db.query(
      `insert into receipt (notification_id, device_id, application_id, type, at)
       select $1, i, $2, case when i <= 3 then 'delivered' else 'opened' end, carillon_now() from generate_series(1, 5) i`,
      [notification.id, tenant.id],
    );
    expect((await view(notification.id)).counts).toMatchObject({ delivered: 3, opened: 2, displayed: 0, dismissed: 0 });
  });

  it('names the closed gates of those providers alone that still have something to send', async () => {
    const notification = await storeNotification(db, tenant.id);
    await addBatch(db, notification, 1, 'fcm');
    await addBatch(db, notification, 1, 'webpush');
    await finishBatch(db, notification.id, await addBatch(db, notification, 1, 'apns'), '1');
    await db.query(
      `insert into gate (application_id, provider, scope, state, kind, closed_until, reason) values
         ($1, 'fcm', '', 'closed', 'throttled', carillon_now() + interval '1 hour', 'QUOTA_EXCEEDED'),
         ($1, 'apns', '', 'closed', 'credential', carillon_now() + interval '1 hour', 'InvalidProviderToken'),
         ($1, 'webpush', 'https://push.example', 'closed', 'breaker', carillon_now() + interval '1 hour', '503'),
         ($1, 'webpush', 'https://other.example', 'half_open', 'breaker', carillon_now(), '503')`,
      [tenant.id],
    );
    expect((await view(notification.id)).blockedBy).toEqual([
      { provider: 'fcm', reason: 'QUOTA_EXCEEDED', until: expect.any(String) },
      { provider: 'webpush', reason: '503', until: expect.any(String), scope: 'https://push.example' },
    ]);
  });

  it('is not found by another application', async () => {
    const { id } = await storeNotification(db, tenant.id);
    tenant = await createApplication(api);
    for (const answer of [await get(`/v1/notifications/${id}`), await act(id, 'cancel'), await act(id, 'pause')]) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'notification_not_found' } });
    }
    expect((await db.query('select state from notification where id = $1', [id]))[0].state).toBe('sending');
  });
});

describe('cancelling', () => {
  it('ends what no worker holds at once, writes that down, and leaves the rest to the worker', async () => {
    const notification = await storeNotification(db, tenant.id);
    await finishBatch(db, notification.id, await addBatch(db, notification, 2), '12');
    await addBatch(db, notification, 3);
    const leased = await addBatch(db, notification, 1);
    await db.query(
      `update dispatch_batch set state = 'leased', lease_until = carillon_now() + interval '20 s' where batch_no = $1`,
      [leased],
    );
    const answer = await act(notification.id, 'cancel');
    expect(answer).toMatchObject({
      status: 200,
      body: {
        status: 'cancelled',
        completedAt: null,
        counts: { planned: 6, accepted: 1, failed: 1, cancelled: 3, pending: 1 },
      },
    });
    const log = await db.query(
      `select code, count(*)::int as n from delivery_attempt where notification_id = $1 group by code`,
      [notification.id],
    );
    expect(log).toEqual([{ code: 'cancelled', n: 3 }]);
    const live = await api.app.get(NotificationsService).liveStates([notification.id]);
    expect(live.get(notification.id)?.state).toBe('cancelled');
  });

  it('of a scheduled one leaves nothing to plan', async () => {
    const sendAt = new Date(Date.now() + 60_000).toISOString();
    const { id } = await storeNotification(
      db,
      tenant.id,
      { options: { sendAt } },
      { state: 'scheduled', isPlanned: false },
    );
    expect((await act(id, 'cancel')).body.status).toBe('cancelled');
    await api.app.get(RollUp).advancePass();
    expect(await view(id)).toMatchObject({ status: 'cancelled', completedAt: expect.any(String), progress: 1 });
  });

  it.each(['cancel', 'pause', 'resume'] as const)('or anything else is too late after the end: %s', async (action) => {
    for (const state of ['completed', 'cancelled'] as const) {
      const { id } = await storeNotification(db, tenant.id, {}, { state });
      expect(await act(id, action)).toMatchObject({ status: 409, body: { code: 'notification_ended' } });
      expect((await view(id)).status).toBe(state);
    }
  });
});

describe('pausing', () => {
  it.each(['scheduled', 'planning', 'sending'] as const)('and resuming brings back the state %s', async (state) => {
    const { id } = await storeNotification(db, tenant.id, {}, { state, isPlanned: state === 'sending' });
    expect(await act(id, 'pause')).toMatchObject({ status: 200, body: { status: 'paused' } });
    expect(await planningOf(id)).toMatchObject({ at_expiry: true });
    expect(await act(id, 'pause')).toMatchObject({ status: 200, body: { status: 'paused' } });
    expect(await act(id, 'resume')).toMatchObject({ status: 200, body: { status: state } });
    expect(await planningOf(id)).toMatchObject({ is_due: true });
    expect(await act(id, 'resume')).toMatchObject({ status: 200, body: { status: state } });
  });

  it('a scheduled one and resuming it does not send it early', async () => {
    const sendAt = new Date(Date.now() + 60_000).toISOString();
    const { id } = await storeNotification(
      db,
      tenant.id,
      { options: { sendAt } },
      { state: 'scheduled', isPlanned: false },
    );
    await act(id, 'pause');
    await act(id, 'resume');
    expect(await planningOf(id)).toMatchObject({ state: 'scheduled', is_due: false });
  });

  it('and cancelling at once ends it', async () => {
    const { id } = await storeNotification(db, tenant.id);
    await act(id, 'pause');
    expect((await act(id, 'cancel')).body.status).toBe('cancelled');
    expect((await act(id, 'resume')).status).toBe(409);
  });

  it('many times at once ends in one of the two states, and the state before is not lost', async () => {
    const { id } = await storeNotification(db, tenant.id);
    await Promise.all(Array.from({ length: 30 }, (_, i) => act(id, i % 2 ? 'pause' : 'resume')));
    await act(id, 'resume');
    expect((await view(id)).status).toBe('sending');
  });
});

describe('the list', () => {
  it('goes through all in pages, newest first, and knows status and time', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const state = i === 2 ? 'paused' : 'sending';
      ids.unshift((await storeNotification(db, tenant.id, {}, { state })).id);
      const before = Date.now();
      await eventually(() => Date.now() > before);
    }
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await get(`/v1/notifications?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.body.items.map((item: { id: string }) => item.id));
      cursor = page.body.nextCursor;
    }
    expect(seen).toEqual(ids);

    const idsOf = async (query: string) =>
      (await get(`/v1/notifications?${query}`)).body.items.map((item: { id: string }) => item.id);
    expect(await idsOf('status=paused')).toEqual([ids[2]]);
    const middle = (await view(ids[2] ?? '')).createdAt;
    expect(await idsOf(`from=${middle}`)).toEqual(ids.slice(0, 3));
    expect(await idsOf(`to=${middle}`)).toEqual(ids.slice(3));
    expect(await idsOf(`from=${middle}&to=${middle}`)).toEqual([]);
  });

  it('shows counts that add up', async () => {
    const notification = await storeNotification(db, tenant.id);
    await finishBatch(db, notification.id, await addBatch(db, notification, 3), '113');
    api.app.get(RollUp).mark(notification.id);
    await api.app.get(RollUp).flush();
    const { items } = (await get('/v1/notifications')).body;
    expect(items[0].counts).toMatchObject({ planned: 3, pending: 1, accepted: 2, retried: 1 });
  });

  it('refuses a cursor, a status and a time that make no sense', async () => {
    for (const query of ['cursor=xyz', 'status=sent', 'from=yesterday', 'state=paused']) {
      expect((await get(`/v1/notifications?${query}`)).status, query).toBe(400);
    }
  });
});

describe('stopping a provider', () => {
  it('happens once, and workers see it', async () => {
    const { id } = await storeNotification(db, tenant.id);
    const service = api.app.get(NotificationsService);
    expect(await service.stopProvider(id, 'fcm', 'INVALID_ARGUMENT')).toBe(true);
    expect(await service.stopProvider(id, 'fcm', 'OTHER')).toBe(false);
    expect(await service.stopProvider(id, 'apns', 'BadTopic')).toBe(true);
    expect((await service.liveStates([id])).get(id)?.stopped).toEqual({ fcm: 'INVALID_ARGUMENT', apns: 'BadTopic' });
    expect((await service.forDispatch([id])).get(id)?.stopped).toEqual({ fcm: 'INVALID_ARGUMENT', apns: 'BadTopic' });
  });
});
