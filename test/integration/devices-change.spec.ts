import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { DevicesService } from '../../src/devices/devices.service.js';
import {
  apnsToken,
  type CreatedDevice,
  createDevice,
  createDevices,
  type DeviceOverrides,
  fcmToken,
} from '../factories/device.js';
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

const device = (overrides: Partial<DeviceOverrides> = {}) =>
  createDevice(db, { applicationId: application.id, ...overrides });

const asServer = (method: string, path: string, body?: unknown): Promise<Answer> =>
  call(api, method, path, { key: application.serverKey, body });

const asClient = (method: string, path: string, secret: string | undefined, body?: unknown): Promise<Answer> => {
  const headers: Record<string, string> = secret === undefined ? {} : { 'x-device-secret': secret };
  return call(api, method, path, { key: application.clientKey, body, headers });
};

const topicsLeft = async (deviceId: number): Promise<number> =>
  (await db.query('select count(*)::int as n from topic_member where device_id = $1', [deviceId]))[0].n;

const tokenOf = async (id: number): Promise<string | undefined> =>
  (await db.query('select token from device where id = $1', [id]))[0]?.token;

describe('a change', () => {
  it('touches only what is given', async () => {
    const { publicId } = await device({ userId: 'u-1', topics: ['a', 'b'], tags: { plan: 'pro' } });
    const path = `/v1/devices/${publicId}`;
    const before = (await asServer('GET', path)).body;
    const changed = await asServer('PATCH', path, { topics: ['b', 'c'], timeZone: 'Europe/Berlin' });
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({ ...before, topics: ['b', 'c'], timeZone: 'Europe/Berlin' });
    expect((await asServer('PATCH', path, { userId: null, tags: {}, topics: [] })).body).toEqual({
      ...changed.body,
      userId: null,
      tags: {},
      topics: [],
    });
  });

  it('does not revive a dead device, but a new token does', async () => {
    const { id, publicId } = await device({ provider: 'apns', environment: 'sandbox', status: 'invalid' });
    const path = `/v1/devices/${publicId}`;
    expect((await asServer('PATCH', path, { userId: 'u-1' })).body.status).toBe('invalid');
    const token = apnsToken();
    const rotated = await asServer('PATCH', path, { token });
    expect(rotated.body).toMatchObject({ id: publicId, status: 'active', invalidReason: null, environment: 'sandbox' });
    expect(await tokenOf(id)).toBe(token);
    const again = await asServer('POST', '/v1/devices', { provider: 'apns', token });
    expect([again.status, again.body.id]).toEqual([200, publicId]);
  });

  it('to the token of another device removes that double', async () => {
    const kept = await device({ userId: 'u-1', topics: ['news'], hasSecret: true });
    const double = await device({ userId: 'u-2', topics: ['sport'] });
    const merged = await asClient('PATCH', `/v1/devices/${kept.publicId}`, kept.secret, { token: double.token });
    expect(merged.body).toMatchObject({ id: kept.publicId, userId: 'u-1', topics: ['news'] });
    expect((await asServer('GET', `/v1/devices/${double.publicId}`)).status).toBe(404);
    expect(await topicsLeft(double.id)).toBe(0);
    expect(await tokenOf(kept.id)).toBe(double.token);
  });

  it('of two devices to the same new token leaves one of them, whoever is first', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => device()));
    const token = fcmToken();
    const answers = await Promise.all(all.map((each) => asServer('PATCH', `/v1/devices/${each.publicId}`, { token })));
    for (const { status } of answers) expect([200, 404]).toContain(status);
    const left = await db.query('select token from device where application_id = $1', [application.id]);
    expect(left).toEqual([{ token }]);
  });

  it('by a client needs the secret of that very device', async () => {
    const [one, other] = [await device({ hasSecret: true }), await device({ hasSecret: true })];
    const path = `/v1/devices/${one.publicId}`;
    const codeOf = async (answer: Promise<Answer>) => (await answer).body.code;
    expect(await codeOf(asClient('PATCH', path, undefined, {}))).toBe('device_secret_required');
    expect(await codeOf(asClient('PATCH', path, other.secret, {}))).toBe('device_secret_invalid');
    expect(await codeOf(asClient('PATCH', `/v1/devices/${randomUUID()}`, one.secret, {}))).toBe(
      'device_secret_invalid',
    );
    expect(await codeOf(asClient('DELETE', path, other.secret))).toBe('device_secret_invalid');
    expect(await codeOf(asClient('DELETE', path, undefined))).toBe('device_secret_required');
    expect((await asClient('PATCH', path, one.secret, { locale: 'de' })).body.locale).toBe('de');
    expect((await asClient('DELETE', path, one.secret)).status).toBe(204);
    expect((await asServer('GET', path)).body.code).toBe('device_not_found');
  });

  it('is possible in no other application', async () => {
    const { publicId } = await device();
    const path = `/v1/devices/${publicId}`;
    application = await createApplication(api);
    for (const [method, body] of [['GET'], ['PATCH', { userId: 'u' }], ['DELETE']] as const) {
      expect((await asServer(method, path, body)).status, method).toBe(404);
    }
  });
});

describe('a list', () => {
  const walk = async (query: string, limit: number): Promise<string[]> => {
    const ids: string[] = [];
    for (let cursor = ''; ; ) {
      const { status, body } = await asServer('GET', `/v1/devices?limit=${limit}${query}${cursor}`);
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(limit);
      ids.push(...body.items.map(({ id }: { id: string }) => id));
      if (body.nextCursor === null) return ids;
      cursor = `&cursor=${body.nextCursor}`;
    }
  };

  it('shows each device of the filter once, in order, page by page', async () => {
    const all: CreatedDevice[] = [];
    for (let i = 0; i < 12; i++) {
      const status = i === 5 ? 'invalid' : 'active';
      const provider = i % 2 ? 'apns' : 'fcm';
      all.push(await device({ provider, status, userId: `u-${i % 3}`, topics: i % 4 ? ['a', 'b'] : ['b'] }));
    }
    const idsWhere = (keep: (i: number) => boolean) => all.filter((_, i) => keep(i)).map(({ publicId }) => publicId);
    expect(await walk('', 5)).toEqual(idsWhere(() => true));
    expect(await walk('&userId=u-1', 2)).toEqual(idsWhere((i) => i % 3 === 1));
    expect(await walk('&topic=a', 3)).toEqual(idsWhere((i) => i % 4 > 0));
    expect(await walk('&topic=a&provider=apns', 3)).toEqual(idsWhere((i) => i % 2 === 1));
    expect(await walk('&status=invalid', 3)).toEqual(idsWhere((i) => i === 5));
    expect(await walk('&userId=nobody', 3)).toEqual([]);
    expect((await asServer('GET', '/v1/devices?cursor=abc')).status).toBe(400);
    expect((await asServer('GET', '/v1/devices?colour=red')).body.errors[0].path).toBe('query.colour');
  });

  it('is for servers', async () => {
    expect((await asClient('GET', '/v1/devices', undefined)).status).toBe(403);
  });
});

describe('a person', () => {
  it('is forgotten with all devices, and nobody else is', async () => {
    const mine = [await device({ userId: 'a/b ü', topics: ['news'] }), await device({ userId: 'a/b ü' })];
    const other = await device({ userId: 'other', topics: ['news'] });
    const path = `/v1/users/${encodeURIComponent('a/b ü')}`;
    expect((await asServer('DELETE', path)).status).toBe(204);
    expect((await asServer('DELETE', path)).status).toBe(204);
    for (const { id, publicId } of mine) {
      expect((await asServer('GET', `/v1/devices/${publicId}`)).status).toBe(404);
      expect(await topicsLeft(id)).toBe(0);
    }
    expect((await asServer('GET', `/v1/devices/${other.publicId}`)).body.topics).toEqual(['news']);
  });

  it('is not forgotten by another application', async () => {
    const { publicId } = await device({ userId: 'u-1' });
    const own = application;
    application = await createApplication(api);
    await asServer('DELETE', '/v1/users/u-1');
    application = own;
    expect((await asServer('GET', `/v1/devices/${publicId}`)).status).toBe(200);
  });
});

describe('a removed application', () => {
  it('leaves no topics behind', async () => {
    const ids = await createDevices(db, 50, { applicationId: application.id, topics: ['a', 'b'] });
    expect((await call(api, 'DELETE', `/v1/applications/${application.id}`, { key: api.adminKey })).status).toBe(204);
    const left = await db.query('select 1 from topic_member where device_id = any($1)', [ids]);
    expect(left).toEqual([]);
  });
});

describe('a device that reports back', () => {
  it('proves itself by its secret', async () => {
    const devices = api.app.get(DevicesService);
    const [one, other] = [await device({ hasSecret: true }), await device({ hasSecret: true })];
    expect(await devices.authenticate(application.id, one.publicId, one.secret)).toBe(one.id);
    for (const [publicId, secret] of [
      [one.publicId, other.secret],
      [one.publicId, undefined],
      [randomUUID(), one.secret],
    ] as const) {
      await expect(devices.authenticate(application.id, publicId, secret)).rejects.toMatchObject({ kind: 'forbidden' });
    }
  });
});
