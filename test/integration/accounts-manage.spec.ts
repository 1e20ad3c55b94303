import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashPassword } from '../../src/accounts/password.js';
import { makeDataSource } from '../../src/database/data-source.js';
import { createAccount, PASSWORD, personOf, signIn, trySignIn } from '../setup/accounts.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

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

const advanceSeconds = (seconds: number) =>
  db.query('update clock_offset set value = value + make_interval(secs => $1)', [seconds]);
const admin = (method: string, path: string, body?: unknown) => call(api, method, path, { key: api.adminKey, body });

describe('the last owner', () => {
  it('cannot be removed, disabled or demoted, not even by two at once', async () => {
    const one = await createAccount(api, 'owner');
    const other = await createAccount(api, 'owner');
    const changes = [
      ['PATCH', { role: 'operator' }],
      ['PATCH', { isDisabled: true }],
      ['DELETE', undefined],
    ] as const;
    for (const [method, body] of changes) {
      const answers = await Promise.all([one, other].map(({ id }) => admin(method, `/v1/accounts/${id}`, body)));
      expect(answers.map(({ status }) => status >= 300).toSorted()).toEqual([false, true]);
      expect(answers.find(({ status }) => status >= 300)?.body.code).toBe('last_owner');
      const lost = answers[0]?.status === 409 ? other : one;
      if (method === 'DELETE') break;
      await admin('PATCH', `/v1/accounts/${lost.id}`, { role: 'owner', isDisabled: false });
    }
    const { body } = await admin('GET', '/v1/accounts');
    expect(body.items).toMatchObject([{ role: 'owner', isDisabled: false }]);
    expect((await admin('PATCH', `/v1/accounts/${body.items[0].id}`, { name: 'Renamed' })).status).toBe(200);
  });
});

describe('accounts', () => {
  it('are listed in pages, without anything secret', async () => {
    await createAccount(api, 'viewer');
    const first = await admin('GET', '/v1/accounts?limit=1');
    const second = await admin('GET', `/v1/accounts?limit=1&cursor=${first.body.nextCursor}`);
    expect(first.body.items[0].id).not.toBe(second.body.items[0].id);
    expect(JSON.stringify([first.body, second.body])).not.toContain('argon2');
    expect(Object.keys(first.body.items[0]).toSorted()).toEqual(
      ['createdAt', 'email', 'hasPassword', 'id', 'isDisabled', 'lastSignInAt', 'name', 'role'].toSorted(),
    );
  });

  it('have an email of their own, however it is written', async () => {
    const { id, email } = await createAccount(api, 'viewer');
    const again = await admin('POST', '/v1/accounts', { email: ` ${email.toUpperCase()}`, role: 'viewer' });
    expect(again.status).toBe(409);
    expect(again.body.errors[0].path).toBe('email');
    const other = await createAccount(api, 'viewer');
    expect((await admin('PATCH', `/v1/accounts/${other.id}`, { email: email.toUpperCase() })).body.code).toBe(
      'account_exists',
    );
    expect((await admin('PATCH', `/v1/accounts/${id}`, { email: email.toUpperCase() })).body.email).toBe(email);
  });

  it.each([
    ['email', { email: 'nobody', role: 'viewer' }],
    ['email', { email: 'a@b@c', role: 'viewer' }],
    ['role', { email: 'a@example.com', role: 'admin' }],
    ['password', { email: 'a@example.com', role: 'viewer', password: 'short' }],
    ['isDisabled', { email: 'a@example.com', role: 'viewer', isDisabled: true }],
  ])('are refused by the name of the field: %s', async (path, body) => {
    const answer = await admin('POST', '/v1/accounts', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe(path);
  });

  it('are no business of an application’s admin', async () => {
    const { adminKey } = await createApplication(api);
    const { id } = await createAccount(api, 'viewer');
    for (const [method, path, body] of [
      ['GET', '/v1/accounts', undefined],
      ['POST', '/v1/accounts', { email: 'mine@example.com', role: 'owner' }],
      ['PATCH', `/v1/accounts/${id}`, { role: 'owner' }],
      ['DELETE', `/v1/accounts/${id}`, undefined],
      ['POST', `/v1/accounts/${id}/sign-in-links`, undefined],
    ] as const) {
      const answer = await call(api, method, path, { key: adminKey, body });
      expect(answer.body.code, `${method} ${path}`).toBe('wrong_application');
    }
  });

  it('leave their emails in the audit log, and their owners may remove themselves', async () => {
    const owner = await signIn(api, 'owner');
    expect((await owner.call('DELETE', `/v1/accounts/${owner.accountId}`)).status).toBe(204);
    expect((await owner.call('GET', '/v1/session')).status).toBe(401);
    const { body } = await admin('GET', '/v1/audit?limit=1');
    expect(body.items).toMatchObject([
      { action: 'account.delete', accountId: owner.accountId, accountEmail: owner.email, subject: owner.accountId },
    ]);
  });
});

describe('guessing a password', () => {
  const guess = (email: string, from: string) => trySignIn(api, email, 'not the password', from);
  const guesses = async (email: string, from: string, n: number) => {
    for (let i = 0; i < n; i++) expect((await guess(email, from)).status, `${from} ${i}`).toBe(401);
  };

  it('is locked out after five times, longer each time, and never for more than 15 minutes', async () => {
    const { id, email } = await createAccount(api, 'viewer');
    await guesses(email, '192.0.2.1', 5);
    for (const seconds of [30, 60, 120, 240, 480, 900, 900]) {
      const refused = await trySignIn(api, email, PASSWORD, '192.0.2.1');
      expect(refused.status).toBe(429);
      expect(refused.body.code).toBe('locked_out');
      const waitSeconds = Number(refused.headers.get('retry-after'));
      expect(waitSeconds).toBeGreaterThan(seconds - 10);
      expect(waitSeconds).toBeLessThanOrEqual(seconds);
      await advanceSeconds(seconds);
      await guesses(email, '192.0.2.1', 1);
    }
    await advanceSeconds(900);
    expect((await trySignIn(api, email, PASSWORD, '192.0.2.1')).status).toBe(200);
    await guesses(email, '192.0.2.1', 4);
    const { items } = (await admin('GET', '/v1/audit?limit=1000')).body;
    const lockOuts = items.filter((entry: object) => 'subject' in entry && entry.subject === id);
    expect(lockOuts.map(({ action }: { action: string }) => action)).toContain('account.lock_out');
  });

  it('locks an email that nobody has in the same way', async () => {
    await guesses('nobody@example.com', '192.0.2.2', 5);
    expect((await guess('nobody@example.com', '192.0.2.2')).body.code).toBe('locked_out');
    expect(JSON.stringify(await db.query('select * from audit_log'))).not.toContain('nobody@example.com');
    expect(JSON.stringify(await db.query('select * from sign_in_failure'))).not.toContain('nobody');
  });

  it('many times at once is counted as many times', async () => {
    const { email } = await createAccount(api, 'viewer');
    const answers = await Promise.all(Array.from({ length: 12 }, () => guess(email, '192.0.2.3')));
    expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(5);
  });

  it('of many people is locked out by address, but keeps nobody out who has signed in from there before', async () => {
    const { email } = await createAccount(api, 'viewer');
    expect((await trySignIn(api, email, PASSWORD, '2001:db8:0:7::aa')).status).toBe(200);
    // An IPv6 network counts as one.
    for (let i = 0; i < 20; i++) await guesses(`person-${i}@example.com`, `2001:db8:0:7::${i}`, 1);
    const next = () => guess('person-99@example.com', '2001:db8:0:7:ffff::1');
    expect((await next()).body.code).toBe('locked_out');
    expect((await trySignIn(api, email, PASSWORD, '2001:db8:0:7::bb')).status).toBe(200);
    expect((await next()).body.code).toBe('locked_out');
    await guesses('person-99@example.com', '2001:db8:0:8::1', 1);
  });

  it('from many addresses locks nobody out where they have signed in before, nor with a link', async () => {
    const { id, email } = await createAccount(api, 'owner');
    expect((await trySignIn(api, email, PASSWORD, '198.51.100.1')).status).toBe(200);
    for (let i = 0; i < 10; i++) await guesses(email, `203.0.113.${i}`, 5);
    expect((await trySignIn(api, email, PASSWORD, '198.51.100.2')).body.code).toBe('locked_out');
    expect((await trySignIn(api, email, PASSWORD, '198.51.100.1')).status).toBe(200);
    const link = await admin('POST', `/v1/accounts/${id}/sign-in-links`);
    const token = new URL(link.body.url).hash.replace('#link=', '');
    const answer = await call(api, 'POST', '/v1/session/link', { body: { token } });
    expect(await personOf(api, answer).call('GET', '/v1/session')).toMatchObject({ status: 200 });
  });

  it('from a session that was left open is guessing, too', async () => {
    const person = await signIn(api, 'viewer');
    const change = () =>
      person.call('PUT', '/v1/session/password', { currentPassword: 'a guess', newPassword: 'never the password' });
    for (let i = 0; i < 5; i++) expect((await change()).body.code).toBe('current_password_wrong');
    expect((await change()).body.code).toBe('locked_out');
  });
});

it('hashing is bounded: of very many at once the last are refused', async () => {
  const results = await Promise.allSettled(Array.from({ length: 60 }, () => hashPassword(PASSWORD)));
  const refused = results.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(60 - 34);
  expect(refused[0]).toMatchObject({ reason: { code: 'sign_in_busy', kind: 'unavailable' } });
  await expect(hashPassword(PASSWORD)).resolves.toMatch(/^\$argon2id\$/);
});
