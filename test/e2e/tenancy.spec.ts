import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, startApi } from '../setup/app.js';
import { eventually } from '../setup/eventually.js';
import type { World } from '../setup/world.js';
import { faultsOf, makeTenant, send, settledFingerprint, startWorld, type Tenant } from './malformed-support.js';

type Role = 'client' | 'server' | 'admin';

interface RouteUse {
  roles: readonly Role[];
  /** A body that is in order. */
  body?: (tenant: Tenant) => object;
  /** The ids in the path are those of devices or notifications of this tenant. */
  id?: (tenant: Tenant) => string;
}

const application = { roles: ['admin'], id: (tenant: Tenant) => tenant.id } as const;
const device = { id: (tenant: Tenant) => tenant.devices.fcm } as const;
const notification = { roles: ['server'], id: (tenant: Tenant) => tenant.scheduled } as const;
const webhook = { roles: ['server'], id: (tenant: Tenant) => tenant.webhook } as const;
const message = () => ({ audience: { all: true }, content: { title: 'never sent' } });

/**
 * Who may call what, as the contract says it: written down here, not read from the code. A new operation needs a row;
 * an admin key may call every server operation with `?applicationId=`, an application's own admin without it.
 */
const ROUTES: Record<string, RouteUse> = {
  'POST /v1/applications': { roles: ['admin'], body: () => ({ name: 'never made' }) },
  'GET /v1/applications': { roles: ['admin'] },
  'GET /v1/applications/{id}': application,
  'PATCH /v1/applications/{id}': { ...application, body: () => ({ name: 'never renamed' }) },
  'DELETE /v1/applications/{id}': application,
  'GET /v1/applications/{id}/keys': application,
  'POST /v1/applications/{id}/keys': { ...application, body: () => ({ role: 'admin' }) },
  'DELETE /v1/applications/{id}/keys/{keyId}': application,
  'GET /v1/applications/{id}/credentials': application,
  'GET /v1/applications/{id}/credentials/{provider}': application,
  'PUT /v1/applications/{id}/credentials/{provider}': {
    ...application,
    body: () => ({ subject: 'mailto:evil@example.com', generate: true }),
  },
  'DELETE /v1/applications/{id}/credentials/{provider}': application,
  'POST /v1/applications/{id}/credentials/{provider}/verify': application,
  'GET /v1/applications/{id}/stats': application,
  'GET /v1/audit': { roles: ['admin'] },
  'GET /v1/session': { roles: [] },
  'DELETE /v1/session': { roles: [] },
  'PUT /v1/session/password': { roles: [], body: () => ({ newPassword: 'never the password' }) },
  'GET /v1/accounts': { roles: ['admin'] },
  'POST /v1/accounts': { roles: ['admin'], body: () => ({ email: 'never@example.com', role: 'owner' }) },
  'PATCH /v1/accounts/{id}': { ...application, body: () => ({ name: 'never renamed' }) },
  'DELETE /v1/accounts/{id}': application,
  'POST /v1/accounts/{id}/sign-in-links': application,
  'GET /v1/system': { roles: ['admin'] },
  'POST /v1/devices': {
    roles: ['client', 'server'],
    body: () => ({ provider: 'fcm', token: `never${'x'.repeat(30)}` }),
  },
  'GET /v1/devices': { roles: ['server'] },
  'POST /v1/devices/bulk': { roles: ['server'] },
  'GET /v1/devices/{id}': { ...device, roles: ['server'] },
  'PATCH /v1/devices/{id}': { ...device, roles: ['client', 'server'], body: () => ({ appVersion: 'never set' }) },
  'DELETE /v1/devices/{id}': { ...device, roles: ['client', 'server'] },
  'GET /v1/devices/{id}/deliveries': { ...device, roles: ['server'] },
  'GET /v1/devices/{id}/history': { ...device, roles: ['server'] },
  'GET /v1/users': { roles: ['server'] },
  'DELETE /v1/users/{userId}': { roles: ['server'] },
  'POST /v1/notifications': { roles: ['server'], body: message },
  'POST /v1/notifications/preview': { roles: ['server'], body: message },
  'GET /v1/notifications': { roles: ['server'] },
  'GET /v1/notifications/{id}': notification,
  'GET /v1/notifications/{id}/deliveries': notification,
  'GET /v1/notifications/{id}/deliveries/export': notification,
  'POST /v1/notifications/{id}/cancel': notification,
  'POST /v1/notifications/{id}/pause': notification,
  'POST /v1/notifications/{id}/resume': notification,
  'GET /v1/deliveries': { roles: ['server'] },
  'GET /v1/deliveries/export': { roles: ['server'] },
  'POST /v1/receipts': {
    roles: ['client'],
    body: ({ devices, notification: notificationId }) => ({ deviceId: devices.fcm, notificationId, type: 'opened' }),
  },
  'GET /v1/realtime/channels/{channel}/presence': { roles: ['server'] },
  'GET /v1/realtime/users/{userId}/presence': { roles: ['server'] },
  'POST /v1/realtime/tokens': { roles: ['server'], body: () => ({ userId: 'nobody' }) },
  'DELETE /v1/realtime/tokens': { roles: ['server'], body: () => ({ userId: 'nobody' }) },
  'POST /v1/realtime/channels/{channel}/messages': {
    roles: ['server'],
    body: () => ({ event: 'never-published', data: 1 }),
  },
  'POST /v1/webhooks': {
    roles: ['server'],
    body: () => ({ url: 'https://hooks.example.com/never', events: ['credential.broken'] }),
  },
  'GET /v1/webhooks': { roles: ['server'] },
  'GET /v1/webhooks/{id}': webhook,
  'PATCH /v1/webhooks/{id}': { ...webhook, body: () => ({ enabled: true }) },
  'DELETE /v1/webhooks/{id}': webhook,
  'POST /v1/webhooks/{id}/rotate-secret': webhook,
  'GET /v1/webhooks/{id}/attempts': webhook,
  'POST /v1/webhooks/{id}/replay': { ...webhook, body: () => ({ eventId: crypto.randomUUID() }) },
  'POST /v1/webhooks/{id}/test': webhook,
};

let world: World;
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  world = await startWorld();
  [mine, theirs] = await Promise.all([makeTenant(world), makeTenant(world)]);
});
afterAll(() => world?.close());

const keyOf = (tenant: Tenant, role: Role): string =>
  ({ client: tenant.clientKey, server: tenant.serverKey, admin: tenant.adminKey })[role];

/** The request that this route is for, about what belongs to `owner`. */
function requestOf(route: string, { id, body }: RouteUse, owner: Tenant) {
  const [method = '', template = ''] = route.split(' ');
  const ids: Record<string, string> = {
    id: id?.(owner) ?? '',
    keyId: owner.spareKey,
    provider: 'fcm',
    userId: 'nobody',
    channel: 'nowhere',
  };
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? '');
  const isLines = route === 'POST /v1/devices/bulk';
  return {
    method,
    path,
    ...(body ? { body: body(owner) } : {}),
    ...(isLines ? { raw: '{"provider":"fcm","token":"never"}', contentType: 'application/x-ndjson' } : {}),
  };
}

async function served(): Promise<string[]> {
  const { paths } = (await call(world.api, 'GET', '/openapi.json')).body;
  return Object.entries<Record<string, { description: string }>>(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { description }]) => description !== 'Public.')
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}

async function servedRoutes(): Promise<[string, RouteUse][]> {
  const routes = await served();
  return Object.entries(ROUTES).filter(([route]) => routes.includes(route));
}

it('knows every operation that is served', async () => {
  expect((await served()).filter((route) => ROUTES[route] === undefined)).toEqual([]);
});

describe('a key of the wrong role', () => {
  it('opens no operation, and nothing changes', async () => {
    const before = await settledFingerprint(world);
    const faults: string[] = [];
    for (const [route, use] of await servedRoutes()) {
      const refused = (['client', 'server', 'admin'] as const).filter(
        (role) => !use.roles.includes(role) && !(role === 'admin' && use.roles.includes('server')),
      );
      for (const role of refused) {
        const answer = await send(world, { ...requestOf(route, use, mine), key: keyOf(mine, role) });
        const found = faultsOf(answer, { status: 403, code: 'role_not_allowed' });
        faults.push(...found.map((fault) => `${route} with a ${role} key: ${fault}`));
      }
    }
    expect(faults).toEqual([]);
    expect(await settledFingerprint(world)).toEqual(before);
  });
});

describe("another application's key of the right role", () => {
  it('finds nothing at any id, learns nothing, and nothing changes', async () => {
    const before = await settledFingerprint(world);
    const faults: string[] = [];
    let count = 0;
    for (const [route, use] of await servedRoutes()) {
      if (!use.id && route !== 'POST /v1/receipts') continue;
      for (const role of ['client', 'server', 'admin'] as const) {
        if (!use.roles.includes(role) && !(role === 'admin' && use.roles.includes('server'))) continue;
        count++;
        // With the very secret of the device, too: it is worth nothing without the key of its application.
        const headers = { 'x-device-secret': theirs.deviceSecret };
        const request = { ...requestOf(route, use, theirs), headers };
        const answer = await send(world, { ...request, key: keyOf(mine, role) });
        const found = faultsOf(answer);
        if (answer.status !== 404 && answer.status !== 403) found.push(`status ${answer.status}`);
        faults.push(...found.map((fault) => `${route} with a ${role} key: ${fault}`));
        // What is not there at all is refused in the same words: an answer does not tell whether an id exists.
        const nowhere = {
          ...theirs,
          id: NOWHERE,
          devices: { ...theirs.devices, fcm: NOWHERE },
          scheduled: NOWHERE,
          notification: NOWHERE,
          webhook: NOWHERE,
        };
        const control = await send(world, { ...requestOf(route, use, nowhere), headers, key: keyOf(mine, role) });
        const own = [theirs.id, theirs.devices.fcm, theirs.scheduled, theirs.notification, theirs.webhook];
        if (wordsOf(answer, own) !== wordsOf(control, [NOWHERE])) {
          faults.push(`${route} with a ${role} key tells that the id exists: ${wordsOf(answer, own)}`);
        }
      }
    }
    expect(faults).toEqual([]);
    expect(count).toBeGreaterThan(20);
    expect(await settledFingerprint(world)).toEqual(before);
  });

  it('cannot name the other application in the query', async () => {
    const before = await settledFingerprint(world);
    for (const [route, use] of await servedRoutes()) {
      if (!use.roles.includes('server')) continue;
      const request = requestOf(route, use, mine);
      for (const role of ['server', 'admin'] as const) {
        const path = `${request.path}?applicationId=${theirs.id}`;
        const answer = await send(world, { ...request, path, key: keyOf(mine, role) });
        expect(faultsOf(answer, { status: 403, code: 'wrong_application' }), `${route} with a ${role} key`).toEqual([]);
      }
    }
    const audit = await send(world, {
      method: 'GET',
      path: `/v1/audit?applicationId=${theirs.id}`,
      key: mine.adminKey,
    });
    expect(faultsOf(audit, { status: 403 })).toEqual([]);
    expect(await settledFingerprint(world)).toEqual(before);
  });

  it('sees nothing of the other in any list', async () => {
    const lists = (await servedRoutes()).filter(([route, { id }]) => route.startsWith('GET ') && !id);
    for (const [route, use] of lists) {
      for (const role of ['server', 'admin'] as const) {
        const request = requestOf(route, use, mine);
        const answer = await send(world, { ...request, path: `${request.path}?limit=1000`, key: keyOf(mine, role) });
        const text = JSON.stringify(answer.body);
        for (const secret of [
          theirs.id,
          ...Object.values(theirs.devices),
          theirs.notification,
          theirs.scheduled,
          theirs.webhook,
        ]) {
          expect(text, route).not.toContain(secret);
        }
      }
    }
  });

  it('reaches none of the other devices, by id, user, topic or tag', async () => {
    const before = await settledFingerprint(world);
    for (const audience of [
      { deviceIds: Object.values(theirs.devices) },
      { all: true },
      { userIds: ['malformed-user'] },
      { topics: ['news'] },
      { tags: { plan: 'pro' } },
    ]) {
      const answer = await call(world.api, 'POST', '/v1/notifications', {
        key: mine.serverKey,
        body: { audience, content: { title: 'x' }, options: { dryRun: true } },
      });
      const { fcm, apns, webpush } = answer.body.dryRun.devices;
      expect(fcm + apns + webpush, JSON.stringify(audience)).toBeLessThanOrEqual(3);
      if ('deviceIds' in audience) expect(fcm + apns + webpush).toBe(0);
    }
    const id = await world.notify(mine, { audience: { deviceIds: Object.values(theirs.devices) } });
    await world.until(mine, id, { status: 'completed', counts: { planned: 0 } });
    const after = await settledFingerprint(world);
    for (const table of ['device', 'topic_member', 'attempt_stat', 'credential'])
      expect(after[table]).toBe(before[table]);
  });

  it('keeps its own user of the same name when the other is forgotten, and its own notification of the same key', async () => {
    const count = async (tenant: Tenant) => (await world.get(tenant, '/v1/devices?userId=shared')).body.items.length;
    for (const tenant of [mine, theirs]) {
      await world.device(tenant, 'fcm', `shared-token-of-two:APA91b${'x'.repeat(30)}`, { userId: 'shared' });
    }
    expect((await call(world.api, 'DELETE', '/v1/users/shared', { key: mine.serverKey })).status).toBe(204);
    expect([await count(mine), await count(theirs)]).toEqual([0, 1]);

    const ids = await Promise.all(
      [mine, theirs].map(async ({ serverKey }) => {
        const body = { audience: { userIds: ['nobody'] }, content: { title: serverKey.slice(0, 9) } };
        const answer = await call(world.api, 'POST', '/v1/notifications', {
          key: serverKey,
          headers: { 'idempotency-key': 'order-1' },
          body,
        });
        expect(answer.status).toBe(202);
        return answer.body.id;
      }),
    );
    expect(new Set(ids).size).toBe(2);
  });
});

describe("an admin of one application's cursor", () => {
  it('leads no further than its own list', async () => {
    const { nextCursor } = (await world.get(theirs, '/v1/devices?limit=1')).body;
    const answer = await world.get(mine, `/v1/devices?cursor=${nextCursor}&limit=1000`);
    const text = JSON.stringify(answer.body);
    for (const id of Object.values(theirs.devices)) expect(text).not.toContain(id);
  });
});

describe('a key that is over', () => {
  const make = async (role: Role, more: object = {}) =>
    (
      await call(world.api, 'POST', `/v1/applications/${mine.id}/keys`, {
        key: world.api.adminKey,
        body: { role, ...more },
      })
    ).body;
  const probe: Record<Role, [method: string, path: string, body?: object]> = {
    client: ['POST', '/v1/devices', { provider: 'fcm', token: `a-key-that-is-over:APA91b${'x'.repeat(30)}` }],
    server: ['GET', '/v1/devices'],
    admin: ['GET', '/v1/applications'],
  };

  for (const role of ['client', 'server', 'admin'] as const) {
    it(`opens nothing once it is revoked: ${role}`, async () => {
      const { id, key } = await make(role);
      const [method, path, body] = probe[role];
      const use = () => send(world, { method, path, key, ...(body ? { body } : {}) });
      expect((await use()).status).toBeLessThan(300);
      await call(world.api, 'DELETE', `/v1/applications/${mine.id}/keys/${id}`, { key: mine.adminKey });
      expect(faultsOf(await use(), { status: 401, code: 'api_key_invalid' })).toEqual([]);
    });

    it(`opens nothing from the moment it expires, without anybody doing anything: ${role}`, async () => {
      const { key } = await make(role, { expiresAt: new Date(Date.now() + 1_500).toISOString() });
      const [method, path, body] = probe[role];
      const use = () => send(world, { method, path, key, ...(body ? { body } : {}) });
      expect((await use()).status).toBeLessThan(300);
      await eventually(async () => expect((await use()).status).toBe(401), { timeoutMs: 5_000, intervalMs: 200 });
    });
  }

  it('of an application that is removed opens nothing, and nothing of it is left', async () => {
    const gone = await makeTenant(world);
    const left = async () => (await world.get(theirs, '/v1/devices')).body.items.length;
    const before = await left();
    expect((await call(world.api, 'DELETE', `/v1/applications/${gone.id}`, { key: gone.adminKey })).status).toBe(204);
    for (const key of [gone.clientKey, gone.serverKey, gone.adminKey]) {
      expect(faultsOf(await send(world, { method: 'GET', path: '/v1/devices', key }), { status: 401 })).toEqual([]);
    }
    for (const table of ['application', 'api_key', 'credential', 'device']) {
      const column = table === 'application' ? 'id' : 'application_id';
      expect(await world.db.query(`select 1 from ${table} where ${column} = $1`, [gone.id]), table).toEqual([]);
    }
    expect(await left()).toBe(before);
  });
});

describe('an application that another process has just removed', () => {
  it('is not there: its keys are believed for a moment, and nothing comes of it', async () => {
    const elsewhere = await startApi({ database: world.api.config.DATABASE_URL, redis: world.redisUrl });
    const gone = await makeTenant(world);
    expect((await call(elsewhere, 'GET', '/v1/devices', { key: gone.serverKey })).status).toBe(200);
    await call(world.api, 'DELETE', `/v1/applications/${gone.id}`, { key: world.api.adminKey });
    const there = { ...world, api: elsewhere } as World;
    for (const [route, use] of await servedRoutes()) {
      if (!use.roles.includes('server')) continue;
      const answer = await send(there, { ...requestOf(route, use, gone), key: gone.serverKey });
      expect(answer.status, `${route} ${JSON.stringify(answer.body)}`).toBeLessThan(500);
      expect(JSON.stringify(answer.body ?? ''), route).not.toContain('internal_error');
    }
    expect(await world.db.query('select 1 from device where application_id = $1', [gone.id])).toEqual([]);
    await elsewhere.close();
    // What was cancelled there ends here, with the next look of the roll-up.
    const unended = "select 1 from notification where state = 'cancelled' and completed_at is null";
    await eventually(async () => expect(await world.db.query(unended)).toEqual([]));
  });
});

describe('the key of the whole installation', () => {
  it('says for which application, and it must exist', async () => {
    const before = await settledFingerprint(world);
    for (const [route, use] of await servedRoutes()) {
      if (!use.roles.includes('server')) continue;
      const request = requestOf(route, use, mine);
      const ask = (query: string) => send(world, { ...request, path: request.path + query, key: world.api.adminKey });
      const named = { status: 400, code: 'invalid_request', path: 'query.applicationId' };
      expect(faultsOf(await ask(''), named), route).toEqual([]);
      expect(faultsOf(await ask('?applicationId=x'), named), route).toEqual([]);
      expect(faultsOf(await ask(`?applicationId=${mine.id}&applicationId=${theirs.id}`), named), route).toEqual([]);
      const missing = { status: 404, code: 'application_not_found' };
      expect(faultsOf(await ask(`?applicationId=${NOWHERE}`), missing), route).toEqual([]);
    }
    expect(await settledFingerprint(world)).toEqual(before);
  });
});

const NOWHERE = '00000000-0000-4000-8000-000000000000';

/** What an answer tells, apart from which id was asked for. */
function wordsOf(answer: { status: number; body: Record<string, unknown> }, ids: readonly string[]): string {
  const { requestId: _, ...rest } = answer.body;
  return ids.reduce((text, id) => text.replaceAll(id, '<id>'), JSON.stringify(rest));
}
