import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, startApi } from '../setup/app.js';
import { eventually } from '../setup/eventually.js';
import type { World } from '../setup/world.js';
import { faultsOf, makeTenant, send, settledFingerprint, startWorld, type Tenant } from './malformed-support.js';
import { ROUTES, type Role, type RouteUse } from './tenancy-routes.js';

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
    deviceId: owner.devices.fcm,
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
