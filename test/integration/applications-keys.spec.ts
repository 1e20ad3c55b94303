import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

describe('API keys', () => {
  it('are shown once and recognised from then on', async () => {
    const { id } = await createApplication(api);
    const made = await call(api, 'POST', `/v1/applications/${id}/keys`, {
      key: api.adminKey,
      body: { role: 'admin', name: 'console' },
    });
    expect(made.status).toBe(201);
    expect(made.body.key).toMatch(/^ad_[A-Za-z0-9_-]{43}$/);
    expect(made.body.key.startsWith(made.body.prefix)).toBe(true);

    const listed = await call(api, 'GET', `/v1/applications/${id}/keys?limit=1000`, { key: made.body.key });
    expect(listed.status).toBe(200);
    expect(JSON.stringify(listed.body)).not.toContain(made.body.key);
    expect(listed.body.items.map((item: { name: string }) => item.name)).toContain('console');
  });

  it('stop working in this process the moment they are revoked', async () => {
    const { id } = await createApplication(api);
    const made = await call(api, 'POST', `/v1/applications/${id}/keys`, { key: api.adminKey, body: { role: 'admin' } });
    const path = `/v1/applications/${id}`;
    expect((await call(api, 'GET', path, { key: made.body.key })).status).toBe(200);
    const revoke = `${path}/keys/${made.body.id}`;
    expect((await call(api, 'DELETE', revoke, { key: api.adminKey })).status).toBe(204);
    const refused = await call(api, 'GET', path, { key: made.body.key });
    expect(refused.status).toBe(401);
    expect(refused.body.code).toBe('api_key_invalid');
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect((await call(api, 'DELETE', revoke, { key: api.adminKey })).status).toBe(204);
  });

  it('stop working in every other process within five seconds', async () => {
    const elsewhere = await startApi({ database: database.url, redis: api.config.REDIS_URL });
    const { id } = await createApplication(api);
    const made = await call(api, 'POST', `/v1/applications/${id}/keys`, { key: api.adminKey, body: { role: 'admin' } });
    const path = `/v1/applications/${id}`;
    expect((await call(elsewhere, 'GET', path, { key: made.body.key })).status).toBe(200);
    await call(api, 'DELETE', `${path}/keys/${made.body.id}`, { key: api.adminKey });
    const refused = async () => expect((await call(elsewhere, 'GET', path, { key: made.body.key })).status).toBe(401);
    await eventually(refused, { timeoutMs: 5_000 });
    await elsewhere.close();
  });

  it('show when they were last used', async () => {
    const { id, adminKey } = await createApplication(api);
    const lastUsed = async () => {
      const { body } = await call(api, 'GET', `/v1/applications/${id}/keys`, { key: adminKey });
      return body.items.find(({ role }: { role: string }) => role === 'admin').lastUsedAt;
    };
    await eventually(async () => expect(Date.parse(await lastUsed())).toBeGreaterThan(Date.now() - 60_000));
  });

  it('go with their application', async () => {
    const { id, adminKey, serverKey } = await createApplication(api);
    const path = `/v1/applications/${id}`;
    expect((await call(api, 'DELETE', path, { key: adminKey })).status).toBe(204);
    for (const key of [adminKey, serverKey]) expect((await call(api, 'GET', path, { key })).status).toBe(401);
    expect((await call(api, 'GET', path, { key: api.adminKey })).body.code).toBe('application_not_found');
  });

  it('stop working when they expire', async () => {
    const { id } = await createApplication(api);
    const expiresAt = new Date(Date.now() - 1_000).toISOString();
    const made = await call(api, 'POST', `/v1/applications/${id}/keys`, {
      key: api.adminKey,
      body: { role: 'admin', expiresAt },
    });
    expect((await call(api, 'GET', `/v1/applications/${id}`, { key: made.body.key })).status).toBe(401);
  });

  it('of one role do not open the routes of another', async () => {
    const { clientKey, serverKey } = await createApplication(api);
    for (const key of [clientKey, serverKey]) {
      const refused = await call(api, 'GET', '/v1/applications', { key });
      expect(refused.status).toBe(403);
      expect(refused.body.code).toBe('role_not_allowed');
    }
  });

  it('of an application admin reach no other tenant', async () => {
    const [one, other] = [await createApplication(api), await createApplication(api)];
    for (const [method, path, body] of [
      ['GET', `/v1/applications/${other.id}`, undefined],
      ['PATCH', `/v1/applications/${other.id}`, { name: 'mine' }],
      ['DELETE', `/v1/applications/${other.id}`, undefined],
      ['GET', `/v1/applications/${other.id}/keys`, undefined],
      ['POST', `/v1/applications/${other.id}/keys`, { role: 'server' }],
    ] as const) {
      expect((await call(api, method, path, { key: one.adminKey, body })).status, `${method} ${path}`).toBe(404);
    }
    expect((await call(api, 'POST', '/v1/applications', { key: one.adminKey, body: { name: 'new' } })).status).toBe(
      403,
    );
    const listed = await call(api, 'GET', '/v1/applications', { key: one.adminKey });
    expect(listed.body.items.map((item: { id: string }) => item.id)).toEqual([one.id]);
  });
});
