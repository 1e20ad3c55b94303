import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../setup/app.js';
import type { World } from '../setup/world.js';
import {
  expectAlive,
  faultsOf,
  makeTenant,
  send,
  settledFingerprint,
  startWorld,
  type Tenant,
} from './malformed-support.js';

let world: World;
let tenant: Tenant;
let before: Record<string, string>;

beforeAll(async () => {
  world = await startWorld();
  tenant = await makeTenant(world);
  before = await settledFingerprint(world);
});
afterAll(() => world?.close());

const DEVICES = '/v1/devices';
const NOTIFICATIONS = '/v1/notifications';
const SENT = { audience: { all: true }, content: { title: 'never sent' } };

describe('an Authorization that is none', () => {
  const cases: [name: string, header: string | undefined, code: string][] = [
    ['missing', undefined, 'api_key_missing'],
    ['empty', '', 'api_key_missing'],
    ['a scheme alone', 'Bearer', 'api_key_missing'],
    ['a scheme and blanks', 'Bearer    ', 'api_key_missing'],
    ['another scheme', 'Basic c3ZfOng=', 'api_key_missing'],
    ['two keys', 'Bearer sv_one sv_two', 'api_key_missing'],
    ['a key without its scheme', 'sv_0123456789', 'api_key_missing'],
    ['600 characters', `Bearer ${'x'.repeat(600)}`, 'api_key_missing'],
    ['an unknown key', `Bearer sv_${'x'.repeat(43)}`, 'api_key_invalid'],
    ['SQL', "Bearer ' or 1=1 --", 'api_key_missing'],
    ['SQL without blanks', "Bearer 'or(1=1)--", 'api_key_invalid'],
    ['a prototype', 'Bearer __proto__', 'api_key_invalid'],
    ['a JWT', 'Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.', 'api_key_invalid'],
  ];
  for (const [index, [name, authorization, code]] of cases.entries()) {
    it(`is refused: ${name}`, async () => {
      // Each from an address of its own: failed attempts are counted by address.
      const headers = {
        'x-forwarded-for': `192.0.2.${index + 1}`,
        ...(authorization === undefined ? {} : { authorization }),
      };
      for (const [method, path] of [
        ['GET', DEVICES],
        ['POST', NOTIFICATIONS],
        ['DELETE', `/v1/applications/${tenant.id}`],
      ] as const) {
        const answer = await send(world, { method, path, headers, ...(method === 'POST' ? { body: SENT } : {}) });
        expect(faultsOf(answer, { status: 401, code })).toEqual([]);
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
        expect(JSON.stringify(answer.body)).not.toContain('x'.repeat(20));
      }
    });
  }

  it('is refused: most of a real one, one with another letter, one in capitals, its hash, its prefix', async () => {
    const { serverKey } = tenant;
    const last = serverKey.endsWith('A') ? 'B' : 'A';
    for (const [index, key] of [
      serverKey.slice(0, -1),
      serverKey.slice(0, -1) + last,
      serverKey.toUpperCase(),
      `${serverKey}A`,
      serverKey.slice(0, 9),
      tenant.deviceSecret,
    ].entries()) {
      const answer = await send(world, {
        method: 'GET',
        path: DEVICES,
        key,
        headers: { 'x-forwarded-for': `198.51.100.${index}` },
      });
      expect(faultsOf(answer, { status: 401, code: 'api_key_invalid' }), key.slice(0, 5)).toEqual([]);
    }
  });

  it('is refused in the query and in a cookie, where keys end up in logs', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.1', cookie: `authorization=Bearer ${tenant.serverKey}` };
    for (const query of ['access_token', 'key', 'authorization']) {
      const answer = await send(world, { method: 'GET', path: `${DEVICES}?${query}=${tenant.serverKey}`, headers });
      expect(faultsOf(answer, { status: 401 })).toEqual([]);
    }
  });

  it('of the metrics is refused', async () => {
    for (const key of [undefined, 'x', 'malformed-metrics-toke', 'malformed-metrics-tokenn', tenant.adminKey]) {
      const answer = await send(world, { method: 'GET', path: '/metrics', ...(key === undefined ? {} : { key }) });
      expect(faultsOf(answer, { status: 401, code: 'unauthorized' })).toEqual([]);
    }
  });
});

describe('an Idempotency-Key that cannot be one', () => {
  const keyed = (key: string, body: object = SENT) =>
    send(world, {
      method: 'POST',
      path: NOTIFICATIONS,
      key: tenant.serverKey,
      headers: { 'idempotency-key': key },
      body,
    });
  for (const [name, key] of [
    ['empty', ''],
    ['blank', '   '],
    ['of 256 characters', 'k'.repeat(256)],
    ['of 4,000 characters', 'k'.repeat(4_000)],
    ['with a tab in it', 'a\tb'],
    ['with a letter beyond ASCII', 'schlüssel'],
    ['with a C1 control character', 'a\u0085b'],
  ] as const) {
    it(`is refused: ${name}`, async () => {
      expect(
        faultsOf(await keyed(key), { status: 400, code: 'invalid_request', path: 'headers.idempotency-key' }),
      ).toEqual([]);
    });
  }

  it('is not used up by a request that is refused', async () => {
    const content = { title: 'x'.repeat(5_000) };
    expect(faultsOf(await keyed('refused-first', { ...SENT, content }), { path: 'content.title' })).toEqual([]);
    const rows = await world.db.query("select 1 from idempotency_key where key = 'refused-first'");
    expect(rows).toEqual([]);
  });
});

describe('what cannot be done now', () => {
  it('to a notification that has ended is a conflict', async () => {
    for (const action of ['cancel', 'pause', 'resume']) {
      const path = `${NOTIFICATIONS}/${tenant.notification}/${action}`;
      const answer = await send(world, { method: 'POST', path, key: tenant.serverKey });
      expect(faultsOf(answer, { status: 409, code: 'notification_ended' })).toEqual([]);
    }
  });

  it('by a client without the secret of the device is forbidden', async () => {
    const path = `${DEVICES}/${tenant.devices.fcm}`;
    for (const secret of [
      undefined,
      '',
      'x',
      `ds_${'A'.repeat(43)}`,
      tenant.clientKey,
      `${tenant.deviceSecret} `.repeat(2),
    ]) {
      const headers: Record<string, string> = secret === undefined ? {} : { 'x-device-secret': secret };
      for (const method of ['PATCH', 'DELETE']) {
        const body = method === 'PATCH' ? { body: { appVersion: 'evil' } } : {};
        const answer = await send(world, { method, path, key: tenant.clientKey, headers, ...body });
        expect(faultsOf(answer, { status: 403 })).toEqual([]);
        expect(answer.body.code).toMatch(/^device_secret_(required|invalid)$/);
      }
      const receipt = { deviceId: tenant.devices.fcm, notificationId: tenant.notification, type: 'opened' };
      const answer = await send(world, {
        method: 'POST',
        path: '/v1/receipts',
        key: tenant.clientKey,
        headers,
        body: receipt,
      });
      expect(faultsOf(answer, { status: 403 })).toEqual([]);
    }
  });

  it('for a user id without proof is forbidden', async () => {
    const base = { provider: 'fcm', token: 'never-registered:APA91bAAAAAAAAAA' };
    for (const claim of [
      { userId: 'admin' },
      { userToken: '' },
      { userToken: 'x.y.z' },
      { userId: 'a', userToken: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.' },
    ]) {
      const answer = await send(world, {
        method: 'POST',
        path: DEVICES,
        key: tenant.clientKey,
        body: { ...base, ...claim },
      });
      expect(faultsOf(answer, { status: 403 })).toEqual([]);
      expect(answer.body.code).toMatch(/^user_token_/);
    }
  });
});

it('and nothing of it changed anything', async () => {
  expect(await settledFingerprint(world)).toEqual(before);
  await expectAlive(world, tenant);
  expect((await call(world.api, 'GET', '/metrics', { key: 'malformed-metrics-token' })).status).toBe(200);
});
