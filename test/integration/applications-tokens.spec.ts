import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserTokensService } from '../../src/applications/user-tokens.service.js';
import {
  type Credential,
  SHARED_TOKEN_STORE,
  type SharedToken,
  type SharedTokenStore,
} from '../../src/providers/provider.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
/** Two processes over one database, as far as the store can tell. */
let one: TestApi;
let other: TestApi;
let sql: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  const settings = { database: database.url, redis: await testRedisUrl() };
  [one, other] = await Promise.all([startApi(settings), startApi(settings)]);
  sql = new Client({ connectionString: database.url });
  await sql.connect();
});

afterAll(async () => {
  await sql?.end();
  await Promise.all([one?.close(), other?.close()]);
  await database?.drop();
});

async function createCredential(): Promise<Credential> {
  const { id: applicationId } = await createApplication(one);
  const id = randomUUID();
  await sql.query(
    `insert into credential (id, application_id, provider, version, sealed, fingerprint, public_parts)
     values ($1, $2, 'fcm', 1, '\\x00', 'f', '{}')`,
    [id, applicationId],
  );
  return { id, applicationId, provider: 'fcm', version: 1, publicParts: {}, secret: {}, simulated: false };
}

describe('a shared token', () => {
  const store = (api: TestApi) => api.app.get<SharedTokenStore>(SHARED_TOKEN_STORE);
  const isAlive = (token: SharedToken, now: Date) => token.expiresAt > now;
  let minted = 0;
  const mint = async (now: Date): Promise<SharedToken> => {
    minted += 1;
    return { value: `token-${minted}`, issuedAt: now, expiresAt: new Date(now.getTime() + 3_600_000) };
  };

  it('is minted once, however many processes ask at once', async () => {
    const credential = await createCredential();
    minted = 0;
    const waiters = `select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted`;
    const slow = async (now: Date) => {
      const token = await mint(now);
      // Until the other process stands in line, or, if nothing keeps it there, mints too.
      await eventually(async () => minted > 1 || (await sql.query(waiters)).rows[0].n > 0);
      return token;
    };
    const asked = Array.from({ length: 20 }, (_, index) =>
      store(index % 2 ? one : other).obtain(credential, isAlive, slow),
    );
    const tokens = await Promise.all(asked);
    expect(minted).toBe(1);
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(['token-1']));
    expect(tokens.every(({ expiresAt }) => expiresAt instanceof Date)).toBe(true);
  });

  it('lies sealed in the database', async () => {
    const credential = await createCredential();
    const { value } = await store(one).obtain(credential, isAlive, mint);
    const { rows } = await sql.query('select sealed from provider_token where credential_id = $1', [credential.id]);
    expect(rows[0].sealed.includes(value)).toBe(false);
  });

  it('is minted anew when the asker does not accept the stored one, and then serves the others', async () => {
    const credential = await createCredential();
    const first = await store(one).obtain(credential, isAlive, mint);
    const second = await store(other).obtain(credential, (token) => token.value !== first.value, mint);
    expect(second.value).not.toBe(first.value);
    expect((await store(one).obtain(credential, isAlive, mint)).value).toBe(second.value);
  });

  it('that could not be minted is not stored, and the next one tries again', async () => {
    const credential = await createCredential();
    const failure = new Error('the token endpoint is away');
    await expect(store(one).obtain(credential, isAlive, () => Promise.reject(failure))).rejects.toBe(failure);
    expect((await store(one).obtain(credential, isAlive, mint)).value).toMatch(/^token-/);
  });

  it('of a credential that was removed meanwhile is used but not kept', async () => {
    const credential = await createCredential();
    await sql.query('delete from credential where id = $1', [credential.id]);
    expect((await store(one).obtain(credential, isAlive, mint)).value).toMatch(/^token-/);
    const { rows } = await sql.query('select 1 from provider_token where credential_id = $1', [credential.id]);
    expect(rows).toEqual([]);
  });

  it('does not starve the database pool while token endpoints hang', async () => {
    const credentials: Credential[] = [];
    for (let n = 0; n < 15; n += 1) credentials.push(await createCredential());
    const released = Promise.withResolvers<void>();
    let started = 0;
    const slow = async (now: Date) => {
      started += 1;
      await released.promise;
      return mint(now);
    };
    const asked = credentials.map((credential) => store(one).obtain(credential, isAlive, slow));
    await eventually(() => started >= 2);
    for (let n = 0; n < 5; n += 1) {
      expect((await call(one, 'GET', '/v1/applications', { key: one.adminKey })).status).toBe(200);
    }
    released.resolve();
    expect((await Promise.all(asked)).length).toBe(15);
  });
});

describe('a user token', () => {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;
  const sign = (key: KeyObject, claims: Record<string, unknown>, alg = 'ES256') =>
    new SignJWT(claims).setProtectedHeader({ alg }).sign(key);
  const check = (applicationId: string, jwt: string) =>
    one.app.get(UserTokensService).verifyUserToken(applicationId, jwt);

  it('that the application signed names its user', async () => {
    const { publicKey, privateKey } = pair();
    const { id } = await createApplication(one, { userTokenPublicKey: pem(publicKey) });
    expect(await check(id, await sign(privateKey, { sub: 'u-1', exp: inSeconds(3_600) }))).toBe('u-1');
  });

  it.each([
    ['expired', { sub: 'u-1', exp: -120 }, 'user_token_expired'],
    ['valid for more than an hour', { sub: 'u-1', exp: 7_200 }, 'user_token_invalid'],
    ['without an expiry', { sub: 'u-1' }, 'user_token_invalid'],
    ['without a user', { exp: 600 }, 'user_token_invalid'],
    ['with an empty user', { sub: '', exp: 600 }, 'user_token_invalid'],
    ['with a user that cannot be stored', { sub: 'a\0b', exp: 600 }, 'user_token_invalid'],
    ['not yet valid', { sub: 'u-1', exp: 600, nbf: 300 }, 'user_token_invalid'],
  ])('%s is refused', async (_, { exp, nbf, ...claims }: { exp?: number; nbf?: number; sub?: string }, code) => {
    const { publicKey, privateKey } = pair();
    const { id } = await createApplication(one, { userTokenPublicKey: pem(publicKey) });
    const times = {
      ...(exp === undefined ? {} : { exp: inSeconds(exp) }),
      ...(nbf === undefined ? {} : { nbf: inSeconds(nbf) }),
    };
    await expect(check(id, await sign(privateKey, { ...claims, ...times }))).rejects.toMatchObject({
      kind: 'forbidden',
      code,
    });
  });

  it('signed by anybody else, or by nobody, is refused', async () => {
    const { publicKey } = pair();
    const { id } = await createApplication(one, { userTokenPublicKey: pem(publicKey) });
    const claims = { sub: 'u-1', exp: inSeconds(600) };
    const foreign = await sign(pair().privateKey, claims);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${encode({ alg: 'none' })}.${encode(claims)}.`;
    const secret = new TextEncoder().encode(pem(publicKey));
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret);
    for (const jwt of [foreign, unsigned, confused, '', 'a.b.c', 'x'.repeat(10_000)]) {
      await expect(check(id, jwt)).rejects.toMatchObject({ kind: 'forbidden', code: 'user_token_invalid' });
    }
  });

  it('cannot be checked without a key, and a new key counts soon in every process', async () => {
    const { id } = await createApplication(one);
    const { publicKey, privateKey } = pair();
    const jwt = await sign(privateKey, { sub: 'u-2', exp: inSeconds(600) });
    await expect(check(id, jwt)).rejects.toMatchObject({ code: 'user_token_key_missing' });
    const body = { userTokenPublicKey: pem(publicKey) };
    expect((await call(other, 'PATCH', `/v1/applications/${id}`, { key: one.adminKey, body })).status).toBe(200);
    await eventually(async () => expect(await check(id, jwt)).toBe('u-2'));
  });

  it.each([
    'no pem',
    pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
    pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
  ])('needs an ES256 public key', async (userTokenPublicKey) => {
    const { id } = await createApplication(one);
    const answer = await call(one, 'PATCH', `/v1/applications/${id}`, {
      key: one.adminKey,
      body: { userTokenPublicKey },
    });
    expect(answer.body.errors[0].path).toBe('userTokenPublicKey');
  });

  it('does not accept the private half as a public key', async () => {
    const { id } = await createApplication(one);
    const userTokenPublicKey = pair().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const answer = await call(one, 'PATCH', `/v1/applications/${id}`, {
      key: one.adminKey,
      body: { userTokenPublicKey },
    });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).not.toContain(userTokenPublicKey.split('\n')[1]);
  });
});
