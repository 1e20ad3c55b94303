import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { LiveService } from '../../src/notifications/live.service.js';
import { claimBatch } from '../factories/batch.js';
import { finishBatch, insertDevices, notificationRequest } from '../factories/notification.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { acknowledge, blockedBackend, moveClock } from '../setup/live.js';
import { tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';
import { ask, closeClients, connect } from '../setup/socket.js';

const UNKNOWN = '0195512f-8c00-7000-8000-000000000001';
const DAY_SECONDS = 86_400;

let database: TestDatabase;
let api: TestApi;
let db: DataSource;
let tenant: Awaited<ReturnType<typeof createApplication>>;
let token: string;

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
  const path = `/v1/applications/${tenant.id}/credentials/webpush`;
  await call(api, 'PUT', path, { key: api.adminKey, body: { subject: 'mailto:ops@example.org', generate: true } });
  token = await tokenOf('u-1');
});

afterEach(async () => {
  closeClients();
  await moveClock(db, 0);
});

async function tokenOf(userId: string, channels: string[] = []): Promise<string> {
  return (await tokenFor(api, tenant.serverKey, { userId, channels })).token;
}

async function send(fields: Parameters<typeof notificationRequest>[0] = {}): Promise<string> {
  const body = notificationRequest({ audience: { userIds: ['u-1'] }, ...fields });
  const answer = await call(api, 'POST', '/v1/notifications', { key: tenant.serverKey, body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return answer.body.id;
}

const first = { realtime: 'first', realtimeWaitSeconds: 60 } as const;
const get = async (path: string) => (await call(api, 'GET', path, { key: tenant.serverKey })).body;
const view = (id: string) => get(`/v1/notifications/${id}`);
const batchesOf = (id: string): Promise<{ batch_no: number; state: string; result: string; wait: number }[]> =>
  db.query(
    `select batch_no, state, result, extract(epoch from not_before - carillon_now())::float8 as wait
     from dispatch_batch where notification_id = $1`,
    [id],
  );
const answerOf = (notificationId: string, suppressed: boolean) => ({
  status: 200,
  body: { suppressed, items: [{ notificationId, acknowledged: true, suppressed }] },
});

/** The only batch of a notification that waits, and is due now. */
async function dueBatch(id: string): Promise<number> {
  await db.query('update dispatch_batch set not_before = carillon_now() where notification_id = $1', [id]);
  return (await batchesOf(id))[0]?.batch_no ?? 0;
}

describe('a push that waits', () => {
  it('ends for each user who acknowledges, and the log says why', async () => {
    await insertDevices(db, tenant.id, 2, { userId: 'u-1' });
    await insertDevices(db, tenant.id, 1, { userId: 'u-2' });
    const id = await send({ audience: { userIds: ['u-1', 'u-2'] }, options: first });
    const [batch] = await batchesOf(id);
    expect(batch).toMatchObject({ state: 'pending', result: '000' });
    expect(batch?.wait).toBeGreaterThan(55);
    expect(await view(id)).toMatchObject({ status: 'sending', counts: { planned: 3, pending: 3, live: 0 } });

    expect(await acknowledge(api, token, { notificationId: id })).toMatchObject(answerOf(id, true));
    expect(await view(id)).toMatchObject({ counts: { pending: 1, suppressed: 2, live: 1 } });
    expect(await batchesOf(id)).toMatchObject([{ state: 'pending', result: '660' }]);
    const { items } = await get(`/v1/notifications/${id}/deliveries?status=suppressed`);
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({
      userId: 'u-1',
      status: 'suppressed',
      attempts: [{ number: 0, outcome: null, code: 'acknowledged_live' }],
      nextAttemptAt: null,
    });

    // Another screen of the same user says the same.
    expect(await acknowledge(api, token, { notificationId: id })).toMatchObject(answerOf(id, true));
    expect(await acknowledge(api, await tokenOf('u-2'), { notificationIds: [id] })).toMatchObject(answerOf(id, true));
    expect(await view(id)).toMatchObject({ counts: { pending: 0, suppressed: 3, live: 2 } });
    expect(await batchesOf(id)).toMatchObject([{ state: 'done', result: '666' }]);
  });

  it('that a worker has claimed goes out, and the answer says so', async () => {
    await insertDevices(db, tenant.id, 1, { userId: 'u-1' });
    const id = await send({ options: first });
    await claimBatch(db, id, await dueBatch(id));
    expect(await acknowledge(api, token, { notificationId: id })).toMatchObject(answerOf(id, false));
    expect(await view(id)).toMatchObject({ counts: { pending: 1, suppressed: 0, live: 1 } });
  });

  it('is decided by who comes first when a claim is under way', async () => {
    await insertDevices(db, tenant.id, 1, { userId: 'u-1' });
    const id = await send({ options: first });
    await dueBatch(id);
    const worker = db.createQueryRunner();
    await worker.startTransaction();
    await worker.query(
      `update dispatch_batch set state = 'leased', epoch = epoch + 1, lease_until = carillon_now() + interval '20 seconds'
       where notification_id = $1`,
      [id],
    );
    const answer = acknowledge(api, token, { notificationId: id });
    await blockedBackend(db, 'dispatch_batch');
    await worker.commitTransaction();
    await worker.release();
    expect(await answer).toMatchObject(answerOf(id, false));
    expect(await batchesOf(id)).toMatchObject([{ state: 'leased', result: '0' }]);
  });

  it('loses no acknowledgement where many users share a batch', async () => {
    const userIds = Array.from({ length: 40 }, (_, i) => `v-${i}`);
    for (const userId of userIds) await insertDevices(db, tenant.id, 1, { userId });
    const id = await send({ audience: { userIds }, options: first });
    const tokens = await Promise.all(userIds.slice(0, 30).map((userId) => tokenOf(userId)));
    const answers = await Promise.all(tokens.map((one) => acknowledge(api, one, { notificationId: id })));
    expect(answers.every(({ body }) => body.suppressed)).toBe(true);
    expect(await view(id)).toMatchObject({ counts: { planned: 40, pending: 10, suppressed: 30, live: 30 } });
  });

  it('ends once when several screens of a user say so at once', async () => {
    await insertDevices(db, tenant.id, 2, { userId: 'u-1' });
    const id = await send({ options: first });
    const holder = db.createQueryRunner();
    await holder.startTransaction();
    await holder.query('select 1 from dispatch_batch where notification_id = $1 for update', [id]);
    const asked = Array.from({ length: 3 }, () => acknowledge(api, token, { notificationId: id }));
    const blocked = `select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and position('dispatch_batch' in query) > 0`;
    await eventually(async () => (await db.query(blocked))[0].n === asked.length);
    await holder.rollbackTransaction();
    await holder.release();
    const answers = await Promise.all(asked);
    for (const answer of answers) expect(answer).toMatchObject(answerOf(id, true));
    const { items } = await get(`/v1/notifications/${id}/deliveries`);
    expect(items.map(({ attempts }: { attempts: unknown[] }) => attempts.length)).toEqual([1, 1]);
    expect(await view(id)).toMatchObject({ counts: { suppressed: 2, live: 1 } });
  });

  it('that waits for a retry is not tried again', async () => {
    await insertDevices(db, tenant.id, 1, { userId: 'u-1' });
    const id = await send({ options: first });
    await finishBatch(db, id, await dueBatch(id), '3');
    expect(await acknowledge(api, token, { notificationId: id })).toMatchObject(answerOf(id, true));
    expect(await view(id)).toMatchObject({ counts: { planned: 1, pending: 0, suppressed: 1, retried: 1 } });
  });

  it('is known to be wanted before it is planned', async () => {
    await insertDevices(db, tenant.id, 1_001, { userId: 'u-1' });
    const id = await send({ options: first });
    expect(await view(id)).toMatchObject({ status: 'planning', counts: { planned: 0 } });
    expect(await acknowledge(api, token, { notificationId: id })).toMatchObject(answerOf(id, true));
  });
});

describe('an acknowledgement', () => {
  it('counts for any mode, once for each user, and suppresses nothing else', async () => {
    await insertDevices(db, tenant.id, 1, { userId: 'u-1' });
    const also = await send();
    const only = await send({ options: { realtime: 'only' } });
    for (const id of [also, only, also]) {
      expect(await acknowledge(api, token, { notificationId: id })).toMatchObject(answerOf(id, false));
    }
    expect(await view(also)).toMatchObject({ counts: { planned: 1, suppressed: 0, live: 1 } });
    expect(await view(only)).toMatchObject({ status: 'completed', counts: { planned: 0, live: 1 } });
  });

  it('may name several, and says which of them were for this user', async () => {
    const ids = [await send({ options: first }), await send(), UNKNOWN];
    const { status, body } = await acknowledge(api, token, { notificationIds: [...ids, ids[0]] });
    expect(status).toBe(200);
    expect(body).toEqual({
      suppressed: false,
      items: [
        { notificationId: ids[0], acknowledged: true, suppressed: true },
        { notificationId: ids[1], acknowledged: true, suppressed: false },
        { notificationId: UNKNOWN, acknowledged: false, suppressed: false },
      ],
    });
  });

  it('of a broadcast is for who may follow its channel', async () => {
    const topic = await send({ audience: { topics: ['news', 'sport'] }, options: { realtime: 'also' } });
    const everybody = await send({ audience: { all: true }, options: { realtime: 'also' } });
    const reader = await tokenOf('u-2', ['topic:sport']);
    expect(await acknowledge(api, reader, { notificationId: topic })).toMatchObject(answerOf(topic, false));
    expect((await acknowledge(api, reader, { notificationId: everybody })).status).toBe(404);
    const listener = await tokenOf('u-3', ['broadcast:*']);
    expect(await acknowledge(api, listener, { notificationId: everybody })).toMatchObject(answerOf(everybody, false));
    expect((await view(everybody)).counts.live).toBe(1);
  });

  it('of what is not for this user is refused', async () => {
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const ids = [
      UNKNOWN,
      await send({ audience: { userIds: ['u-2'] } }),
      await send({ options: { realtime: 'never' } }),
      await send({ options: { sendAt: later } }),
      await send({ audience: { all: true } }),
    ];
    for (const notificationId of ids) {
      const answer = await acknowledge(api, token, { notificationId });
      expect(answer).toMatchObject({ status: 404, body: { code: 'notification_not_found' } });
    }
    tenant = await createApplication(api);
    const stranger = await tokenOf('u-2');
    expect((await acknowledge(api, stranger, { notificationId: ids[1] })).status).toBe(404);
  });

  it.each([
    [{}, ''],
    [{ notificationId: UNKNOWN, notificationIds: [UNKNOWN] }, ''],
    [{ notificationId: 'x' }, 'notificationId'],
    [{ notificationIds: [] }, 'notificationIds'],
    [{ notificationIds: Array.from({ length: 101 }, () => UNKNOWN) }, 'notificationIds'],
    [{ id: UNKNOWN }, 'id'],
  ])('that is malformed is refused by its path (%#)', async (body, path) => {
    const answer = await acknowledge(api, token, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(answer.body.errors.map((problem: { path: string }) => problem.path)).toContain(path);
  });

  it('needs a realtime token that is in force', async () => {
    const id = await send();
    expect((await acknowledge(api, tenant.serverKey, { notificationId: id })).status).toBe(401);
    await call(api, 'DELETE', '/v1/realtime/tokens', { key: tenant.serverKey, body: { userId: 'u-1' } });
    const answer = await acknowledge(api, token, { notificationId: id });
    expect(answer).toMatchObject({ status: 401, body: { code: 'realtime_token_revoked' } });
  });

  it('may come over Socket.IO', async () => {
    const id = await send({ options: first });
    const client = await connect(api, { token });
    expect(await ask(client, 'acknowledge', { notificationId: id })).toMatchObject({
      ok: true,
      ...answerOf(id, true).body,
    });
    expect(await ask(client, 'acknowledge', { notificationId: UNKNOWN })).toMatchObject({
      error: { code: 'notification_not_found' },
    });
    expect(await ask(client, 'acknowledge', {})).toMatchObject({ error: { code: 'invalid_request' } });
  });

  it('is forgotten with its user, and when its notification is', async () => {
    const id = await send({ audience: { userIds: ['u-1', 'u-2'] } });
    await acknowledge(api, token, { notificationId: id });
    await acknowledge(api, await tokenOf('u-2'), { notificationId: id });
    await call(api, 'DELETE', '/v1/users/u-1', { key: tenant.serverKey });
    expect((await view(id)).counts.live).toBe(1);
    const live = api.app.get(LiveService);
    await live.purge(35);
    expect((await view(id)).counts.live).toBe(1);
    await moveClock(db, 36 * DAY_SECONDS);
    await live.purge(35);
    expect((await view(id)).counts.live).toBe(0);
  });
});
