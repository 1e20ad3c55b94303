import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { apnsToken, createDevice, fcmToken, vapidPublicKey, webPushSubscription } from '../factories/device.js';
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

const asServer = (body: unknown): Promise<Answer> =>
  call(api, 'POST', '/v1/devices', { key: application.serverKey, body });

const asClient = (body: unknown, secret?: string): Promise<Answer> =>
  call(api, 'POST', '/v1/devices', {
    key: application.clientKey,
    body,
    ...(secret === undefined ? {} : { headers: { 'x-device-secret': secret } }),
  });

const read = async (id: string): Promise<Answer['body']> =>
  (await call(api, 'GET', `/v1/devices/${id}`, { key: application.serverKey })).body;

describe('with a server key', () => {
  it('a new token is a new device, and the same token is the same device', async () => {
    const token = fcmToken();
    const made = await asServer({
      provider: 'fcm',
      token,
      userId: 'u-1',
      topics: ['news', 'city'],
      tags: { plan: 'pro' },
      locale: 'ko-kr',
      timeZone: 'Asia/Seoul',
      appVersion: '3.2.0',
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      provider: 'fcm',
      status: 'active',
      userId: 'u-1',
      topics: ['city', 'news'],
      tags: { plan: 'pro' },
      locale: 'ko-KR',
      timeZone: 'Asia/Seoul',
      appVersion: '3.2.0',
      environment: null,
      deviceSecret: expect.stringMatching(/^ds_[A-Za-z0-9_-]{43}$/),
    });
    expect(JSON.stringify(made.body)).not.toContain(token);

    const again = await asServer({ provider: 'fcm', token, userId: 'u-2', topics: ['city', 'sport'], locale: null });
    expect(again.status).toBe(200);
    const { deviceSecret, ...known } = made.body;
    expect(deviceSecret).toBeDefined();
    expect(again.body).toEqual({
      ...known,
      userId: 'u-2',
      topics: ['city', 'sport'],
      locale: null,
      registeredAt: again.body.registeredAt,
    });
    expect(Date.parse(again.body.registeredAt)).toBeGreaterThanOrEqual(Date.parse(known.registeredAt));
    expect(await read(known.id)).toEqual(again.body);
  });

  it.each(['invalid', 'refused'] as const)('a device that was %s is alive again', async (status) => {
    const old = new Date('2020-01-01T00:00:00Z');
    const { publicId, token } = await createDevice(db, { applicationId: application.id, status, registeredAt: old });
    const { body } = await asServer({ provider: 'fcm', token });
    expect(body).toMatchObject({ id: publicId, status: 'active', invalidAt: null, invalidReason: null });
    expect(Date.parse(body.registeredAt)).toBeGreaterThan(old.getTime());
  });

  it('APNs and Web Push take the environment and key of the credential unless they are given', async () => {
    const subscription = webPushSubscription();
    const apns = await asServer({ provider: 'apns', token: apnsToken().toUpperCase(), environment: 'sandbox' });
    expect(apns.body).toMatchObject({ provider: 'apns', environment: 'sandbox' });
    const key = vapidPublicKey();
    const given = await asServer({ provider: 'webpush', token: subscription, vapidPublicKey: key });
    expect(given.body).toMatchObject({ provider: 'webpush', vapidPublicKey: key });

    const path = `/v1/applications/${application.id}/credentials/webpush`;
    const subject = 'mailto:ops@example.com';
    const put = await call(api, 'PUT', path, { key: api.adminKey, body: { subject, generate: true } });
    expect(put.status).toBeLessThan(300);
    const publicKey = await call(api, 'GET', `/v1/applications/${application.id}/webpush/public-key`);
    const unspoken = await asServer({ provider: 'webpush', token: webPushSubscription() });
    expect(unspoken.body.vapidPublicKey).toBe(publicKey.body.publicKey);
  });

  it('the same token in another application is another device', async () => {
    const token = fcmToken();
    const one = await asServer({ provider: 'fcm', token });
    application = await createApplication(api);
    const other = await asServer({ provider: 'fcm', token });
    expect(other.status).toBe(201);
    expect(other.body.id).not.toBe(one.body.id);
  });

  it('many who register the same token at once make one device, and its topics are those of one of them', async () => {
    const token = fcmToken();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        asServer({ provider: 'fcm', token, userId: `u-${i}`, topics: [`a-${i}`, `b-${i}`] }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ body }) => body.deviceSecret !== undefined)).toHaveLength(1);
    const { userId, topics } = await read(answers[0]?.body.id);
    const n = userId.slice(2);
    expect(topics).toEqual([`a-${n}`, `b-${n}`]);
  });

  it.each([
    [{ provider: 'fcm', token: '' }, ['token']],
    [{ provider: 'fcm', token: 'with space' }, ['token']],
    [{ provider: 'apns', token: 'not hex' }, ['token']],
    [
      { provider: 'webpush', token: { endpoint: 'https://updates.push.services.mozilla.com/x', keys: {} } },
      ['token.keys.p256dh', 'token.keys.auth'],
    ],
    [{ provider: 'fcm', token: 'abc', tags: { a: 1 }, topics: ['x y'] }, ['tags.a', 'topics.0']],
    [{ provider: 'fcm', token: 'abc', userId: 'a\0b' }, ['userId']],
    [{ provider: 'fcm', token: 'abc', tags: { 'half\ud800': 'x' } }, ['tags']],
    [{ provider: 'fcm', token: 'abc', nickname: 'x' }, ['nickname']],
  ])('%j is refused by name', async (body, paths) => {
    const refused = await asServer(body);
    expect(refused.status).toBe(400);
    const named = refused.body.errors.map(({ path }: { path: string }) => path);
    expect(named.toSorted()).toEqual(paths.toSorted());
  });
});

describe('with a client key', () => {
  // The fingerprint is of the token that the client itself has given.
  const withoutOwn = ({ deviceSecret, id, registeredAt, tokenFingerprint, ...rest }: Answer['body']) => rest;

  it('the answer is the same whether the token was known or not', async () => {
    const known = await createDevice(db, {
      applicationId: application.id,
      userId: 'u-1',
      topics: ['news'],
      tags: { plan: 'pro' },
      status: 'invalid',
      hasSecret: true,
      registeredAt: new Date('2020-01-01T00:00:00Z'),
    });
    const one = await asClient({ provider: 'fcm', token: known.token });
    const other = await asClient({ provider: 'fcm', token: fcmToken() });
    expect([one.status, other.status]).toEqual([200, 200]);
    expect(Object.keys(one.body)).toEqual(Object.keys(other.body));
    expect(withoutOwn(one.body)).toEqual(withoutOwn(other.body));
    // A version 7 UUID would tell when the device was first seen.
    expect(one.body.id[14]).toBe('4');
    expect(other.body.id[14]).toBe('4');
  });

  it('without the secret a device starts anew: the old secret dies, user and topics are gone', async () => {
    const token = fcmToken();
    const made = await asServer({ provider: 'fcm', token, userId: 'u-1', topics: ['news'], tags: { plan: 'pro' } });
    for (const wrong of [undefined, 'ds_wrong', `ds_${'A'.repeat(43)}`, '']) {
      const taken = await asClient({ provider: 'fcm', token, topics: ['sport'] }, wrong);
      expect(taken.status).toBe(200);
      expect(taken.body).toMatchObject({ id: made.body.id, userId: null, topics: ['sport'], tags: {} });
      expect(taken.body.deviceSecret).toBeDefined();
      expect(taken.body.deviceSecret).not.toBe(made.body.deviceSecret);
    }
    const path = `/v1/devices/${made.body.id}`;
    const late = await call(api, 'PATCH', path, {
      key: application.clientKey,
      body: { locale: 'de' },
      headers: { 'x-device-secret': made.body.deviceSecret },
    });
    expect(late.status).toBe(403);
    expect(late.body.code).toBe('device_secret_invalid');
  });

  it('with the secret the device is updated and keeps what is not mentioned', async () => {
    const token = fcmToken();
    const made = await asServer({ provider: 'fcm', token, userId: 'u-1', topics: ['news'], locale: 'ko-KR' });
    const updated = await asClient({ provider: 'fcm', token, tags: { plan: 'pro' } }, made.body.deviceSecret);
    expect(updated.status).toBe(200);
    expect(updated.body).toMatchObject({ userId: 'u-1', topics: ['news'], locale: 'ko-KR', tags: { plan: 'pro' } });
    expect(updated.body).not.toHaveProperty('deviceSecret');
  });

  it('of two who start the same device anew at once, one secret works', async () => {
    const token = fcmToken();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => asClient({ provider: 'fcm', token, topics: [`t-${i}`] })),
    );
    const works = await Promise.all(
      answers.map(async ({ body }) => {
        const headers = { 'x-device-secret': body.deviceSecret };
        const path = `/v1/devices/${body.id}`;
        return (await call(api, 'PATCH', path, { key: application.clientKey, body: {}, headers })).status;
      }),
    );
    expect(works.filter((status) => status === 200)).toHaveLength(1);
    expect(works.filter((status) => status === 403)).toHaveLength(9);
    expect((await read(answers[0]?.body.id)).topics).toHaveLength(1);
  });
});

describe('the user of a client', () => {
  let privateKey: KeyObject;

  beforeEach(async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    privateKey = pair.privateKey;
    const userTokenPublicKey = pair.publicKey.export({ type: 'spki', format: 'pem' });
    application = await createApplication(api, { userTokenPublicKey });
  });

  const userToken = (sub: string, seconds = 600, key = privateKey): Promise<string> =>
    new SignJWT({ sub })
      .setProtectedHeader({ alg: 'ES256' })
      .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
      .sign(key);

  it('is set by a user token alone', async () => {
    const token = fcmToken();
    const claimed = await asClient({ provider: 'fcm', token, userId: 'u-1' });
    expect([claimed.status, claimed.body.code]).toEqual([403, 'user_token_required']);
    const proven = await asClient({ provider: 'fcm', token, userToken: await userToken('u-1') });
    expect(proven.body.userId).toBe('u-1');
    const both = await asClient({ provider: 'fcm', token, userId: 'u-1', userToken: await userToken('u-1') });
    expect(both.body.userId).toBe('u-1');
    const other = await asClient({ provider: 'fcm', token, userId: 'u-2', userToken: await userToken('u-1') });
    expect([other.status, other.body.code]).toEqual([403, 'user_token_mismatch']);
  });

  it('is not set by a token that another signed, or that lives too long', async () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    for (const jwt of [
      await userToken('u-1', 600, stranger),
      await userToken('u-1', 7_200),
      await userToken('u-1', -120),
      'x',
    ]) {
      const refused = await asClient({ provider: 'fcm', token: fcmToken(), userToken: jwt });
      expect(refused.status).toBe(403);
    }
  });

  it('changes by user token and is cleared without one', async () => {
    const { body } = await asClient({ provider: 'fcm', token: fcmToken(), userToken: await userToken('u-1') });
    const patch = (change: unknown) =>
      call(api, 'PATCH', `/v1/devices/${body.id}`, {
        key: application.clientKey,
        body: change,
        headers: { 'x-device-secret': body.deviceSecret },
      });
    expect((await patch({ userId: 'u-2' })).body.code).toBe('user_token_required');
    expect((await patch({ userToken: await userToken('u-2') })).body.userId).toBe('u-2');
    expect((await patch({ userId: null })).body.userId).toBeNull();
  });

  it('is free where the application says so', async () => {
    application = await createApplication(api, { requireUserToken: false });
    const { status, body } = await asClient({ provider: 'fcm', token: fcmToken(), userId: 'u-1' });
    expect([status, body.userId]).toEqual([200, 'u-1']);
  });
});
