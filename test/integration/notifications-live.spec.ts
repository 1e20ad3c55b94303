import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { notificationRequest, storeNotification } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { blockedBackend, messagesOf, moveClock, notificationIds, owed } from '../setup/live.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';

const HOUR_SECONDS = 3_600;

let database: TestDatabase;
/** Two nodes that both deliver. */
let nodes: [TestApi, TestApi];
let api: TestApi;
let db: DataSource;
let tenant: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  const options = { database: database.url, redis: await testRedisUrl() };
  nodes = [await startApi(options), await startApi(options)];
  api = nodes[0];
  db = api.app.get<DataSource>(DATA_SOURCE);
});

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.close()));
  await database?.drop();
});

beforeEach(async () => {
  tenant = await createApplication(api);
  const path = `/v1/applications/${tenant.id}/credentials/webpush`;
  await call(api, 'PUT', path, { key: api.adminKey, body: { subject: 'mailto:ops@example.org', generate: true } });
  await tokenFor(api, tenant.serverKey);
});

afterEach(() => moveClock(db, 0));

function post(fields: Parameters<typeof notificationRequest>[0] = {}, node = api): Promise<Answer> {
  return call(node, 'POST', '/v1/notifications', { key: tenant.serverKey, body: notificationRequest(fields) });
}

/** Accepted; its id. */
async function send(fields: Parameters<typeof notificationRequest>[0] = {}, node = api): Promise<string> {
  const { status, body } = await post(fields, node);
  expect(status, JSON.stringify(body)).toBe(202);
  return body.id;
}

async function read(channel: string, userId = 'u-1') {
  return messagesOf(api, (await tokenFor(api, tenant.serverKey, { userId })).token, channel);
}

const inbox = (userId: string) => read(`user:${userId}`, userId);
const act = (id: string, verb: string) =>
  call(api, 'POST', `/v1/notifications/${id}/${verb}`, { key: tenant.serverKey });
const inAnHour = () => new Date(Date.now() + HOUR_SECONDS * 1_000).toISOString();

async function untilNothingIsOwed(): Promise<void> {
  await eventually(async () => (await owed(db, tenant.id)) === 0);
}

describe('a notification to users', () => {
  it('reaches the screens that are open, with all that it says, and waits in the inboxes of the others', async () => {
    const { token } = await tokenFor(api, tenant.serverKey, { userId: 'u-1' });
    const screen = await SseClient.open(nodes[1], 'channels=user:u-1', { token });
    await eventually(() => screen.lastEventId !== '');
    const content = { title: 'Hello', body: '"quoted" \\ ü', imageUrl: 'https://example.org/i.png', data: { k: 'v' } };
    const options = { collapseKey: 'c', ttlSeconds: 60 };
    const id = await send({ audience: { userIds: ['u-1', 'u-2'] }, content, options });
    await eventually(() => screen.messages.length === 1);
    const message = screen.messages[0]?.data;
    const data = { notificationId: id, ...content, tag: 'c', expiresAt: expect.any(String) };
    expect(message).toMatchObject({ channel: 'user:u-1', event: 'notification', data });
    expect(Object.keys(message.data)).toHaveLength(Object.keys(data).length);
    screen.close();
    expect(await inbox('u-2')).toMatchObject([{ event: 'notification', data }]);

    const [row] = await db.query(
      `select count(*)::int as n, bool_and(m.expires_at = n.expires_at) as ends_with_it
       from realtime_inbox_message m, notification n where m.application_id = n.application_id and n.id = $1`,
      [id],
    );
    expect(row).toEqual({ n: 2, ends_with_it: true });
    await moveClock(db, 61);
    expect(await inbox('u-2')).toEqual([]);
  });

  it('goes to each inbox once and in order, however many come at once and whoever delivers', async () => {
    const published = Array.from({ length: 20 }, (_, n) => publish(api, tenant.serverKey, 'user:u-1', { n }));
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, i) => send({ audience: { userIds: ['u-1', `v-${i}`] } }, nodes[i % 2])),
    );
    await Promise.all(published);
    await untilNothingIsOwed();
    const messages = await inbox('u-1');
    const notified = messages.filter(({ event }) => event === 'notification');
    expect(notificationIds(notified).toSorted()).toEqual(ids.toSorted());
    expect(messages.map(({ id }) => Number(id.split('-')[1]))).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
    for (const i of [0, 59]) expect(notificationIds(await inbox(`v-${i}`))).toEqual([ids[i]]);
  });

  it('reaches a thousand of them at once, in whatever order they are named', async () => {
    const userIds = Array.from({ length: 1_000 }, (_, i) => `w-${i}`);
    const orders = [userIds, userIds.toReversed(), userIds, userIds.toReversed()];
    const ids = await Promise.all(orders.map((order, i) => send({ audience: { userIds: order } }, nodes[i % 2])));
    await untilNothingIsOwed();
    const rows = await db.query(
      'select count(*)::int as n, count(distinct user_id)::int as users from realtime_inbox_message where application_id = $1',
      [tenant.id],
    );
    expect(rows).toEqual([{ n: 4_000, users: 1_000 }]);
    expect(notificationIds(await inbox('w-999')).toSorted()).toEqual(ids.toSorted());
  });

  it('is delivered once, and not lost, when whoever delivers it dies in the middle', async () => {
    await send({ audience: { userIds: ['u-1'] } });
    await untilNothingIsOwed();
    const holder = db.createQueryRunner();
    await holder.startTransaction();
    await holder.query('select 1 from realtime_inbox where application_id = $1 for update', [tenant.id]);
    const id = await send({ audience: { userIds: ['u-1', 'u-2'] } });
    const pid = await blockedBackend(db, 'live_notice');
    await db.query('select pg_terminate_backend($1)', [pid]);
    // Another one is at it already, and waits as the first one did: nothing of what that had done is there.
    await eventually(async () => (await blockedBackend(db, 'live_notice')) !== pid);
    expect(await owed(db, tenant.id)).toBe(1);
    expect(await inbox('u-2')).toEqual([]);
    await holder.rollbackTransaction();
    await holder.release();
    await untilNothingIsOwed();
    expect(notificationIds(await inbox('u-1')).slice(1)).toEqual([id]);
    expect(notificationIds(await inbox('u-2'))).toEqual([id]);
  });

  it('is delivered when nobody was told of it, and short lists do not stand behind long ones', async () => {
    const long = { audience: { userIds: Array.from({ length: 900 }, (_, i) => `x-${i}`) } };
    const holder = db.createQueryRunner();
    await holder.startTransaction();
    await holder.query(`insert into realtime_inbox (application_id, user_id, epoch) values ($1, 'x-0', 'e')`, [
      tenant.id,
    ]);
    for (let i = 0; i < 3; i += 1) await storeNotification(db, tenant.id, long);
    await blockedBackend(db, 'live_notice');
    const { id } = await storeNotification(db, tenant.id, { audience: { userIds: ['u-1'] } });
    await eventually(async () => expect(notificationIds(await inbox('u-1'))).toEqual([id]));
    expect(await owed(db, tenant.id)).toBe(3);
    await holder.rollbackTransaction();
    await holder.release();
    await untilNothingIsOwed();
    expect(await inbox('x-899')).toHaveLength(3);
  });

  it('leaves out those that no channel can be named after, and pushes to them all the same', async () => {
    const id = await send({ audience: { userIds: ['not a name', 'x'.repeat(124), 'u-1'] } });
    await untilNothingIsOwed();
    const rows = await db.query('select user_id from realtime_inbox_message where application_id = $1', [tenant.id]);
    expect(rows).toEqual([{ user_id: 'u-1' }]);
    expect((await call(api, 'GET', `/v1/notifications/${id}`, { key: tenant.serverKey })).body.status).toBe(
      'completed',
    );
  });

  it('goes to no screen with never', async () => {
    await send({ audience: { userIds: ['u-1'] }, options: { realtime: 'never' } });
    const marker = await send({ audience: { userIds: ['u-1'] } });
    await untilNothingIsOwed();
    expect(notificationIds(await inbox('u-1'))).toEqual([marker]);
  });
});

it('goes to no screen by default until the application has issued its first token', async () => {
  tenant = await createApplication(api);
  const path = `/v1/applications/${tenant.id}/credentials/webpush`;
  await call(api, 'PUT', path, { key: api.adminKey, body: { subject: 'mailto:ops@example.org', generate: true } });
  const modeOf = async (id: string) =>
    (await call(api, 'GET', `/v1/notifications/${id}`, { key: tenant.serverKey })).body.options.realtime;
  expect(await modeOf(await send({ audience: { userIds: ['u-1'] } }))).toBe('never');
  const asked = await send({ audience: { userIds: ['u-1'] }, options: { realtime: 'also' } });
  await untilNothingIsOwed();
  expect(notificationIds(await inbox('u-1'))).toEqual([asked]);
  const byDefault = await send({ audience: { userIds: ['u-1'] } }, nodes[1]);
  expect(await modeOf(byDefault)).toBe('also');
  await untilNothingIsOwed();
  expect(notificationIds(await inbox('u-1'))).toEqual([asked, byDefault]);
});

describe('a notification for later', () => {
  it('is delivered at its time; not when it was cancelled, and after a pause when it is resumed', async () => {
    const later = () => send({ audience: { userIds: ['u-1'] }, options: { sendAt: inAnHour() } });
    const [cancelled, paused, marker] = [await later(), await later(), await later()];
    expect((await act(cancelled, 'cancel')).status).toBe(200);
    expect((await act(paused, 'pause')).status).toBe(200);
    expect(await owed(db, tenant.id)).toBe(2);
    expect(await inbox('u-1')).toEqual([]);
    await moveClock(db, HOUR_SECONDS);
    await eventually(async () => (await owed(db, tenant.id)) === 1);
    expect(notificationIds(await inbox('u-1'))).toEqual([marker]);
    await act(paused, 'resume');
    await untilNothingIsOwed();
    expect(notificationIds(await inbox('u-1'))).toEqual([marker, paused]);
  });

  it('reaches nobody who was forgotten meanwhile', async () => {
    await send({ audience: { userIds: ['u-1', 'u-2'] }, options: { sendAt: inAnHour() } });
    await call(api, 'DELETE', '/v1/users/u-1', { key: tenant.serverKey });
    await moveClock(db, HOUR_SECONDS);
    await untilNothingIsOwed();
    expect(await inbox('u-1')).toEqual([]);
    expect(await inbox('u-2')).toHaveLength(1);
  });

  it('that was paused beyond its TTL is dropped', async () => {
    const id = await send({ audience: { userIds: ['u-1'] }, options: { sendAt: inAnHour(), ttlSeconds: 60 } });
    await act(id, 'pause');
    await moveClock(db, HOUR_SECONDS + 61);
    await untilNothingIsOwed();
    expect(await inbox('u-1')).toEqual([]);
  });
});

describe('a notification to many', () => {
  const inboxes = async () =>
    (await db.query('select count(*)::int as n from realtime_inbox where application_id = $1', [tenant.id]))[0].n;

  it('is one message in the channel of each topic', async () => {
    const topics = ['news', 'sport', 'no~channel'];
    const id = await send({ audience: { topics }, options: { realtime: 'also' } });
    await untilNothingIsOwed();
    for (const topic of ['news', 'sport']) {
      expect(await read(`topic:${topic}`)).toMatchObject([{ event: 'notification', data: { notificationId: id } }]);
    }
    expect(await inboxes()).toBe(0);
  });

  it('is one message in broadcast:all, also when it is told twice', async () => {
    const id = await send({ options: { realtime: 'only' } });
    await untilNothingIsOwed();
    await db.query(
      `insert into live_notice (notification_id, application_id, kind, names, message, due_at, expires_at)
       select id, application_id, 'all', '{}', '{"notificationId":"again"}', send_at, expires_at from notification where id = $1`,
      [id],
    );
    await untilNothingIsOwed();
    expect(notificationIds(await read('broadcast:all'))).toEqual([id]);
    expect(await inboxes()).toBe(0);
  });

  it('goes to no screen unless asked to', async () => {
    await send();
    await send({ audience: { topics: ['quiet'] } });
    const marker = await send({ options: { realtime: 'also' } });
    await untilNothingIsOwed();
    expect(notificationIds(await read('broadcast:all'))).toEqual([marker]);
    expect(await read('topic:quiet')).toEqual([]);
  });
});

describe('a notification to screens only', () => {
  it('needs no credential, plans nothing and is complete', async () => {
    tenant = await createApplication(api);
    const id = await send({ audience: { userIds: ['u-1'] }, options: { realtime: 'only' } });
    const { body } = await call(api, 'GET', `/v1/notifications/${id}`, { key: tenant.serverKey });
    expect(body).toMatchObject({
      status: 'completed',
      progress: 1,
      options: { realtime: 'only' },
      counts: { planned: 0, pending: 0, suppressed: 0, live: 0 },
    });
    await untilNothingIsOwed();
    expect(notificationIds(await inbox('u-1'))).toEqual([id]);
  });

  it('may be tried, and must fit into a message', async () => {
    const options = { realtime: 'only', dryRun: true } as const;
    const dry = await post({ audience: { userIds: ['u-1'] }, options });
    expect(dry).toMatchObject({ status: 202, body: { dryRun: { devices: { webpush: 0 }, providers: {} } } });
    const data = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, 'x'.repeat(4_000)]));
    const large = await post({ audience: { userIds: ['u-1'] }, content: { data }, options: { realtime: 'only' } });
    expect(large).toMatchObject({ status: 422, body: { code: 'message_invalid', errors: [{ path: 'content' }] } });
    expect(await owed(db, tenant.id)).toBe(0);
  });
});

describe('a wish that cannot be met', () => {
  it.each([
    [{ topics: ['news'] }, { realtime: 'first' }, 'options.realtime'],
    [{ all: true }, { realtime: 'first' }, 'options.realtime'],
    [{ tags: { plan: 'pro' } }, { realtime: 'also' }, 'options.realtime'],
    [{ deviceIds: [crypto.randomUUID()] }, { realtime: 'only' }, 'options.realtime'],
    [{ userIds: ['u-1'] }, { realtime: 'sometimes' }, 'options.realtime'],
    [{ userIds: ['u-1'] }, { realtime: 'first', realtimeWaitSeconds: 0 }, 'options.realtimeWaitSeconds'],
    [{ userIds: ['u-1'] }, { realtime: 'first', realtimeWaitSeconds: 61 }, 'options.realtimeWaitSeconds'],
    [{ userIds: ['u-1'] }, { realtimeWaitSeconds: 5 }, 'options.realtimeWaitSeconds'],
  ])('%j with %j is refused by its path', async (audience, options, path) => {
    const body = { audience, content: { title: 'Hello' }, options };
    const answer = await call(api, 'POST', '/v1/notifications', { key: tenant.serverKey, body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ path }] } });
  });

  it('does not matter for a preview', async () => {
    const body = { content: { title: 'Hello' }, options: { realtime: 'first' } };
    const answer = await call(api, 'POST', '/v1/notifications/preview', { key: tenant.serverKey, body });
    expect(answer).toMatchObject({ status: 200, body: { webpush: { method: 'POST' } } });
  });
});
