import { generateKeyPairSync } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CredentialsService } from '../../src/applications/credentials.service.js';
import { TestSimulator } from '../contract/simulator-support.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let simulator: TestSimulator;
let api: TestApi;
let sql: Client;

const settings = async () => ({
  database: database.url,
  redis: await testRedisUrl(),
  SIMULATOR_FCM_URL: simulator.urls.fcm,
  SIMULATOR_APNS_URL: simulator.urls.apns,
  SIMULATOR_APNS_SANDBOX_URL: simulator.urls.apnsSandbox,
  SIMULATOR_WEBPUSH_URLS: Object.values(simulator.urls.webpush),
  SIMULATOR_CA_FILE: simulator.urls.caFile,
  LOG_LEVEL: 'silent' as const,
});

beforeAll(async () => {
  [database, simulator] = await Promise.all([createTestDatabase(), TestSimulator.start()]);
  api = await startApi(await settings());
  sql = new Client({ connectionString: database.url });
  await sql.connect();
});

afterAll(async () => {
  await sql?.end();
  await api?.close();
  await simulator?.stop();
  await database?.drop();
});

const put = (id: string, provider: string, body: unknown, key = api.adminKey) =>
  call(api, 'PUT', `/v1/applications/${id}/credentials/${provider}`, { key, body });
const read = (id: string, provider: string) =>
  call(api, 'GET', `/v1/applications/${id}/credentials/${provider}`, { key: api.adminKey });
const verify = (id: string, provider: string) =>
  call(api, 'POST', `/v1/applications/${id}/credentials/${provider}/verify`, { key: api.adminKey });
const fcm = (account = simulator.setup.fcm.serviceAccount) => ({ serviceAccount: account, simulated: true });
const apns = () => {
  const { keyId, teamId, bundleId, privateKey } = simulator.setup.apns;
  return { keyId, teamId, bundleId, privateKey, environment: 'production', simulated: true };
};
const vapid = () => ({ subject: 'mailto:ops@example.com', generate: true, simulated: true });
const service = () => api.app.get(CredentialsService);

describe('a credential', () => {
  it('is stored sealed and shown without its secret', async () => {
    const { id } = await createApplication(api);
    const secret = simulator.setup.apns.privateKey;
    const stored = await put(id, 'apns', apns());
    expect(stored.status).toBe(200);
    expect(stored.body).toMatchObject({
      provider: 'apns',
      version: 1,
      state: 'ok',
      simulated: true,
      keyId: apns().keyId,
      teamId: apns().teamId,
      bundleId: apns().bundleId,
      environment: 'production',
    });
    expect(stored.body.fingerprint).toMatch(/^\S{8,}$/);
    const bare = secret.replaceAll(/-----[^-]+-----|\s/g, '');
    for (const answer of [stored, await read(id, 'apns')]) {
      expect(JSON.stringify(answer.body).replaceAll('\\n', '')).not.toContain(bare);
    }
    const { rows } = await sql.query('select * from credential where application_id = $1', [id]);
    expect(rows).toHaveLength(1);
    expect(rows[0].sealed.includes(bare.slice(0, 20))).toBe(false);
    expect((await service().open(id, 'apns'))[0]?.secret).toBeTypeOf('object');
  });

  it('opens for its own row alone', async () => {
    const [one, other] = [await createApplication(api), await createApplication(api)];
    await put(one.id, 'apns', apns());
    await put(other.id, 'apns', apns());
    await sql.query(
      `update credential set sealed = (select sealed from credential where application_id = $1) where application_id = $2`,
      [one.id, other.id],
    );
    await expect(service().open(other.id, 'apns')).rejects.toThrow(/CARILLON_MASTER_KEY/);
    expect((await service().open(one.id, 'apns')).length).toBe(1);
  });

  it('that cannot work is refused by the path of each wrong field', async () => {
    const { id } = await createApplication(api);
    const wrong = await put(id, 'apns', { ...apns(), keyId: 'short', privateKey: 'no pem' });
    expect(wrong.status).toBe(400);
    expect(wrong.body.code).toBe('invalid_credential');
    expect(wrong.body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual(['keyId', 'privateKey']);
    expect((await put(id, 'fcm', {})).body.errors[0].path).toMatch(/^serviceAccount/);
    expect((await put(id, 'sms', {})).body.errors[0].path).toBe('params.provider');
    expect((await read(id, 'apns')).body.code).toBe('credential_not_found');
  });

  it('replaces the old one at once, and a late verdict on the old one changes nothing', async () => {
    const { id } = await createApplication(api);
    await put(id, 'fcm', fcm());
    expect((await service().open(id, 'fcm'))[0]?.version).toBe(1);
    const second = await put(id, 'fcm', fcm(simulator.setup.fcm.other));
    expect(second.body.version).toBe(2);
    expect((await service().open(id, 'fcm')).map(({ version }) => version)).toEqual([2]);
    expect(await service().markBroken(id, 'fcm', 1, 'UNAUTHENTICATED')).toBe(false);
    expect((await read(id, 'fcm')).body.state).toBe('ok');
    expect(await service().markBroken(id, 'fcm', 2, 'UNAUTHENTICATED')).toBe(true);
    expect(await service().markBroken(id, 'fcm', 2, 'UNAUTHENTICATED')).toBe(false);
    expect((await read(id, 'fcm')).body).toMatchObject({ state: 'broken', stateReason: 'UNAUTHENTICATED' });
  });

  it('gets a version that none before it had, also after a removal', async () => {
    const { id } = await createApplication(api);
    await put(id, 'fcm', fcm());
    const path = `/v1/applications/${id}/credentials/fcm`;
    expect((await call(api, 'DELETE', path, { key: api.adminKey })).status).toBe(204);
    expect((await call(api, 'DELETE', path, { key: api.adminKey })).status).toBe(404);
    expect(await service().open(id, 'fcm')).toEqual([]);
    expect((await put(id, 'fcm', fcm())).body.version).toBe(2);
  });

  it('put many times at once leaves one, with every version used once', async () => {
    const { id } = await createApplication(api);
    const answers = await Promise.all(Array.from({ length: 8 }, () => put(id, 'apns', apns())));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const { rows } = await sql.query('select version from credential where application_id = $1', [id]);
    expect(rows).toEqual([{ version: 8 }]);
  });

  it('is for simulators only where there are some', async () => {
    const bare = await startApi({ database: database.url, redis: await testRedisUrl(), LOG_LEVEL: 'silent' });
    const { id } = await createApplication(bare);
    const path = `/v1/applications/${id}/credentials/fcm`;
    const refused = await call(bare, 'PUT', path, { key: bare.adminKey, body: fcm() });
    expect(refused.body.errors).toEqual([{ path: 'simulated', message: expect.any(String) }]);
    await bare.close();
  });
});

describe('Web Push key pairs', () => {
  it('are generated, and the public half is public', async () => {
    const { id } = await createApplication(api);
    const stored = await put(id, 'webpush', vapid());
    expect(Buffer.from(stored.body.publicKey, 'base64url')).toHaveLength(65);
    const shown = await call(api, 'GET', `/v1/applications/${id}/webpush/public-key`);
    expect(shown.body).toEqual({ publicKey: stored.body.publicKey });
    expect(Object.keys(stored.body)).not.toContain('privateKey');
  });

  it('stay while active devices are registered with them, and go when none is', async () => {
    const { id } = await createApplication(api);
    const first = (await put(id, 'webpush', vapid())).body.publicKey;
    await sql.query(
      `insert into device (public_id, application_id, provider, token, token_hash, vapid_public_key)
       values (gen_random_uuid(), $1, 'webpush', 't', 'h', $2)`,
      [id, first],
    );
    const second = (await put(id, 'webpush', vapid())).body.publicKey;
    const third = (await put(id, 'webpush', vapid())).body.publicKey;
    expect((await service().open(id, 'webpush')).map(({ publicParts }) => publicParts['publicKey'])).toEqual([
      third,
      first,
    ]);
    expect(second).not.toBe(third);
    await sql.query(`update device set status = 'invalid' where application_id = $1`, [id]);
    const fourth = (await put(id, 'webpush', vapid())).body.publicKey;
    expect((await service().open(id, 'webpush')).map(({ publicParts }) => publicParts['publicKey'])).toEqual([fourth]);
  });
});

describe('verification', () => {
  const closeGate = (id: string, provider: string, kind: string, scope = '') =>
    sql.query(
      `insert into gate (application_id, provider, scope, state, kind, closed_until, reason)
       values ($1, $2, $3, 'closed', $4, carillon_now() + interval '1 hour', 'x')`,
      [id, provider, scope, kind],
    );
  const gates = async (id: string) =>
    (await sql.query('select provider, kind from gate where application_id = $1 order by kind', [id])).rows;

  it.each(['fcm', 'apns', 'webpush'] as const)(
    'of a good %s credential heals it and opens its gate',
    async (provider) => {
      const { id } = await createApplication(api);
      await put(id, provider, { fcm: fcm(), apns: apns(), webpush: vapid() }[provider]);
      await service().markBroken(id, provider, 1, 'InvalidProviderToken');
      await closeGate(id, provider, 'credential');
      await closeGate(id, provider, 'throttled', 'elsewhere');
      const answer = await verify(id, provider);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ ok: true, state: 'ok' });
      expect((await read(id, provider)).body).toMatchObject({ state: 'ok', stateReason: null });
      expect(await gates(id)).toEqual([{ provider, kind: 'throttled' }]);
    },
  );

  it('of a key that the provider refuses says so in its words', async () => {
    const { id } = await createApplication(api);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await put(id, 'apns', { ...apns(), privateKey: pem });
    const answer = await verify(id, 'apns');
    expect(answer.body).toMatchObject({ ok: false, state: 'broken', code: 'InvalidProviderToken' });
    expect((await read(id, 'apns')).body).toMatchObject({ state: 'broken', stateReason: 'InvalidProviderToken' });
  });

  it('that finds the provider away leaves the credential as it is', async () => {
    const { id } = await createApplication(api);
    await put(id, 'apns', apns());
    await simulator.rule({ provider: 'apns' }, { type: 'respond', status: 503, reason: 'ServiceUnavailable' }, 1);
    const answer = await verify(id, 'apns');
    expect(answer.body).toMatchObject({ ok: false, state: 'ok', code: 'ServiceUnavailable' });
    await simulator.reset();
  });

  it('has nothing to try where there is none', async () => {
    const { id } = await createApplication(api);
    expect((await verify(id, 'fcm')).body.code).toBe('credential_not_found');
  });

  it('a new version opens the gate, too', async () => {
    const { id } = await createApplication(api);
    await put(id, 'fcm', fcm());
    await closeGate(id, 'fcm', 'credential');
    await put(id, 'fcm', fcm());
    expect(await gates(id)).toEqual([]);
  });
});

describe('the audit log', () => {
  it('tells who changed what, newest first, and an application admin only their own', async () => {
    const { id, adminKey } = await createApplication(api);
    await put(id, 'fcm', fcm(), adminKey);
    await call(api, 'PATCH', `/v1/applications/${id}`, { key: api.adminKey, body: { requireUserToken: false } });
    const listed = await call(api, 'GET', `/v1/audit?limit=2`, { key: adminKey });
    expect(listed.body.items.map(({ action }: { action: string }) => action)).toEqual([
      'application.update:requireUserToken',
      'credential.put',
    ]);
    expect(listed.body.items[0].keyId).toBe('bootstrap');
    const rest = await call(api, 'GET', `/v1/audit?cursor=${listed.body.nextCursor}`, { key: adminKey });
    expect(rest.body.items.map(({ action }: { action: string }) => action).at(-1)).toBe('application.create');
    expect(rest.body.items.every(({ applicationId }: { applicationId: string }) => applicationId === id)).toBe(true);
    const other = await createApplication(api);
    expect((await call(api, 'GET', `/v1/audit?applicationId=${other.id}`, { key: adminKey })).status).toBe(403);
  });
});
