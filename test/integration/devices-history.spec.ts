import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import type { TokenVerdict } from '../../src/devices/device.js';
import { DeviceDirectory } from '../../src/devices/device-directory.js';
import { TokenHealth } from '../../src/devices/token-health.js';
import { TokenHealthRepository } from '../../src/devices/token-health.repository.js';
import { createDevice, fcmToken, vapidPublicKey, webPushSubscription } from '../factories/device.js';
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

const asServer = (method: string, path: string, body?: unknown): Promise<Answer> =>
  call(api, method, path, { key: application.serverKey, body });

async function register(body: object): Promise<string> {
  const answer = await asServer('POST', '/v1/devices', { provider: 'fcm', ...body });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(202);
  return answer.body.id;
}

/** Event and detail of each entry, newest first. */
async function history(id: string): Promise<[string, string | null][]> {
  const { status, body } = await asServer('GET', `/v1/devices/${id}/history`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.items.map(({ event, detail }: { event: string; detail: string | null }) => [event, detail]);
}

const rowsOf = async (id: string): Promise<number> =>
  (await db.query('select count(*)::int as n from device_history where public_id = $1', [id]))[0].n;

const verdict = (deviceId: number, token: string, code: string): TokenVerdict => {
  return { deviceId, token, code, sentAgoMs: 0 };
};

async function internalId(id: string): Promise<number> {
  return (await db.query('select id from device where public_id = $1', [id]))[0].id;
}

describe('the history of a device', () => {
  it('tells its life, and is there when the device is gone', async () => {
    const [token, next] = [fcmToken(), fcmToken()];
    const id = await register({ token });
    const path = `/v1/devices/${id}`;
    const { tokenFingerprint } = (await asServer('GET', path)).body;
    await register({ token, userId: 'u-1' });
    await asServer('PATCH', path, { userId: 'u-2', locale: 'de' });
    await api.app.get(TokenHealth).invalidate(db, [verdict(await internalId(id), token, 'UNREGISTERED')]);
    await asServer('PATCH', path, { userId: null });
    await asServer('PATCH', path, { token: next });
    const life = [
      ['token_changed', tokenFingerprint],
      ['revived', 'UNREGISTERED'],
      ['user_changed', 'cleared'],
      ['invalidated', 'UNREGISTERED'],
      ['user_changed', 'changed'],
      ['user_changed', 'set'],
      ['registered', null],
    ];
    expect(await history(id)).toEqual(life);
    await asServer('DELETE', path);
    expect(await history(id)).toEqual([['deleted', 'requested'], ['registered', null], ...life.slice(0, -1)]);
  });

  it('grows by nothing when a device only registers again, alone or among many', async () => {
    const token = fcmToken();
    const id = await register({ token, userId: 'u-1', topics: ['news'] });
    await register({ token });
    await register({ token, userId: 'u-1', topics: ['sport'], locale: 'de', appVersion: '2' });
    await asServer('PATCH', `/v1/devices/${id}`, { tags: { plan: 'pro' } });
    const response = await fetch(`${api.baseUrl}/v1/devices/bulk`, {
      method: 'POST',
      headers: { authorization: `Bearer ${application.serverKey}`, 'content-type': 'application/x-ndjson' },
      body: [token, fcmToken()].map((each) => `${JSON.stringify({ provider: 'fcm', token: each })}\n`).join(''),
    });
    expect((await response.text()).match(/created|updated/g)).toEqual(['updated', 'created']);
    expect(await rowsOf(id)).toBe(0);
    expect(await history(id)).toEqual([['registered', null]]);
  });

  it('tells of a dead token that registered again, and of new keys of a browser', async () => {
    const subscription = webPushSubscription();
    const webpush = { provider: 'webpush', vapidPublicKey: vapidPublicKey() };
    const id = await register({ ...webpush, token: subscription });
    const [{ token }] = await db.query('select token from device where public_id = $1', [id]);
    await api.app.get(TokenHealth).invalidate(db, [verdict(await internalId(id), token, '410')]);
    const { keys } = webPushSubscription();
    await register({ ...webpush, token: { ...subscription, keys } });
    const [changed, revived, ...earlier] = await history(id);
    expect([changed, revived]).toEqual([
      ['token_changed', 'keys'],
      ['revived', '410'],
    ]);
    expect(earlier).toEqual([
      ['invalidated', '410'],
      ['registered', null],
    ]);
  });

  it('tells of devices that were set aside and came back together', async () => {
    const made = [];
    for (let i = 0; i < 3; i++) made.push(await createDevice(db, { applicationId: application.id }));
    const verdicts = made.map(({ id, token }) => verdict(id, token, 'SENDER_ID_MISMATCH'));
    expect(await api.app.get(TokenHealth).setAside(db, verdicts)).toHaveLength(3);
    expect(await new TokenHealthRepository(db).tripGuard(application.id, 'fcm')).toBe(3);
    for (const { publicId } of made) {
      expect(await history(publicId)).toEqual([
        ['restored', null],
        ['refused', 'SENDER_ID_MISMATCH'],
        ['registered', null],
      ]);
    }
  });

  it('ends for a double that is replaced, and is no more for a person who is forgotten', async () => {
    const [kept, double] = [await register({ token: fcmToken(), userId: 'u-1' }), fcmToken()];
    const doubleId = await register({ token: double });
    await asServer('PATCH', `/v1/devices/${kept}`, { token: double, userId: 'u-9' });
    expect((await history(doubleId))[0]).toEqual(['deleted', 'replaced']);
    expect(await rowsOf(kept)).toBe(2);
    await asServer('DELETE', '/v1/users/u-9');
    expect((await asServer('GET', `/v1/devices/${kept}/history`)).body.code).toBe('device_not_found');
    expect(await rowsOf(kept)).toBe(0);
  });

  it('is paged, and nobody else’s', async () => {
    const id = await register({ token: fcmToken() });
    for (const userId of ['a', null, 'b', null]) await asServer('PATCH', `/v1/devices/${id}`, { userId });
    const details: (string | null)[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = cursor && `&cursor=${cursor}`;
      const { body } = await asServer('GET', `/v1/devices/${id}/history?limit=2${query}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      details.push(...body.items.map((item: { detail: string | null }) => item.detail));
      cursor = body.nextCursor;
    }
    expect(details).toEqual(['cleared', 'set', 'cleared', 'set', null]);
    application = await createApplication(api);
    expect((await asServer('GET', `/v1/devices/${id}/history`)).status).toBe(404);
    expect((await asServer('GET', `/v1/devices/${randomUUID()}/history`)).status).toBe(404);
    expect((await call(api, 'GET', `/v1/devices/${id}/history`, { key: application.clientKey })).status).toBe(403);
  });

  it('is kept as long as the log', async () => {
    const id = await register({ token: fcmToken() });
    await asServer('PATCH', `/v1/devices/${id}`, { userId: 'a' });
    await db.query(`update clock_offset set value = value + interval '29 days'`);
    await asServer('PATCH', `/v1/devices/${id}`, { userId: 'b' });
    await db.query(`update clock_offset set value = value + interval '2 days'`);
    expect(await api.app.get(DeviceDirectory).purgeHistory(30)).toBeGreaterThan(0);
    expect(await history(id)).toEqual([
      ['user_changed', 'changed'],
      ['registered', null],
    ]);
  });
});
