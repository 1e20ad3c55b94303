import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { Idempotency } from '../../src/notifications/idempotency.js';
import { Producers } from '../../src/queue/producers.js';
import { insertDevices, notificationRequest } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { jobsOn } from '../setup/jobs.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let redis: string;
let api: TestApi;
let db: DataSource;
let tenant: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await testRedisUrl();
  api = await startApi({ database: database.url, redis });
  db = api.app.get<DataSource>(DATA_SOURCE);
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

beforeEach(async () => {
  tenant = await createApplication(api);
  await putWebPush(tenant.id);
});

async function putWebPush(applicationId: string): Promise<void> {
  const path = `/v1/applications/${applicationId}/credentials/webpush`;
  const body = { subject: 'mailto:ops@example.org', generate: true };
  const put = await call(api, 'PUT', path, { key: api.adminKey, body });
  expect(put.status, JSON.stringify(put.body)).toBeLessThan(300);
}

function post(fields: Parameters<typeof notificationRequest>[0] = {}, idempotencyKey?: string): Promise<Answer> {
  return call(api, 'POST', '/v1/notifications', {
    key: tenant.serverKey,
    body: notificationRequest(fields),
    ...(idempotencyKey !== undefined && { headers: { 'idempotency-key': idempotencyKey } }),
  });
}

const stored = (id: string) =>
  db.query(
    `select n.*, (select count(*)::int from dispatch_batch b where b.notification_id = n.id) as batches
     from notification n where id = $1`,
    [id],
  );
const storedCount = async () =>
  (await db.query('select count(*)::int as n from notification where application_id = $1', [tenant.id]))[0].n;

describe('a small audience', () => {
  it('is batched in the same transaction and handed straight to the workers', async () => {
    await insertDevices(db, tenant.id, 3, { userId: 'u-1' });
    await insertDevices(db, tenant.id, 5, { userId: 'someone else' });
    const answer = await post({ audience: { userIds: ['u-1'] } });
    expect(answer).toMatchObject({ status: 202, body: { status: 'sending', lane: 'normal' } });

    const [row] = await stored(answer.body.id);
    expect(row).toMatchObject({ state: 'sending', is_planned: true, planned: 3, batches: 1 });
    const [batch] = await db.query('select * from dispatch_batch where notification_id = $1', [answer.body.id]);
    expect(batch).toMatchObject({ state: 'queued', n: 3, provider: 'webpush', lane: 'normal', result: '000' });
    const jobs = await eventually(async () => {
      const found = await jobsOn(redis, 'dispatch-normal-webpush');
      return found.length > 0 && found;
    });
    expect(jobs).toContainEqual({ batches: [[answer.body.id, batch.batch_no]] });
  });

  it('of a campaign waits for the feeder, which gives every application its share', async () => {
    await insertDevices(db, tenant.id, 3);
    const answer = await post();
    expect(answer.body).toMatchObject({ status: 'sending', lane: 'bulk' });
    const [batch] = await db.query('select state from dispatch_batch where notification_id = $1', [answer.body.id]);
    expect(batch.state).toBe('pending');
  });

  it('that is empty is accepted and plans nothing', async () => {
    const answer = await post({ audience: { userIds: ['nobody'] } });
    expect(answer.status).toBe(202);
    expect((await stored(answer.body.id))[0]).toMatchObject({ is_planned: true, planned: 0, batches: 0 });
  });

  it('of exactly 1,000 devices is batched at once, of 1,001 it is left to a planner', async () => {
    await insertDevices(db, tenant.id, 1_000);
    const small = await post();
    expect(small.body.status).toBe('sending');
    expect((await stored(small.body.id))[0]).toMatchObject({ planned: 1_000, batches: 1 });

    await insertDevices(db, tenant.id, 1);
    const large = await post();
    expect(large.body.status).toBe('planning');
    expect((await stored(large.body.id))[0]).toMatchObject({ state: 'planning', is_planned: false, batches: 0 });
    await eventually(async () => {
      expect(await jobsOn(redis, 'notify')).toContainEqual({ notificationId: large.body.id });
    });
  });
});

describe('a scheduled notification', () => {
  it('has no batches, and is planned at its time and not before', async () => {
    await insertDevices(db, tenant.id, 2);
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const answer = await post({ options: { sendAt, ttlSeconds: 60 } });
    expect(answer.body.status).toBe('scheduled');
    const [row] = await stored(answer.body.id);
    expect(row).toMatchObject({ state: 'scheduled', is_planned: false, batches: 0 });
    expect(row.plan_wake_at.toISOString()).toBe(sendAt);
    expect(row.expires_at.getTime() - row.send_at.getTime()).toBe(60_000);
  });

  it('whose time has passed goes out now', async () => {
    await insertDevices(db, tenant.id, 1);
    expect((await post({ options: { sendAt: '2020-01-01T00:00:00Z' } })).body.status).toBe('sending');
  });

  it('with nobody to send to has ended already', async () => {
    const { id, status } = (await post()).body;
    expect(status).toBe('completed');
    const [row] = await db.query('select state, completed_at, planned from notification where id = $1', [id]);
    expect(row).toMatchObject({ state: 'completed', completed_at: expect.any(Date), planned: 0 });
  });

  it('of the far future is refused', async () => {
    const answer = await post({ options: { sendAt: '2099-01-01T00:00:00Z' } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'options.sendAt' }] } });
  });
});

describe('the content', () => {
  it('is refused while the application has no credential at all', async () => {
    tenant = await createApplication(api);
    expect(await post()).toMatchObject({ status: 422, body: { code: 'no_credentials' } });
    expect(await storedCount()).toBe(0);
  });

  it('is checked against the limits of the provider, and the answer says by how much it is too large', async () => {
    const answer = await post({ content: { title: 'Hello', data: { large: 'x'.repeat(4_096) } } });
    expect(answer).toMatchObject({ status: 422, body: { code: 'message_invalid' } });
    expect(answer.body.errors[0].message).toMatch(/webpush: .*\d+ bytes/);
    expect(await storedCount()).toBe(0);
  });

  it('must not use a data key of ours', async () => {
    const answer = await post({ content: { data: { carillonNotificationId: 'x' } } });
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'content.data.carillonNotificationId' }] },
    });
  });

  it('is refused for overrides of another target, even of a provider without a credential', async () => {
    const answer = await post({ overrides: { fcm: { token: 'other' } } });
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toContain('overrides.fcm');
  });

  it('is refused by the path when a field is wrong, and nothing is stored', async () => {
    const body = { audience: { all: true }, content: { title: 'x', subtitle: 'y' }, option: {} };
    const answer = await call(api, 'POST', '/v1/notifications', { key: tenant.serverKey, body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((problem: { path: string }) => problem.path).sort()).toEqual([
      'content.subtitle',
      'option',
    ]);
    expect(await storedCount()).toBe(0);
  });

  it('is kept as it was sent, whatever the language', async () => {
    const content = { title: '안녕 👋🏽', body: "'); drop table notification; --", data: { k: '"\\\n' } };
    const { body } = await post({ content });
    expect((await call(api, 'GET', `/v1/notifications/${body.id}`, { key: tenant.serverKey })).body.content).toEqual(
      content,
    );
  });
});

describe('a dry run', () => {
  it('counts the devices per provider, stores nothing and uses no idempotency key', async () => {
    await insertDevices(db, tenant.id, 3, { tags: { plan: 'pro' } });
    await insertDevices(db, tenant.id, 2, { provider: 'apns', tags: { plan: 'pro' } });
    await insertDevices(db, tenant.id, 7, { tags: { plan: 'free' } });
    const dryRun = { audience: { tags: { plan: 'pro' } }, options: { dryRun: true } };
    const answer = await post(dryRun, 'key-of-a-dry-run');
    expect(answer).toMatchObject({
      status: 202,
      body: { status: 'completed', dryRun: { devices: { fcm: 0, apns: 2, webpush: 3 } } },
    });
    expect(await storedCount()).toBe(0);
    expect((await post({}, 'key-of-a-dry-run')).status).toBe(202);
  });

  it('is refused like the real thing', async () => {
    const answer = await post({ content: { data: { large: 'x'.repeat(4_096) } }, options: { dryRun: true } });
    expect(answer.body.code).toBe('message_invalid');
  });
});

describe('an idempotency key', () => {
  it('that comes 100 times at once makes one notification and 100 equal answers, one of them the first', async () => {
    await insertDevices(db, tenant.id, 2);
    const answers = await Promise.all(Array.from({ length: 100 }, () => post({}, 'at-once')));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(answers.every((answer) => answer.status === 202)).toBe(true);
    expect(answers.filter((answer) => answer.headers.get('idempotent-replayed') === 'true')).toHaveLength(99);
    expect(await storedCount()).toBe(1);
  });

  it('that comes to two processes at once makes one notification', async () => {
    const other = await startApi({ database: database.url, redis });
    const send = (to: TestApi) =>
      call(to, 'POST', '/v1/notifications', {
        key: tenant.serverKey,
        body: notificationRequest(),
        headers: { 'idempotency-key': 'two-processes' },
      });
    try {
      // Nobody can store a notification until both have seen that the key is new.
      const answers = await db.transaction(async (tx) => {
        await tx.query('lock table notification in share mode');
        const both = Promise.all([send(api), send(other)]);
        await eventually(async () => {
          const [waiting] = await db.query(
            `select count(*)::int as n from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'`,
          );
          expect(waiting.n).toBe(2);
        });
        return { both };
      });
      const [one, two] = await answers.both;
      expect(one.body).toEqual(two.body);
      expect([one, two].filter((answer) => answer.headers.has('idempotent-replayed'))).toHaveLength(1);
      expect(await storedCount()).toBe(1);
    } finally {
      await other.close();
    }
  });

  it('answers the first response whatever has happened since', async () => {
    const first = await post({}, 'later');
    await db.query(`update notification set state = 'cancelled' where id = $1`, [first.body.id]);
    await db.query('delete from credential where application_id = $1', [tenant.id]);
    const again = await post({}, 'later');
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  it('knows a body whatever the order of its fields', async () => {
    const first = await post({ content: { title: 'a', body: 'b' } }, 'order');
    const again = await post({ content: { body: 'b', title: 'a' } }, 'order');
    expect(again.body.id).toBe(first.body.id);
  });

  it('is refused with another body, also while the first is on its way', async () => {
    const answers = await Promise.all([
      post({ content: { title: 'one' } }, 'reused'),
      post({ content: { title: 'two' } }, 'reused'),
    ]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([202, 422]);
    expect(answers.find((answer) => answer.status === 422)?.body.code).toBe('idempotency_key_reused');
  });

  it('is not used up by a request that was refused', async () => {
    const bad = { content: { data: { carillonNotificationId: 'x' } } };
    const answers = await Promise.all([post(bad, 'retry'), post(bad, 'retry'), post(bad, 'retry')]);
    expect(answers.map((answer) => answer.status)).toEqual([422, 422, 422]);
    expect((await post({}, 'retry')).status).toBe(202);
  });

  it('belongs to one application', async () => {
    const first = await post({}, 'shared');
    tenant = await createApplication(api);
    await putWebPush(tenant.id);
    const other = await post({}, 'shared');
    expect(other.body.id).not.toBe(first.body.id);
    expect(other.headers.has('idempotent-replayed')).toBe(false);
  });

  it('answers 409 and when to come back while another process holds it for too long', async () => {
    await db.transaction(async (tx) => {
      await tx.query(
        `insert into idempotency_key (application_id, key, request_hash, response) values ($1, 'held', '\\x00', '{}')`,
        [tenant.id],
      );
      const answer = await post({}, 'held');
      expect(answer).toMatchObject({ status: 409, body: { code: 'idempotency_in_flight' } });
      expect(answer.headers.get('retry-after')).toBe('1');
      await tx.query('delete from idempotency_key where application_id = $1', [tenant.id]);
    });
    expect((await post({}, 'held')).status).toBe(202);
  });

  it('is forgotten after 72 hours, swept up or not', async () => {
    const first = await post({}, 'old');
    const age = (hours: number) =>
      db.query(
        `update idempotency_key set created_at = carillon_now() - make_interval(hours => $2) where application_id = $1`,
        [tenant.id, hours],
      );
    await age(71);
    expect((await post({}, 'old')).body.id).toBe(first.body.id);
    await age(73);
    const second = await post({ content: { title: 'another body' } }, 'old');
    expect(second.status).toBe(202);
    expect(second.body.id).not.toBe(first.body.id);

    await age(73);
    await post({}, 'young');
    expect(await api.app.get(Idempotency).purge()).toBeGreaterThan(0);
    const left = await db.query('select key from idempotency_key where application_id = $1', [tenant.id]);
    expect(left).toEqual([{ key: 'young' }]);
  });
});

it('accepts while Redis is away, and leaves the rest to feeder and sweep', async () => {
  await insertDevices(db, tenant.id, 1, { userId: 'u-1' });
  const deaf = await startApi({ database: database.url, redis: 'redis://127.0.0.1:1/0' });
  try {
    const answer = await call(deaf, 'POST', '/v1/notifications', {
      key: tenant.serverKey,
      body: notificationRequest({ audience: { userIds: ['u-1'] } }),
    });
    expect(answer.status).toBe(202);
    await expect(deaf.app.get(Producers).notify(answer.body.id)).rejects.toThrow();
    const [batch] = await db.query(
      `select state, queued_until - carillon_now() <= interval '300 ms' as soon from dispatch_batch where notification_id = $1`,
      [answer.body.id],
    );
    expect(batch).toEqual({ state: 'queued', soon: true });
  } finally {
    await deaf.close();
  }
});

it('is for server keys and, with the application named, for admin keys', async () => {
  const body = notificationRequest();
  expect((await call(api, 'POST', '/v1/notifications', { key: tenant.clientKey, body })).status).toBe(403);
  const byAdmin = await call(api, 'POST', `/v1/notifications?applicationId=${tenant.id}`, { key: api.adminKey, body });
  expect(byAdmin.status).toBe(202);
});

it('shows in a preview the exact request for each provider, and stores nothing', async () => {
  const preview = (body: object) => call(api, 'POST', '/v1/notifications/preview', { key: tenant.serverKey, body });
  const shown = await preview({ content: { title: 'Hello' }, options: { ttlSeconds: 60 } });
  expect(shown.status).toBe(200);
  expect(Object.keys(shown.body)).toEqual(['webpush']);
  expect(shown.body.webpush).toMatchObject({ method: 'POST', payloadBytes: expect.any(Number) });
  expect(JSON.stringify(shown.body.webpush.body)).toContain('Hello');
  expect(await preview({ content: { data: { carillonNotificationId: 'x' } } })).toMatchObject({ status: 422 });
  expect(await storedCount()).toBe(0);
});
