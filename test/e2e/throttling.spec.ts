import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import { type TestApplication, World } from '../setup/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterEach(() => world.control('DELETE', '/__rules'));
afterAll(() => world?.close());

/** Milliseconds between the first and the second request for this application's only delivery, by the service's own clock. */
async function waitedMs(application: TestApplication, id: string): Promise<number> {
  const [delivery] = await world.deliveries(application, id);
  const [first, second] = delivery.attempts;
  return Date.parse(second.at) - Date.parse(first.at);
}

/** Waits until no worker holds anything of it any more. */
async function givenBack(id: string): Promise<void> {
  await eventually(async () => {
    const rows = await world.db.query(
      `select 1 from dispatch_batch where notification_id = $1 and state in ('queued', 'leased')`,
      [id],
    );
    expect(rows).toEqual([]);
  });
}

describe('429', () => {
  it('for the whole project: the lane waits as long as it was told to, and other applications do not notice', async () => {
    const throttled = await world.application(['fcm']);
    const { fcm } = await world.control('POST', '/__projects', { fcm: {} });
    await world.setCredential(throttled, 'fcm', fcm);
    const other = await world.application(['fcm']);
    const devices = await Promise.all([1, 2, 3].map(() => world.device(throttled, 'fcm')));
    const otherDevice = await world.device(other, 'fcm');
    await world.control('POST', '/__rules', {
      match: { provider: 'fcm', regex: '.*' },
      times: 1,
      action: { type: 'respond', status: 429, reason: 'QUOTA_EXCEEDED', retryAfterSeconds: 120 },
    });
    const [one = '', ...others] = devices;
    const first = await world.notify(throttled, { audience: { deviceIds: [one] } });
    await world.until(throttled, first, { counts: { retried: 1, pending: 1 } });
    const { messages: before } = await world.control('GET', '/__messages?provider=fcm');
    const second = await world.notify(throttled, { audience: { deviceIds: others } });
    const elsewhere = await world.notify(other, { audience: { deviceIds: [otherDevice] } });
    await world.until(other, elsewhere, { status: 'completed', counts: { accepted: 1 } });
    await world.until(throttled, second, {
      counts: { pending: 2 },
      blockedBy: [{ provider: 'fcm', reason: 'QUOTA_EXCEEDED', until: expect.any(String) }],
    });
    const { messages: during } = await world.control('GET', '/__messages?provider=fcm');
    expect(during.length).toBe(before.length + 1);

    await world.advance(100_000);
    await world.until(throttled, second, { counts: { pending: 2 } });
    await world.advance(60_000);
    await world.until(throttled, first, { status: 'completed', counts: { accepted: 1 } });
    await world.until(throttled, second, { status: 'completed', counts: { accepted: 2 } });
    expect(await waitedMs(throttled, first)).toBeGreaterThanOrEqual(120_000);
  });

  for (const [name, header] of [
    ['seconds', () => '40'],
    ['a date', () => new Date(Date.now() + 40_000).toUTCString()],
  ] as const) {
    it(`for one token, Retry-After as ${name}: that delivery waits, the others go out`, async () => {
      const application = await world.application(['webpush']);
      const token = (await world.subscription(application)) as { endpoint: string };
      const slow = await world.device(application, 'webpush', token);
      const fast = await world.device(application, 'webpush');
      await world.control('POST', '/__rules', {
        match: { provider: 'webpush', target: token.endpoint.split('/').at(-1) },
        times: 1,
        action: { type: 'respond', status: 429, headers: { 'retry-after': header() } },
      });
      const id = await world.notify(application, { audience: { deviceIds: [slow, fast] } });
      await world.until(application, id, { counts: { accepted: 1, retried: 1, pending: 1 } });
      await world.advance(35_000);
      await world.until(application, id, { counts: { accepted: 1, pending: 1 } });
      await world.advance(60_000);
      await world.until(application, id, { status: 'completed', counts: { accepted: 2 } });
      const waiting = (await world.deliveries(application, id)).find(({ deviceId }) => deviceId === slow);
      const [first, second] = waiting.attempts;
      expect(Date.parse(second.at) - Date.parse(first.at)).toBeGreaterThanOrEqual(38_000);
      expect(second.outcome).toBe('accepted');
    });
  }
});

describe('503', () => {
  it('is retried no earlier than ten seconds, by schedule, until the TTL ends it', async () => {
    const application = await world.application(['fcm']);
    const device = await world.device(application, 'fcm');
    await world.control('POST', '/__rules', {
      match: { provider: 'fcm' },
      action: { type: 'respond', status: 503, reason: 'UNAVAILABLE' },
    });
    const id = await world.notify(application, { audience: { deviceIds: [device] }, options: { ttlSeconds: 100 } });
    await world.until(application, id, { counts: { retried: 1 } });
    await world.advance(13_000);
    await world.until(application, id, { counts: { retried: 2 } });
    await world.advance(37_000);
    await world.until(application, id, { status: 'completed', counts: { expired: 1, retried: 2 } });
    const [delivery] = await world.deliveries(application, id);
    const times = delivery.attempts.map((attempt: { at: string }) => Date.parse(attempt.at));
    expect(times[1] - times[0]).toBeGreaterThanOrEqual(10_000);
    expect(times[2] - times[1]).toBeGreaterThanOrEqual(30_000);
  });
});

describe('an outage', () => {
  it('trips the breaker: the rest waits unsent, a few probes find out that it is over, and everything goes out', async () => {
    const application = await world.application(['fcm']);
    const run = crypto.randomUUID().replaceAll('-', '');
    await world.devices(
      application,
      Array.from({ length: 900 }, (_, i) => ({ provider: 'fcm', token: `${run}${i}:APA91b${run}` })),
    );
    const outage = { match: { provider: 'fcm' }, action: { type: 'respond', status: 503, reason: 'UNAVAILABLE' } };
    await world.control('POST', '/__rules', outage);
    const requests = async () => (await world.control('GET', '/__messages/count')).services.fcm?.total ?? 0;
    const before = await requests();
    const id = await world.notify(application, { audience: { all: true } });
    await world.until(application, id, { blockedBy: [{ provider: 'fcm', reason: 'UNAVAILABLE' }] });
    await givenBack(id);
    expect((await requests()) - before).toBeLessThan(600);

    await world.control('DELETE', '/__rules');
    await world.advance(40_000);
    await world.until(
      application,
      id,
      { status: 'completed', counts: { accepted: 900, failed: 0, expired: 0 } },
      25_000,
    );
    expect(await world.db.query('select 1 from gate where application_id = $1', [application.id])).toEqual([]);
  }, 60_000);

  it('that is not over closes the gate again, for longer', async () => {
    const application = await world.application(['fcm']);
    const run = crypto.randomUUID().replaceAll('-', '');
    await world.devices(
      application,
      Array.from({ length: 300 }, (_, i) => ({ provider: 'fcm', token: `${run}${i}:APA91b${run}` })),
    );
    const outage = { match: { provider: 'fcm' }, action: { type: 'respond', status: 503, reason: 'UNAVAILABLE' } };
    await world.control('POST', '/__rules', outage);
    const gate = async () =>
      (
        await world.db.query(
          `select state, failures, extract(epoch from closed_until - carillon_now())::int as seconds from gate where application_id = $1`,
          [application.id],
        )
      )[0];
    const id = await world.notify(application, { audience: { all: true } });
    await eventually(async () => expect(await gate()).toMatchObject({ state: 'closed', failures: 1 }));
    await givenBack(id);
    await world.advance(40_000);
    await eventually(async () => expect(await gate()).toMatchObject({ state: 'closed', failures: 2 }), {
      timeoutMs: 20_000,
    });
    expect((await gate()).seconds).toBeGreaterThan(35);
  }, 60_000);
});
