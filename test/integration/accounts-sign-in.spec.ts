import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDataSource } from '../../src/database/data-source.js';
import { cookieOf, createAccount, PASSWORD, type Person, personOf, signIn, trySignIn } from '../setup/accounts.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let api: TestApi;
let db: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl(), TRUST_PROXY: true });
  db = await makeDataSource({ url: database.url, poolSize: 2, applicationName: 'test' }).initialize();
});

afterAll(async () => {
  await api?.close();
  await db?.destroy();
  await database?.drop();
});

const advance = (ms: number) =>
  db.query('update clock_offset set value = value + make_interval(secs => $1)', [ms / 1_000]);
const statusOf = async (person: Person) => (await person.call('GET', '/v1/session')).status;
const linkFor = async (id: string): Promise<string> => {
  const { body } = await call(api, 'POST', `/v1/accounts/${id}/sign-in-links`, { key: api.adminKey });
  return new URL(body.url).hash.replace('#link=', '');
};
const useLink = (token: string, headers: Record<string, string> = {}) =>
  call(api, 'POST', '/v1/session/link', { body: { token }, headers });
const actionsOn = async (subject: string): Promise<string[]> => {
  const { body } = await call(api, 'GET', '/v1/audit?limit=1000', { key: api.adminKey });
  return body.items.flatMap((entry: { subject: string; action: string }) =>
    entry.subject === subject ? [entry.action] : [],
  );
};

describe('signing in', () => {
  it('answers the session and a cookie that only this host gets back, over TLS, and no script reads', async () => {
    const { email } = await createAccount(api, 'operator');
    const answer = await trySignIn(api, `  ${email.toUpperCase()} `, PASSWORD);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-carillon=[\w-]{43}; Max-Age=604800; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    expect(answer.body).toMatchObject({
      account: { email, role: 'operator', isDisabled: false, hasPassword: true, lastSignInAt: expect.any(String) },
      csrfToken: expect.stringMatching(/^[\w-]{43}$/),
      expiresAt: expect.any(String),
    });
    expect(JSON.stringify(answer.body)).not.toContain(cookieOf(answer).split('=')[1]);
    const person = personOf(api, answer);
    const read = await person.call('GET', '/v1/session');
    expect(read.body).toEqual(answer.body);
    expect(read.headers.get('cache-control')).toBe('no-store');
  });

  it('stores neither password, nor session, nor link', async () => {
    const person = await signIn(api, 'viewer');
    const token = await linkFor(person.accountId);
    const rows = JSON.stringify([
      await db.query('select to_jsonb(a)::text from account a'),
      await db.query('select to_jsonb(s)::text from account_session s'),
      await db.query('select to_jsonb(l)::text from sign_in_link l'),
    ]);
    expect(rows).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    for (const secret of [PASSWORD, person.cookie.split('=')[1], token, person.csrfToken])
      expect(rows).not.toContain(secret);
  });

  it('fails alike for a wrong password, an email that nobody has, a disabled account and one without a password', async () => {
    const [usual, disabled, without] = await Promise.all([
      createAccount(api, 'viewer'),
      createAccount(api, 'viewer'),
      createAccount(api, 'viewer', { password: null }),
    ]);
    await call(api, 'PATCH', `/v1/accounts/${disabled.id}`, { key: api.adminKey, body: { isDisabled: true } });
    const answers = await Promise.all([
      trySignIn(api, usual.email, 'not the password', '192.0.2.1'),
      trySignIn(api, 'nobody@example.com', PASSWORD, '192.0.2.2'),
      trySignIn(api, disabled.email, PASSWORD, '192.0.2.3'),
      trySignIn(api, without.email, '', '192.0.2.4'),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect({ ...answer.body, requestId: '' }).toEqual({ ...answers[0]?.body, requestId: '' });
      expect(answer.body.code).toBe('sign_in_failed');
    }
    expect(await actionsOn(usual.id)).toEqual(['account.sign_in_failed', 'account.create:viewer']);
  });

  it('takes its time for an email that nobody has, too', async () => {
    const { email } = await createAccount(api, 'viewer');
    await trySignIn(api, email, PASSWORD, '198.51.100.200');
    const bestMs = { known: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY };
    const emails = { known: email, unknown: 'nobody-else@example.com' };
    // By turns, each from an address of its own; the shortest of each, which no other work on the machine lengthens.
    for (let i = 0; i < 9; i++) {
      for (const which of ['known', 'unknown'] as const) {
        const startMs = performance.now();
        const answer = await trySignIn(api, emails[which], 'not the password', `198.51.100.${i}`);
        expect(answer.status).toBe(401);
        bestMs[which] = Math.min(bestMs[which], performance.now() - startMs);
      }
    }
    expect(bestMs.unknown / bestMs.known).toBeGreaterThan(0.5);
    expect(bestMs.unknown / bestMs.known).toBeLessThan(2);
  });

  it('begins a session of its own, whatever cookie the browser had', async () => {
    const { email } = await createAccount(api, 'viewer');
    const planted = `__Host-carillon=${'A'.repeat(43)}`;
    const body = { email, password: PASSWORD };
    const first = await call(api, 'POST', '/v1/session', { body, headers: { cookie: planted } });
    expect(cookieOf(first)).not.toBe(planted);
    expect((await call(api, 'GET', '/v1/session', { headers: { cookie: planted } })).status).toBe(401);
    const again = await call(api, 'POST', '/v1/session', { body, headers: { cookie: cookieOf(first) } });
    expect(cookieOf(again)).not.toBe(cookieOf(first));
    expect(await statusOf(personOf(api, first))).toBe(401);
    expect(await statusOf(personOf(api, again))).toBe(200);
  });

  it('is for pages of this service alone', async () => {
    const { id, email } = await createAccount(api, 'viewer');
    const token = await linkFor(id);
    for (const headers of [
      { origin: 'https://evil.example.com' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ] as Record<string, string>[]) {
      const body = { email, password: PASSWORD };
      expect((await call(api, 'POST', '/v1/session', { body, headers })).body.code).toBe('csrf_rejected');
      expect((await useLink(token, headers)).body.code).toBe('csrf_rejected');
    }
    expect((await useLink(token, { origin: api.baseUrl, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });
});

describe('a sign-in link', () => {
  it('works once, and stands behind the # of its address', async () => {
    const { id } = await createAccount(api, 'operator', { password: null });
    const made = await call(api, 'POST', `/v1/accounts/${id}/sign-in-links`, { key: api.adminKey });
    expect(made.status).toBe(201);
    const url = new URL(made.body.url);
    expect(url.origin + url.pathname + url.search).toBe(`${api.baseUrl}/console/sign-in`);
    const token = url.hash.replace('#link=', '');
    const answers = await Promise.all([useLink(token), useLink(token)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401]);
    expect(answers.find(({ status }) => status === 401)?.body.code).toBe('sign_in_link_invalid');
    expect(await actionsOn(id)).toEqual([
      'account.sign_in_by_link',
      'account.create_sign_in_link',
      'account.create:operator',
    ]);
  });

  it('ends with the next one, with its time, and with the account', async () => {
    const { id } = await createAccount(api, 'viewer', { password: null });
    const first = await linkFor(id);
    const second = await linkFor(id);
    expect((await useLink(first)).status).toBe(401);
    await advance(25 * HOUR_MS);
    expect((await useLink(second)).status).toBe(401);
    const third = await linkFor(id);
    const patch = (body: object) => call(api, 'PATCH', `/v1/accounts/${id}`, { key: api.adminKey, body });
    await patch({ isDisabled: true });
    expect((await useLink(third)).status).toBe(401);
    const refused = await call(api, 'POST', `/v1/accounts/${id}/sign-in-links`, { key: api.adminKey });
    expect(refused.body.code).toBe('account_disabled');
    await patch({ isDisabled: false });
    expect((await useLink(third)).status).toBe(401);
  });

  it('lets set a first password, without one before', async () => {
    const { id, email } = await createAccount(api, 'viewer', { password: null });
    const person = personOf(api, await useLink(await linkFor(id)));
    expect((await person.call('PUT', '/v1/session/password', { newPassword: 'too short' })).status).toBe(400);
    expect((await person.call('PUT', '/v1/session/password', { newPassword: PASSWORD })).status).toBe(204);
    expect((await trySignIn(api, email, PASSWORD)).body.account.hasPassword).toBe(true);
  });
});

describe('a session', () => {
  it('ends when its person signs out', async () => {
    const person = await signIn(api, 'viewer');
    const answer = await person.call('DELETE', '/v1/session');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toMatch(/^__Host-carillon=; Max-Age=0; Path=\/; Secure/);
    expect(await statusOf(person)).toBe(401);
    expect((await actionsOn(person.accountId))[0]).toBe('account.sign_out');
  });

  it('ends after twelve hours without a request, and after seven days with', async () => {
    const [idle, busy] = [await signIn(api, 'viewer'), await signIn(api, 'viewer')];
    await advance(11 * HOUR_MS);
    expect(await statusOf(busy)).toBe(200);
    await advance(2 * HOUR_MS);
    expect(await statusOf(idle)).toBe(401);
    for (let hours = 13; hours < 7 * 24; hours += 11) {
      expect(await statusOf(busy), `${hours} h`).toBe(200);
      await advance(11 * HOUR_MS);
    }
    const answer = await busy.call('GET', '/v1/applications');
    expect(answer.status).toBe(401);
    expect(answer.body.code).toBe('session_missing');
  });

  it.each([
    ['is disabled', 'PATCH', { isDisabled: true }],
    ['gets another role', 'PATCH', { role: 'viewer' }],
    ['loses its password', 'PATCH', { password: null }],
    ['is removed', 'DELETE', undefined],
  ] as const)('ends when the account %s', async (_, method, body) => {
    const person = await signIn(api, 'operator');
    expect(await statusOf(person)).toBe(200);
    const changed = await call(api, method, `/v1/accounts/${person.accountId}`, { key: api.adminKey, body });
    expect(changed.status).toBeLessThan(300);
    expect(await statusOf(person)).toBe(401);
  });

  it('of another browser ends when the password changes, which takes the one before', async () => {
    const here = await signIn(api, 'operator');
    const there = await signIn(api, 'operator', here.email);
    const link = await linkFor(here.accountId);
    const change = (body: object) => here.call('PUT', '/v1/session/password', body);
    const newPassword = 'another horse battery staple';
    for (const currentPassword of [undefined, 'not the password']) {
      const refused = await change({ currentPassword, newPassword });
      expect(refused.status).toBe(403);
      expect(refused.body.errors[0].path).toBe('currentPassword');
    }
    expect((await change({ currentPassword: PASSWORD, newPassword })).status).toBe(204);
    expect(await statusOf(here)).toBe(200);
    expect(await statusOf(there)).toBe(401);
    expect((await useLink(link)).status).toBe(401);
    expect((await trySignIn(api, here.email, PASSWORD, '192.0.2.77')).status).toBe(401);
    expect((await trySignIn(api, here.email, newPassword)).status).toBe(200);
  });

  it('is one of twenty of its account at most', async () => {
    const first = await signIn(api, 'viewer');
    for (let i = 0; i < 20; i++) {
      const answer = await useLink(await linkFor(first.accountId), { 'x-forwarded-for': `198.18.0.${i}` });
      expect(answer.status).toBe(200);
    }
    expect(await statusOf(first)).toBe(401);
    const rows = await db.query('select 1 from account_session where account_id = $1', [first.accountId]);
    expect(rows).toHaveLength(20);
  });
});

describe('the cookie', () => {
  it('is not looked at when there is an Authorization header', async () => {
    const { cookie } = await signIn(api, 'owner');
    for (const authorization of ['', 'Basic x', 'Bearer', `Bearer ad_${'x'.repeat(43)}`]) {
      const answer = await call(api, 'GET', '/v1/applications', { headers: { cookie, authorization } });
      expect(answer.status).toBe(401);
      expect(answer.body.code).toMatch(/^api_key_/);
    }
  });

  it('alone reads, and changes nothing', async () => {
    const owner = await signIn(api, 'owner');
    const { id, serverKey } = await createApplication(api);
    const post = (headers: Record<string, string>) =>
      owner.call('PATCH', `/v1/applications/${id}`, { name: 'stolen' }, headers);
    const foreign = await signIn(api, 'owner');
    for (const headers of [
      { 'x-csrf-token': '' },
      { 'x-csrf-token': 'x'.repeat(43) },
      { 'x-csrf-token': foreign.csrfToken },
      { origin: 'https://evil.example.com' },
      { origin: 'null' },
      { origin: `${api.baseUrl}.evil.example.com` },
      { origin: api.baseUrl.replace(/:\d+$/, ':1') },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ] as Record<string, string>[]) {
      const answer = await post(headers);
      expect(answer.status, JSON.stringify(headers)).toBe(403);
      expect(answer.body.code).toBe('csrf_rejected');
    }
    const { cookie } = owner;
    const bare = await call(api, 'PATCH', `/v1/applications/${id}`, { headers: { cookie }, body: { name: 'stolen' } });
    expect(bare.body.code).toBe('csrf_rejected');
    for (const site of ['cross-site', 'same-site']) {
      const read = await owner.call('GET', '/v1/applications', undefined, { 'sec-fetch-site': site });
      expect(read.body.code).toBe('csrf_rejected');
    }
    expect((await call(api, 'GET', `/v1/applications/${id}`, { key: api.adminKey })).body.name).toBe('test');
    expect((await post({ origin: api.baseUrl, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    expect((await call(api, 'GET', '/v1/session', { key: serverKey })).body.code).toBe('role_not_allowed');
  });

  it('is never answered with leave for another origin to read', async () => {
    const origin = 'https://app.example.com';
    const application = await createApplication(api, { corsOrigins: [origin] });
    const owner = await signIn(api, 'owner');
    const path = `/v1/devices?applicationId=${application.id}`;
    for (const [method, body] of [
      ['GET', undefined],
      ['POST', { provider: 'fcm', token: 'x'.repeat(40) }],
    ] as const) {
      const answer = await owner.call(method, path, body, { origin });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    }
    const preflight = await call(api, 'OPTIONS', '/v1/devices', {
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-csrf-token' },
    });
    expect(preflight.headers.get('access-control-allow-headers')).not.toContain('x-csrf-token');
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('that is none is refused as nobody', async () => {
    for (const cookie of ['__Host-carillon=', '__Host-carillon=x', `__Host-carillon=${'A'.repeat(43)}`, `carillon=x`]) {
      const answer = await call(api, 'GET', '/v1/session', { headers: { cookie } });
      expect(answer.status).toBe(401);
      expect(answer.body.code).toBe('session_missing');
    }
  });
});
