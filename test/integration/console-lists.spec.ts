import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { createDevice, createDevices } from '../factories/device.js';
import { storeNotification } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let db: DataSource;
let application: Awaited<ReturnType<typeof createApplication>>;

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
  application = await createApplication(api);
});

const get = (path: string): Promise<Answer> => call(api, 'GET', path, { key: application.serverKey });

/** Follows `nextCursor` to the end. */
async function all(path: string): Promise<Answer['body'][]> {
  const items: Answer['body'][] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const answer: Answer = await get(`${path}${cursor && `&cursor=${cursor}`}`);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    items.push(...answer.body.items);
    cursor = answer.body.nextCursor;
  }
  return items;
}

describe('devices by token fingerprint', () => {
  it('are found by its first digits, in any case, in this application alone', async () => {
    const own = { applicationId: application.id };
    const [fcm, apns] = [await createDevice(db, own), await createDevice(db, { ...own, provider: 'apns' })];
    const idsOf = async (query: string) => (await all(`/v1/devices?limit=1&${query}`)).map(({ id }) => id);
    expect(await idsOf(`tokenFingerprint=${fcm.tokenHash}`)).toEqual([fcm.publicId]);
    expect(await idsOf(`tokenFingerprint=${apns.tokenHash.slice(0, 9).toUpperCase()}`)).toEqual([apns.publicId]);
    expect(await idsOf(`tokenFingerprint=${apns.tokenHash.slice(0, 8)}&provider=fcm`)).toEqual([]);
    expect((await get(`/v1/devices/${fcm.publicId}`)).body.tokenFingerprint).toBe(fcm.tokenHash);
    for (const wrong of ['0123456', 'x'.repeat(8), '0'.repeat(65)]) {
      const { status, body } = await get(`/v1/devices?tokenFingerprint=${wrong}`);
      expect([status, body.errors[0].path]).toEqual([400, 'query.tokenFingerprint']);
    }
    application = await createApplication(api);
    expect(await idsOf(`tokenFingerprint=${fcm.tokenHash}`)).toEqual([]);
  });
});

describe('users', () => {
  it('are listed by the beginning of their ids with what devices they have', async () => {
    const other = await createApplication(api);
    await createDevice(db, { applicationId: other.id, userId: 'ann' });
    const registeredAt = new Date('2026-01-02T03:04:05.000Z');
    for (const userId of ['ann', 'Ann', 'anna', 'bob', '가나', 'an%']) {
      await createDevice(db, { applicationId: application.id, userId, registeredAt });
    }
    await createDevice(db, { applicationId: application.id, userId: 'ann', status: 'invalid' });
    await createDevices(db, 3, { applicationId: application.id });
    const idsOf = async (query: string) => (await all(`/v1/users?limit=2${query}`)).map(({ userId }) => userId);
    expect(await idsOf('')).toEqual(['Ann', 'an%', 'ann', 'anna', 'bob', '가나']);
    expect(await idsOf('&prefix=ann')).toEqual(['ann', 'anna']);
    expect(await idsOf('&prefix=an%25')).toEqual(['an%']);
    expect(await idsOf(`&prefix=${encodeURIComponent('가')}`)).toEqual(['가나']);
    expect(await idsOf('&prefix=x')).toEqual([]);
    const [ann, anna] = await all('/v1/users?prefix=ann');
    expect(ann).toMatchObject({ userId: 'ann', devices: 2, activeDevices: 1 });
    expect(anna).toEqual({
      userId: 'anna',
      devices: 1,
      activeDevices: 1,
      lastRegisteredAt: '2026-01-02T03:04:05.000Z',
    });
  });

  it('are not looked for after what cannot be a user id', async () => {
    for (const key of [[''], ['a\0'], [7], ['a', 'b']]) {
      const cursor = Buffer.from(JSON.stringify(key)).toString('base64url');
      expect((await get(`/v1/users?cursor=${cursor}`)).status).toBe(400);
    }
    expect((await call(api, 'GET', '/v1/users', { key: application.clientKey })).status).toBe(403);
  });
});

describe('notifications', () => {
  it('are found by status, lane and what they say', async () => {
    const named: Record<string, string> = {};
    const store = async (name: string, content: object, lane: 'critical' | 'bulk', state: 'sending' | 'cancelled') => {
      const { id } = await storeNotification(db, application.id, { content, options: { lane } }, { state });
      named[id] = name;
    };
    await store('sale', { title: 'Summer SALE', body: '50% off_' }, 'bulk', 'sending');
    await store('code', { body: 'Your code: 123' }, 'critical', 'sending');
    await store('data', { data: { sale: 'hidden' } }, 'bulk', 'cancelled');
    const found = async (query: string) => (await all(`/v1/notifications?limit=1${query}`)).map(({ id }) => named[id]);
    expect(await found('')).toEqual(['data', 'code', 'sale']);
    expect(await found('&text=sale')).toEqual(['sale']);
    expect(await found('&text=CODE')).toEqual(['code']);
    expect(await found('&text=50%25')).toEqual(['sale']);
    expect(await found('&text=f_')).toEqual(['sale']);
    expect(await found('&text=code&lane=bulk')).toEqual([]);
    expect(await found('&lane=bulk')).toEqual(['data', 'sale']);
    expect(await found('&status=sending')).toEqual(['code', 'sale']);
    expect(await found('&status=cancelled&lane=bulk')).toEqual(['data']);
    expect((await get(`/v1/notifications?text=${'x'.repeat(101)}`)).body.errors[0].path).toBe('query.text');
    expect((await get('/v1/notifications?lane=fast')).body.errors[0].path).toBe('query.lane');
  });

  it('that are rare among many take several pages, each of them bounded', async () => {
    const rare = await storeNotification(db, application.id, { content: { title: 'needle' } });
    // Ids above its own, so that they come first.
    await db.query(
      `insert into notification (id, application_id, lane, semantics, audience, content, options, state, created_at, send_at, expires_at)
       select (substr($1::text, 1, 13) || '-7fff-8000-' || lpad(to_hex(i), 12, '0'))::uuid, application_id, lane, semantics,
         audience, '{"title":"hay"}', options, state, created_at, send_at, expires_at
       from notification, generate_series(1, 20500) i where id = $1::uuid`,
      [rare.id],
    );
    const first = await get('/v1/notifications?text=needle');
    expect([first.body.items.length, typeof first.body.nextCursor]).toEqual([0, 'string']);
    expect((await all('/v1/notifications?text=needle')).map(({ id }) => id)).toEqual([rare.id]);
  });
});
