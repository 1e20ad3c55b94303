import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../setup/app.js';
import { type TestApplication, World } from '../setup/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterEach(() => world.control('DELETE', '/__rules'));
afterAll(() => world?.close());

const act = (application: TestApplication, id: string, verb: 'cancel' | 'pause' | 'resume') =>
  call(world.api, 'POST', `/v1/notifications/${id}/${verb}`, { key: application.serverKey });

async function manyDevices(application: TestApplication, n: number): Promise<void> {
  const run = crypto.randomUUID().replaceAll('-', '');
  await world.devices(
    application,
    Array.from({ length: n }, (_, i) => ({ provider: 'fcm', token: `${run}${i}:APA91b${run}` })),
  );
}

describe('a notification for later', () => {
  it('goes out at sendAt, to the audience of that moment', async () => {
    const application = await world.application(['fcm']);
    await world.device(application, 'fcm', undefined, { topics: ['news'] });
    const sendAt = new Date(Date.now() + 7_200_000).toISOString();
    const id = await world.notify(application, { audience: { topics: ['news'] }, options: { sendAt } });
    await world.until(application, id, { status: 'scheduled', counts: { planned: 0 } });
    await world.device(application, 'fcm', undefined, { topics: ['news'] });
    await world.advance(7_200_000);
    await world.until(application, id, { status: 'completed', counts: { planned: 2, accepted: 2 } });
  });

  it('can be cancelled before', async () => {
    const application = await world.application(['fcm']);
    const device = await world.device(application, 'fcm');
    const id = await world.notify(application, {
      audience: { deviceIds: [device] },
      options: { sendAt: new Date(Date.now() + 86_400_000).toISOString() },
    });
    expect((await act(application, id, 'cancel')).status).toBeLessThan(300);
    await world.until(application, id, { status: 'cancelled' });
    expect((await act(application, id, 'pause')).status).toBe(409);
  });
});

describe('a dry run', () => {
  it('has FCM validate the message, and sends nothing to anybody', async () => {
    const application = await world.application(['fcm', 'apns']);
    await world.device(application, 'fcm');
    await world.device(application, 'apns');
    const before = await world.control('GET', '/__messages/count');
    const body = { audience: { all: true }, content: { title: 't' }, options: { dryRun: true } };
    const dry = () => call(world.api, 'POST', '/v1/notifications', { key: application.serverKey, body });
    expect(await dry()).toMatchObject({
      status: 202,
      body: {
        dryRun: {
          devices: { fcm: 1, apns: 1, webpush: 0 },
          providers: { fcm: { outcome: 'accepted', code: 'verified' } },
        },
      },
    });
    expect((await world.control('GET', '/__messages/count')).accepted).toBe(before.accepted);

    await world.control('POST', '/__rules', {
      match: { provider: 'fcm' },
      action: { type: 'respond', status: 400, reason: 'INVALID_ARGUMENT_FIELD' },
    });
    expect((await dry()).body).toMatchObject({ code: 'message_invalid', errors: [{ path: 'content' }] });
  });
});

describe('a running campaign', () => {
  it('stops when it is paused, goes on when it is resumed, and ends when it is cancelled, every delivery accounted for', async () => {
    const application = await world.application(['fcm']);
    await manyDevices(application, 4_000);
    await world.control('POST', '/__rules', {
      match: { provider: 'fcm' },
      action: { type: 'delay', uniform: { min: 800, max: 1_200 } },
    });
    const id = await world.notify(application, { audience: { all: true } });
    await world.until(application, id, { counts: { accepted: expect.toSatisfy((n: number) => n > 100) } });

    expect((await act(application, id, 'pause')).status).toBeLessThan(300);
    await world.until(application, id, { status: 'paused' });
    const paused = await settled(application, id);
    expect(paused.counts.pending).toBeGreaterThan(0);

    expect((await act(application, id, 'resume')).status).toBeLessThan(300);
    await world.until(application, id, {
      counts: { accepted: expect.toSatisfy((n: number) => n > paused.counts.accepted + 50) },
    });
    expect((await act(application, id, 'cancel')).status).toBeLessThan(300);
    const { counts } = await world.until(application, id, {
      status: 'cancelled',
      counts: { planned: 4_000, pending: 0 },
    });
    expect(counts.cancelled).toBeGreaterThan(0);
    expect(counts.accepted + counts.cancelled).toBe(4_000);
    const cancelled = await world.deliveries(application, id, '&status=cancelled');
    expect(cancelled[0].attempts).toMatchObject([{ number: 0, code: 'cancelled' }]);
  }, 60_000);
});

describe('the TTL', () => {
  it('ends what waits behind a closed gate', async () => {
    const application = await world.application([]);
    const device = await world.device(application, 'apns', `00${'cd'.repeat(31)}`).catch(() => undefined);
    expect(device).toBeDefined();
    await world.setCredential(application, 'fcm');
    const id = await world.notify(application, { audience: { deviceIds: [device] }, options: { ttlSeconds: 60 } });
    await world.until(application, id, { counts: { pending: 1 } });
    await world.advance(61_000);
    await world.until(application, id, { status: 'completed', counts: { expired: 1 } });
    const [delivery] = await world.deliveries(application, id);
    expect(delivery).toMatchObject({ status: 'expired', attempts: [{ number: 0, code: 'ttl_expired' }] });
  });

  it('of 0 reaches the provider as now or never', async () => {
    const application = await world.application(['apns']);
    const token = `00${crypto.randomUUID()}${crypto.randomUUID()}`.replaceAll('-', '').slice(0, 64);
    const device = await world.device(application, 'apns', token);
    const id = await world.notify(application, { audience: { deviceIds: [device] }, options: { ttlSeconds: 0 } });
    await world.until(application, id, { status: 'completed', counts: { accepted: 1 } });
    const { messages } = await world.control('GET', `/__messages?target=${token}`);
    expect(messages[0].headers['apns-expiration']).toBe('0');
  });
});

describe('an answer that was lost', () => {
  for (const [semantics, counts] of [
    ['at_least_once', { accepted: 1, retried: 1 }],
    ['at_most_once', { unknown: 1, retried: 0 }],
  ] as const) {
    it(`${semantics}: ${JSON.stringify(counts)}`, async () => {
      const application = await world.application(['fcm']);
      const device = await world.device(application, 'fcm');
      await world.control('POST', '/__rules', {
        match: { provider: 'fcm' },
        times: 1,
        action: { type: 'reset', when: 'after-accept' },
      });
      const id = await world.notify(application, { audience: { deviceIds: [device] }, options: { semantics } });
      if (semantics === 'at_least_once') {
        await world.until(application, id, { counts: { retried: 1, pending: 1 } });
        await world.advance(13_000);
      }
      await world.until(application, id, { status: 'completed', counts });
    });
  }
});

/** The notification once its counts stand still for three looks. */
async function settled(application: TestApplication, id: string) {
  let last = '';
  let still = 0;
  return world.until(application, id, {
    counts: expect.toSatisfy((counts: object) => {
      const now = JSON.stringify(counts);
      still = now === last ? still + 1 : 0;
      last = now;
      return still >= 30;
    }),
  });
}
