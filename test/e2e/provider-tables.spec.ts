import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderName } from '../../src/lib/names.js';
import { apnsRows } from '../contract/apns-rows.js';
import { fcmRows } from '../contract/fcm-rows.js';
import type { ExpectedOutcome } from '../contract/rows.js';
import { webpushRows } from '../contract/webpush-rows.js';
import { type TestApplication, World } from '../setup/world.js';

/** The first delay of the retry schedule; a share of it is added at random, and a second by rounding up. */
const FIRST_RETRY_MS = 10_000;
const MAX_JITTER = 1.2;
const ROUNDING_MS = 1_500;

let world: World;

beforeAll(async () => {
  world = await World.start();
});
beforeEach(() => world.control('DELETE', '/__rules'));
afterAll(() => world?.close());

/** What one answer does to one delivery and its device, in the whole service. */
async function afterwards(application: TestApplication, provider: ProviderName, device: string, answer: object) {
  await world.control('POST', '/__rules', { match: { provider }, action: { type: 'respond', ...answer } });
  const id = await world.notify(application, { audience: { deviceIds: [device] } });
  await world.until(application, id, { firstAttemptAt: expect.any(String) });
  const [delivery] = await world.deliveries(application, id);
  const { status } = (await world.get(application, `/v1/devices/${device}`)).body;
  const { blockedBy } = (await world.get(application, `/v1/notifications/${id}`)).body;
  return { delivery, deviceStatus: status, blockedBy };
}

/** What the policy promises for an outcome, stated apart from the code that carries it out. */
async function expectEffects(
  application: TestApplication,
  provider: ProviderName,
  device: string,
  answer: object,
  expected: ExpectedOutcome,
): Promise<void> {
  const { delivery, deviceStatus, blockedBy } = await afterwards(application, provider, device, answer);
  const [attempt] = delivery.attempts;
  expect(attempt).toMatchObject({ number: 1, outcome: expected.kind, ...(expected.code && { code: expected.code }) });
  const waitMs = delivery.nextAttemptAt ? Date.parse(delivery.nextAttemptAt) - Date.parse(attempt.at) : undefined;
  switch (expected.kind) {
    case 'accepted':
      return expect({ status: delivery.status, deviceStatus }).toEqual({ status: 'accepted', deviceStatus: 'active' });
    case 'token_invalid':
      // Dead since before this registration: an older one was meant.
      return expect({ status: delivery.status, deviceStatus }).toEqual({
        status: 'failed',
        deviceStatus: expected.invalidSince ? 'active' : 'invalid',
      });
    case 'token_refused':
      return expect({ status: delivery.status, deviceStatus }).toEqual({ status: 'failed', deviceStatus: 'refused' });
    case 'message_invalid':
      return expect({ status: delivery.status, deviceStatus }).toEqual({ status: 'failed', deviceStatus: 'active' });
    case 'credential_invalid':
      expect({ status: delivery.status, deviceStatus }).toEqual({ status: 'pending', deviceStatus: 'active' });
      return expect(blockedBy).toMatchObject([{ provider, reason: attempt.code }]);
    case 'throttled': {
      const leastMs = expected.retryAfterMs ?? expected.minimumDelayMs ?? FIRST_RETRY_MS;
      expect({ status: delivery.status, deviceStatus }).toEqual({ status: 'pending', deviceStatus: 'active' });
      expect(blockedBy).toHaveLength(expected.scope === 'lane' ? 1 : 0);
      return expectBetween(waitMs, leastMs, Math.max(leastMs, expected.minimumDelayMs ?? 60_000));
    }
    default: {
      const leastMs = Math.max(FIRST_RETRY_MS, expected.retryAfterMs ?? 0, expected.minimumDelayMs ?? 0);
      if (leastMs >= 86_400_000) {
        return expect({ status: delivery.status, deviceStatus }).toEqual({ status: 'expired', deviceStatus: 'active' });
      }
      expect({ status: delivery.status, deviceStatus }).toEqual({ status: 'pending', deviceStatus: 'active' });
      return expectBetween(waitMs, leastMs, provider === 'apns' ? Math.max(leastMs, 900_000) : leastMs);
    }
  }
}

function expectBetween(waitMs: number | undefined, leastMs: number, mostMs: number): void {
  expect(waitMs).toBeGreaterThanOrEqual(leastMs);
  expect(waitMs).toBeLessThanOrEqual(mostMs * MAX_JITTER + ROUNDING_MS);
}

describe('every row of the FCM table: the delivery, its next attempt, the device', () => {
  it.each(fcmRows)('%s', async (_name, answer, expected) => {
    const application = await world.application(['fcm']);
    await expectEffects(application, 'fcm', await world.device(application, 'fcm'), answer, expected);
  });
});

describe('every row of the APNs table: the delivery, its next attempt, the device', () => {
  it.each(apnsRows)('%s', async (_name, answer, expected) => {
    const application = await world.application(['apns']);
    await expectEffects(application, 'apns', await world.device(application, 'apns'), answer, expected);
  });
});

describe('every row of the Web Push table: the delivery, its next attempt, the device', () => {
  it.each(webpushRows)('%s', async (_name, profile, answer, expected) => {
    const application = await world.application(['webpush']);
    const token = await world.subscription(application, undefined, profile);
    await expectEffects(application, 'webpush', await world.device(application, 'webpush', token), answer, expected);
  });
});
