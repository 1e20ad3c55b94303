import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../setup/app.js';
import { type TestApplication, World } from '../setup/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world?.close());

const apnsToken = (): string => `00${crypto.randomUUID()}${crypto.randomUUID()}`.replaceAll('-', '').slice(0, 64);
const fcmToken = (): string => `${crypto.randomUUID().replaceAll('-', '')}:APA91b${crypto.randomUUID()}`;

async function statusOf(application: TestApplication, deviceId: string): Promise<string> {
  return (await world.get(application, `/v1/devices/${deviceId}`)).body.status;
}

async function requestsFor(target: string): Promise<number> {
  return (await world.control('GET', `/__messages?target=${encodeURIComponent(target)}`)).messages.length;
}

describe('a push through each provider', () => {
  it('is accepted, logged, and carries the notification id', async () => {
    const application = await world.application();
    const ids = await Promise.all(
      (['fcm', 'apns', 'webpush'] as const).map((provider) => world.device(application, provider)),
    );
    const id = await world.notify(application, { audience: { deviceIds: ids } });
    await world.until(application, id, { status: 'completed', counts: { planned: 3, accepted: 3 } });

    const deliveries = await world.deliveries(application, id);
    expect(deliveries.map((delivery) => delivery.deviceId).sort()).toEqual([...ids].sort());
    for (const { attempts } of deliveries) {
      expect(attempts).toEqual([
        expect.objectContaining({ number: 1, outcome: 'accepted', code: expect.stringMatching(/^20[01]$/) }),
      ]);
    }
    const { messages } = await world.control('GET', '/__messages');
    const sent = messages.filter((message: object) => JSON.stringify(message).includes(id));
    expect(sent.map((message: { provider: string }) => message.provider).sort()).toEqual(['apns', 'fcm', 'webpush']);
    expect((await world.control('GET', '/__violations')).violations ?? []).toEqual([]);
  });
});

describe('a dead token', () => {
  const cases = [
    { provider: 'fcm', state: 'unregistered', code: 'UNREGISTERED' },
    { provider: 'fcm', state: 'malformed', code: 'INVALID_ARGUMENT' },
    { provider: 'apns', state: 'unregistered', code: 'Unregistered' },
    { provider: 'apns', state: 'expired', code: 'ExpiredToken' },
  ] as const;
  for (const { provider, state, code } of cases) {
    it(`is pruned once and never sent to again: ${provider} ${code}`, async () => {
      const application = await world.application([provider]);
      const token = provider === 'fcm' ? fcmToken() : apnsToken();
      const device = await world.device(application, provider, token);
      await world.control('PUT', `/__targets/${token}`, { state });
      const first = await world.notify(application, { audience: { deviceIds: [device] } });
      await world.until(application, first, { status: 'completed', counts: { failed: 1, planned: 1 } });
      expect((await world.deliveries(application, first))[0].attempts).toMatchObject([{ code }]);
      expect(await statusOf(application, device)).toMatch(/^(invalid|refused)$/);

      const second = await world.notify(application, { audience: { all: true } });
      await world.until(application, second, { status: 'completed', counts: { planned: 0 } });
      expect(await requestsFor(token)).toBe(1);
    });
  }

  for (const behaviour of ['expired', 'gone']) {
    it(`is pruned once and never sent to again: webpush ${behaviour}`, async () => {
      const application = await world.application(['webpush']);
      const device = await world.device(application, 'webpush', await world.subscription(application, behaviour));
      const first = await world.notify(application, { audience: { deviceIds: [device] } });
      await world.until(application, first, { status: 'completed', counts: { failed: 1, planned: 1 } });
      expect(await statusOf(application, device)).toBe('invalid');
      const second = await world.notify(application, { audience: { all: true } });
      await world.until(application, second, { status: 'completed', counts: { planned: 0 } });
    });
  }

  it('is sent to at most once more when two notifications race, and suppressed where a batch was already planned', async () => {
    const application = await world.application(['fcm']);
    const token = fcmToken();
    const device = await world.device(application, 'fcm', token);
    const paused = await world.notify(application, {
      audience: { deviceIds: [device] },
      options: { sendAt: new Date(Date.now() + 3_600_000).toISOString() },
    });
    await world.control('PUT', `/__targets/${token}`, { state: 'unregistered' });
    const first = await world.notify(application, { audience: { deviceIds: [device] } });
    await world.until(application, first, { status: 'completed', counts: { failed: 1 } });
    await world.advance(3_700_000);
    await world.until(application, paused, { status: 'completed', counts: { planned: 0 } });
    expect(await requestsFor(token)).toBe(1);
  });

  it('stays alive when the device registered again after the time the provider gave', async () => {
    const application = await world.application(['apns']);
    const token = apnsToken();
    const device = await world.device(application, 'apns', token);
    const hourAgo = Date.now() - 3_600_000;
    await world.control('PUT', `/__targets/${token}`, { state: 'unregistered', timestampMs: hourAgo });
    const id = await world.notify(application, { audience: { deviceIds: [device] } });
    await world.until(application, id, { status: 'completed', counts: { failed: 1 } });
    expect(await statusOf(application, device)).toBe('active');
  });

  it('comes back to life when it is registered again', async () => {
    const application = await world.application(['fcm']);
    const token = fcmToken();
    const device = await world.device(application, 'fcm', token);
    await world.control('PUT', `/__targets/${token}`, { state: 'unregistered' });
    const id = await world.notify(application, { audience: { deviceIds: [device] } });
    await world.until(application, id, { status: 'completed' });
    expect(await statusOf(application, device)).toBe('invalid');
    await world.control('PUT', `/__targets/${token}`, { state: 'live' });
    expect(await world.device(application, 'fcm', token)).toBe(device);
    const again = await world.notify(application, { audience: { deviceIds: [device] } });
    await world.until(application, again, { status: 'completed', counts: { accepted: 1 } });
  });
});

describe('who is not sent to', () => {
  it('a device that belongs to somebody else by the time of sending', async () => {
    const application = await world.application(['fcm']);
    const token = fcmToken();
    await world.device(application, 'fcm', token, { userId: 'anna' });
    await world.control('POST', '/__rules', {
      match: { provider: 'fcm', target: token },
      times: 1,
      action: { type: 'respond', status: 503, reason: 'UNAVAILABLE' },
    });
    const id = await world.notify(application, { audience: { userIds: ['anna'] } });
    await world.until(application, id, { counts: { retried: 1, pending: 1 } });
    await world.device(application, 'fcm', token, { userId: 'bert' });
    await world.advance(15_000);
    await world.until(application, id, { status: 'completed', counts: { suppressed: 1 } });
    const [delivery] = await world.deliveries(application, id);
    expect(delivery.attempts.at(-1)).toMatchObject({ number: 0, code: 'user_changed' });
  });

  it('a device that was deleted', async () => {
    const application = await world.application(['fcm']);
    const token = fcmToken();
    const device = await world.device(application, 'fcm', token);
    await world.control('POST', '/__rules', {
      match: { provider: 'fcm', target: token },
      times: 1,
      action: { type: 'respond', status: 503, reason: 'UNAVAILABLE' },
    });
    const id = await world.notify(application, { audience: { deviceIds: [device] } });
    await world.until(application, id, { counts: { retried: 1 } });
    const gone = await call(world.api, 'DELETE', `/v1/devices/${device}`, { key: application.serverKey });
    expect(gone.status).toBeLessThan(300);
    await world.advance(15_000);
    await world.until(application, id, { status: 'completed', counts: { suppressed: 1 } });
    expect(await requestsFor(token)).toBe(1);
  });
});
