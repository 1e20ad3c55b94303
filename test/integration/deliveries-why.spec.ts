import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, startApi, type TestApi } from '../setup/app.js';
import { eventually } from '../setup/eventually.js';
import { type TestApplication, World } from '../setup/world.js';

/** Ten minutes: shorter than the service's own clock needs to be moved for any case. */
const WINDOW = 600;

// biome-ignore lint/suspicious/noExplicitAny: a test states what it expects of the answer, field by field
type Body = any;

let world: World;
let application: TestApplication;
/** Started by the first test, for all the others. */
let workers: TestApi | undefined;

/** A fresh application whose Firebase project nobody else uses, so that its quota and credential are its own. */
async function loneApplication(): Promise<TestApplication> {
  const made = await world.application(['apns', 'webpush']);
  const { fcm } = await world.control('POST', '/__projects', { fcm: {} });
  await world.setCredential(made, 'fcm', fcm);
  return made;
}

beforeAll(async () => {
  world = await World.start({ role: 'api' });
  application = await loneApplication();
});
afterAll(async () => {
  await workers?.close();
  await world?.close();
});

async function why(owner: TestApplication, query: string, language = 'en'): Promise<Body> {
  const answer = await call(world.api, 'GET', `/v1/deliveries/why?${query}`, {
    key: owner.serverKey,
    headers: { 'accept-language': language },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

/** What the search says about a user's only delivery, once it says so. */
async function titleFor(owner: TestApplication, userId: string, expected: RegExp): Promise<Body> {
  return eventually(
    async () => {
      const { items } = await why(owner, `userId=${userId}&windowSeconds=${WINDOW}`);
      expect(items).toHaveLength(1);
      expect(items[0].explanation.title).toMatch(expected);
      return items[0];
    },
    { timeoutMs: 15_000 },
  );
}

const send = (owner: TestApplication, userId: string, options: object = {}) =>
  world.notify(owner, { audience: { userIds: [userId] }, options });

async function rule(provider: string, action: object, times?: number): Promise<void> {
  await world.control('DELETE', '/__rules');
  const match = { provider, regex: '.*' };
  await world.control('POST', '/__rules', { match, ...(times && { times }), action: { type: 'respond', ...action } });
}

describe('why did this phone not ring?', () => {
  it('because no worker has had it in hand yet, or none had in time', async () => {
    for (const userId of ['waiting', 'late']) await world.device(application, 'fcm', undefined, { userId });
    await send(application, 'waiting');
    await send(application, 'late', { ttlSeconds: 60 });
    const item = await titleFor(application, 'waiting', /^Still in the queue: no attempt has been made yet$/);
    expect(item).toMatchObject({ status: 'pending', attempts: [], explanation: { severity: 'waiting' } });
    await world.advance(90_000);
    const { config } = world.api;
    workers = await startApi({ ...config, database: config.DATABASE_URL, redis: world.redisUrl, CARILLON_ROLE: 'all' });
    await titleFor(application, 'late', /^Expired: the time to live ran out before the message could be sent$/);
    await titleFor(application, 'waiting', /^FCM accepted the message/);
  });

  it('because its token is dead: the delivery says so, and the device', async () => {
    const device = await world.device(application, 'fcm', `${crypto.randomUUID()}:APA91b--unregistered`, {
      userId: 'dead',
    });
    const id = await send(application, 'dead');
    const item = await titleFor(application, 'dead', /^The device token is dead: FCM no longer knows/);
    expect(item).toMatchObject({ notificationId: id, deviceId: device, status: 'failed' });
    expect(item.explanation).toMatchObject({
      severity: 'problem',
      action: expect.stringContaining('took the device out'),
    });
    expect(item.attempts[0].explanation.meaning).toContain('The app was uninstalled');
    const { devices } = await why(application, `deviceId=${device}`);
    expect(devices).toMatchObject([{ id: device, status: 'invalid', invalidReason: 'UNREGISTERED' }]);
    expect(devices[0].explanation.title).toMatch(/^Left out since \d{4}-.* UTC: The device token is dead/);
    // From now on it is left out, which only the device can tell.
    await send(application, 'dead');
    expect((await why(application, 'userId=dead')).items).toHaveLength(1);
    expect((await why(application, 'userId=dead', 'ko-KR')).items[0].explanation.title).toBe(
      '기기 토큰이 만료되었습니다. FCM이 이 앱 설치를 더 이상 알지 못합니다',
    );
  });

  it('because the message is too large', async () => {
    await world.device(application, 'apns', undefined, { userId: 'large' });
    await rule('apns', { status: 413, reason: 'PayloadTooLarge' }, 1);
    await send(application, 'large');
    const item = await titleFor(application, 'large', /^The message is too large for APNs$/);
    expect(item.explanation.nextSteps[0]).toContain('Shorten the text');
  });

  it('because the credential does not work: what was tried, and what has not even been', async () => {
    const owner = await loneApplication();
    await world.device(owner, 'fcm', undefined, { userId: 'first' });
    await world.device(owner, 'fcm', undefined, { userId: 'second' });
    await rule('fcm', { status: 403, reason: 'SERVICE_DISABLED' });
    const title = /^Held: the credential for FCM does not work: The Firebase Cloud Messaging API is switched off/;
    await send(owner, 'first');
    // The gate closes at once, the log follows with the next checkpoint.
    await eventually(async () => {
      const tried = await titleFor(owner, 'first', title);
      expect(tried).toMatchObject({ status: 'pending', attempts: [{ outcome: 'credential_invalid' }] });
    });
    await send(owner, 'second');
    const untried = await titleFor(owner, 'second', title);
    expect(untried).toMatchObject({ status: 'pending', attempts: [], explanation: { severity: 'problem' } });
    expect(untried.explanation.nextSteps[0]).toContain('enable "Firebase Cloud Messaging API"');
    await world.control('DELETE', '/__rules');
  });

  it('because a gate was closed by 429, for what was tried and what was not', async () => {
    const owner = await loneApplication();
    await world.device(owner, 'fcm', undefined, { userId: 'first' });
    await world.device(owner, 'fcm', undefined, { userId: 'second' });
    await rule('fcm', { status: 429, reason: 'QUOTA_EXCEEDED', retryAfterSeconds: 300 }, 1);
    const title = /^Held until \d{4}-\d\d-\d\d .* UTC: FCM limits the sending rate \(QUOTA_EXCEEDED\)$/;
    await send(owner, 'first');
    await titleFor(owner, 'first', title);
    await send(owner, 'second');
    expect(await titleFor(owner, 'second', title)).toMatchObject({ status: 'pending', attempts: [] });
  });

  it('because its time ran out, it was cancelled or held, or is scheduled, and one that is meant for nobody else', async () => {
    const owner = await world.application(['fcm']);
    for (const userId of ['late', 'cancelled', 'called-off', 'paused', 'scheduled', 'stranger']) {
      await world.device(owner, 'fcm', undefined, { userId });
    }
    await rule('fcm', { status: 503, reason: 'UNAVAILABLE' });
    await send(owner, 'late', { ttlSeconds: 5 });
    await titleFor(
      owner,
      'late',
      /^Expired: the time to live ran out between attempts. The latest one: FCM is overloaded/,
    );

    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const command = (id: string, name: string) =>
      call(world.api, 'POST', `/v1/notifications/${id}/${name}`, { key: owner.serverKey });
    const cancelled = await send(owner, 'cancelled');
    await titleFor(owner, 'cancelled', /^Waiting for another attempt: FCM is overloaded or temporarily unavailable$/);
    await command(cancelled, 'cancel');
    await titleFor(owner, 'cancelled', /^Cancelled while it waited for another attempt$/);

    const calledOff = await send(owner, 'called-off', { sendAt });
    await titleFor(owner, 'called-off', /^Scheduled: it goes out at \d{4}-/);
    await command(calledOff, 'cancel');
    const ended = await titleFor(owner, 'called-off', /^Cancelled before it was sent$/);
    expect(ended).toMatchObject({ status: 'cancelled', nextAttemptAt: null, attempts: [] });

    const paused = await send(owner, 'paused');
    await command(paused, 'pause');
    await titleFor(owner, 'paused', /^Held: the notification is paused$/);

    const scheduled = await send(owner, 'scheduled', { sendAt });
    const item = await titleFor(owner, 'scheduled', /^Scheduled: it goes out at \d{4}-/);
    expect(item).toMatchObject({ notificationId: scheduled, status: 'pending', nextAttemptAt: sendAt });
    const one = await world.get(owner, `/v1/notifications/${scheduled}/deliveries/${item.deviceId}`);
    expect(one.body).toMatchObject({ status: 'pending', explanation: item.explanation });
    expect((await why(owner, 'userId=stranger')).items).toEqual([]);
    await world.control('DELETE', '/__rules');
  });

  it('not at all: FCM accepted it, and nobody but the device knows more', async () => {
    const device = await world.device(application, 'fcm', undefined, { userId: 'reached' });
    const id = await send(application, 'reached');
    await titleFor(application, 'reached', /^FCM accepted the message, but no receipt has come from the device$/);

    await world.until(application, id, { status: 'completed' });
    const path = `/v1/notifications/${id}/deliveries/${device}`;
    const { body } = await world.get(application, path);
    expect(body).toMatchObject({
      status: 'accepted',
      attempts: [{ number: 1, explanation: { action: expect.stringContaining('no further attempt') } }],
      request: {
        recompiled: true,
        method: 'POST',
        url: expect.stringContaining('/messages:send'),
        headers: { authorization: 'Bearer <access token>' },
        body: { message: { notification: { title: 'title', body: 'body' } } },
        payloadBytes: expect.any(Number),
      },
      notification: { status: 'completed', content: { title: 'title', body: 'body' } },
      device: { id: device, userId: 'reached', status: 'active' },
    });
    expect((await world.get(application, path)).body.request).toEqual(body.request);
  });

  it('looks around the time that is asked for, and finds what came too late for it', async () => {
    const owner = await loneApplication();
    await world.device(owner, 'fcm', undefined, { userId: 'asked' });
    const at = (await world.db.query('select carillon_now() as now'))[0].now as Date;
    await rule('fcm', { status: 503, reason: 'UNAVAILABLE' }, 1);
    const id = await send(owner, 'asked');
    await titleFor(owner, 'asked', /^Waiting for another attempt/);
    await world.advance(3_600_000);
    await world.until(owner, id, { status: 'completed', counts: { accepted: 1 } });

    const around = (moment: Date) => `userId=asked&at=${moment.toISOString()}&windowSeconds=60`;
    const { items } = await why(owner, around(at));
    expect(items).toMatchObject([{ notificationId: id, status: 'accepted', attempts: [{ number: 1 }, { number: 2 }] }]);
    expect((await why(owner, around(new Date(at.getTime() - 600_000)))).items).toEqual([]);
    expect((await why(owner, around(new Date(at.getTime() + 600_000)))).items).toEqual(items);
  });

  it('hides what is another application’s, and refuses what it cannot answer', async () => {
    const other = await world.application([]);
    const device = await world.device(application, 'fcm');
    const id = await world.notify(application, { audience: { deviceIds: [device] } });
    const status = async (owner: TestApplication, path: string) => {
      const { status: answered, body } = await world.get(owner, path);
      return [answered, body.code];
    };
    expect(await status(other, `/v1/deliveries/why?deviceId=${device}`)).toEqual([404, 'device_not_found']);
    expect(await status(other, `/v1/notifications/${id}/deliveries/${device}`)).toEqual([
      404,
      'notification_not_found',
    ]);
    const elsewhere = await world.device(application, 'fcm');
    expect(await status(application, `/v1/notifications/${id}/deliveries/${elsewhere}`)).toEqual([
      404,
      'delivery_not_found',
    ]);
    for (const query of ['', `userId=a&deviceId=${device}`, 'userId=a&windowSeconds=0', 'userId=a&at=noon', 'user=a']) {
      expect(await status(application, `/v1/deliveries/why?${query}`)).toEqual([400, 'invalid_request']);
    }
    expect((await why(application, 'userId=nobody')).items).toEqual([]);
  });
});
