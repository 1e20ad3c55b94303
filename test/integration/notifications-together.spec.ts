import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import type { DispatchJob } from '../../src/queue/queues.js';
import { insertDevices, notificationRequest } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { jobsOn } from '../setup/jobs.js';
import { testRedisUrl } from '../setup/redis.js';

type Tenant = Awaited<ReturnType<typeof createApplication>>;

let database: TestDatabase;
let redis: string;
let api: TestApi;
let db: DataSource;

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

async function newTenant(): Promise<Tenant> {
  const tenant = await createApplication(api);
  const path = `/v1/applications/${tenant.id}/credentials/webpush`;
  const body = { subject: 'mailto:ops@example.org', generate: true };
  expect((await call(api, 'PUT', path, { key: api.adminKey, body })).status).toBe(200);
  return tenant;
}

function post(tenant: Tenant, fields: Parameters<typeof notificationRequest>[0], key?: string): Promise<Answer> {
  return call(api, 'POST', '/v1/notifications', {
    key: tenant.serverKey,
    body: notificationRequest(fields),
    ...(key !== undefined && { headers: { 'idempotency-key': key } }),
  });
}

/** Internal ids of the devices in a notification's batches. */
async function recipients(notificationId: string): Promise<number[]> {
  const rows: { ids: number[] }[] = await db.query(
    'select array(select unnest(device_ids) from dispatch_batch where notification_id = $1 order by 1)::text[]::int[] as ids',
    [notificationId],
  );
  return rows[0]?.ids ?? [];
}

async function internalIds(publicIds: readonly string[]): Promise<number[]> {
  const rows: { id: number }[] = await db.query('select id from device where public_id = any($1::uuid[]) order by id', [
    publicIds,
  ]);
  return rows.map(({ id }) => id);
}

/** Sends while nobody can read devices, so that all requests but the first wait for the same look, and then share it. */
async function together<T>(send: () => Promise<T>[]): Promise<T[]> {
  const sent = await db.transaction(async (tx) => {
    await tx.query('lock table idempotency_key in access exclusive mode');
    const answers = Promise.all(send());
    await eventually(async () => {
      const rows = await db.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      expect(rows).toHaveLength(1);
    });
    return { answers };
  });
  return sent.answers;
}

describe('requests that come at the same time', () => {
  it('of two tenants with the same user and the same key reach their own devices alone', async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    const mine = await insertDevices(db, one.id, 2, { userId: 'u-1' });
    const theirs = await insertDevices(db, other.id, 3, { userId: 'u-1' });
    const answers = await together(() =>
      Array.from({ length: 20 }, (_, i) => [
        post(one, { audience: { userIds: ['u-1'] } }, `same-${i}`),
        post(other, { audience: { userIds: ['u-1'] } }, `same-${i}`),
      ]).flat(),
    );
    expect(answers.every(({ status, headers }) => status === 202 && !headers.has('idempotent-replayed'))).toBe(true);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(40);
    const [ofOne, ofOther] = [await internalIds(mine), await internalIds(theirs)];
    for (const [i, { body }] of answers.entries()) {
      expect(await recipients(body.id)).toEqual(i % 2 === 0 ? ofOne : ofOther);
    }
  });

  it('cannot name the devices of another tenant', async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    const [mine = ''] = await insertDevices(db, one.id, 1);
    const theirs = await insertDevices(db, other.id, 2);
    const deviceIds = [mine, ...theirs];
    const answers = await together(() => [one, other, one].map((tenant) => post(tenant, { audience: { deviceIds } })));
    const reached = await Promise.all(answers.map(({ body }) => recipients(body.id)));
    expect(reached).toEqual([await internalIds([mine]), await internalIds(theirs), await internalIds([mine])]);
  });

  it('each get the audience and the answer they asked for, whatever it is', async () => {
    const tenant = await newTenant();
    const user = await insertDevices(db, tenant.id, 2, { userId: 'u-1', topic: 'news', tags: { plan: 'pro' } });
    const another = await insertDevices(db, tenant.id, 1, { userId: 'u-2', provider: 'apns' });
    await db.query(`update device set status = 'invalid' where public_id = $1`, [
      (await insertDevices(db, tenant.id, 1, { userId: 'u-1' }))[0],
    ]);
    const cases: [Parameters<typeof notificationRequest>[0], string, readonly string[]][] = [
      [{ audience: { userIds: ['u-1'] } }, 'sending', user],
      [{ audience: { userIds: ['u-1', 'u-2'] } }, 'sending', [...user, ...another]],
      [{ audience: { userIds: ['nobody'] } }, 'completed', []],
      [{ audience: { userIds: Array.from({ length: 30 }, (_, i) => `u-${i}`) } }, 'sending', [...user, ...another]],
      [{ audience: { deviceIds: another } }, 'sending', another],
      [{ audience: { topics: ['news'] } }, 'sending', user],
      [{ audience: { tags: { plan: 'pro' } } }, 'sending', user],
      [{ audience: { all: true } }, 'sending', [...user, ...another]],
      [{ audience: { userIds: ['u-2'] }, options: { sendAt: '2020-01-01T00:00:00Z' } }, 'sending', another],
      [{ audience: { userIds: ['u-2'] }, options: { sendAt: inAnHour() } }, 'scheduled', []],
    ];
    const answers = await together(() => cases.map(([fields], i) => post(tenant, fields, `each-${i}`)));
    for (const [i, [fields, status, devices]] of cases.entries()) {
      const what = JSON.stringify(fields);
      expect(answers[i]?.body.status, what).toBe(status);
      expect(await recipients(answers[i]?.body.id), what).toEqual(await internalIds(devices));
    }
  });

  it('are handed to the workers, each batch once, in fewer jobs than there are requests', async () => {
    const tenant = await newTenant();
    await insertDevices(db, tenant.id, 1, { userId: 'u-1', provider: 'apns' });
    const answers = await together(() =>
      Array.from({ length: 50 }, () => post(tenant, { audience: { userIds: ['u-1'] }, options: { lane: 'critical' } })),
    );
    const jobs = await eventually(async () => {
      const found = (await jobsOn(redis, 'dispatch-critical-apns')) as DispatchJob[];
      expect(found.flatMap(({ batches }) => batches)).toHaveLength(50);
      return found;
    });
    expect(jobs.length).toBeLessThan(25);
    const ids = jobs.flatMap(({ batches }) => batches.map(([id]) => id));
    expect(new Set(ids)).toEqual(new Set(answers.map(({ body }) => body.id)));
  });

  it('do not wait for the one whose key another process holds', async () => {
    const tenant = await newTenant();
    await insertDevices(db, tenant.id, 1, { userId: 'u-1' });
    const send = (key: string) => post(tenant, { audience: { userIds: ['u-1'] } }, key);
    const held = await db.transaction(async (tx) => {
      await tx.query(
        `insert into idempotency_key (application_id, key, request_hash, response) values ($1, 'held', '\\x00', '{}')`,
        [tenant.id],
      );
      const waiting = send('held');
      const others = await Promise.all(Array.from({ length: 10 }, (_, i) => send(`free-${i}`)));
      expect(others.map(({ status }) => status)).toEqual(others.map(() => 202));
      await tx.query('delete from idempotency_key where application_id = $1 and key = $2', [tenant.id, 'held']);
      return { waiting };
    });
    expect((await held.waiting).status).toBe(202);
    const rows = await db.query('select key from idempotency_key where application_id = $1', [tenant.id]);
    expect(rows).toHaveLength(11);
  });

  it('are stored although one of them is refused', async () => {
    const tenant = await newTenant();
    await insertDevices(db, tenant.id, 1, { userId: 'u-1' });
    const answers = await together(() => [
      post(tenant, { audience: { userIds: ['u-1'] } }, 'good'),
      post(tenant, { audience: { userIds: ['u-1'] }, content: { data: { carillonNotificationId: 'x' } } }, 'refused'),
      post(tenant, { audience: { userIds: ['u-1'] } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([202, 422, 202]);
  });
});

it('names, keys and texts arrive as they were sent, whatever is in them', async () => {
  const tenant = await newTenant();
  const awkward = `"{u},\\\\\n' \u0001NULL 한👋🏽`;
  const devices = await insertDevices(db, tenant.id, 1, { userId: awkward });
  const content = { title: awkward, data: { [awkward]: awkward } };
  const key = `"{k},\\\\' NULL`;
  const { status, body } = await post(tenant, { audience: { userIds: [awkward] }, content }, key);
  expect(status).toBe(202);
  expect(await recipients(body.id)).toEqual(await internalIds(devices));
  const [row] = await db.query('select content, audience from notification where id = $1', [body.id]);
  expect(row).toEqual({ content, audience: { userIds: [awkward] } });
  const keys = await db.query('select key, response from idempotency_key where application_id = $1', [tenant.id]);
  expect(keys).toEqual([{ key, response: body }]);
});

describe('a user with a great many devices', () => {
  it('up to 1,000 in all is batched at once, and left to a planner beyond', async () => {
    const tenant = await newTenant();
    await insertDevices(db, tenant.id, 600, { userId: 'u-1' });
    await insertDevices(db, tenant.id, 400, { userId: 'u-2', provider: 'apns' });
    const both = { audience: { userIds: ['u-1', 'u-2'] } };
    const fits = await post(tenant, both);
    expect(fits.body.status).toBe('sending');
    expect(await recipients(fits.body.id)).toHaveLength(1_000);
    await insertDevices(db, tenant.id, 1, { userId: 'u-1' });
    const large = await post(tenant, both);
    expect(large.body.status).toBe('planning');
    expect(await recipients(large.body.id)).toHaveLength(0);
  });
});

function inAnHour(): string {
  return new Date(Date.now() + 3_600_000).toISOString();
}
