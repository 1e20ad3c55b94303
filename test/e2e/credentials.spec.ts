import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import { type TestApplication, World } from '../setup/world.js';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world?.close());

async function statuses(application: TestApplication): Promise<Record<string, number>> {
  const rows: { status: string; n: number }[] = await world.db.query(
    'select status, count(*)::int as n from device where application_id = $1 group by 1',
    [application.id],
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}

describe('a broken credential', () => {
  it('touches no device, holds the deliveries, and lets them out when it is replaced', async () => {
    const application = await world.application([]);
    const { apns } = await world.control('POST', '/__projects', { apns: {} });
    const good = { ...apns, environment: 'production' };
    delete good.bundleIds;
    delete good.environments;
    await world.setCredential(application, 'apns', {
      ...((await world.simulatorCredential('apns')) as object),
      keyId: 'UNKNOWNKEY',
    });
    const devices = await Promise.all([1, 2, 3, 4, 5].map(() => world.device(application, 'apns')));
    const id = await world.notify(application, { audience: { deviceIds: devices } });
    await world.until(application, id, {
      counts: { pending: 5, accepted: 0, failed: 0 },
      blockedBy: [{ provider: 'apns', reason: 'InvalidProviderToken', until: expect.any(String) }],
    });
    expect(await statuses(application)).toEqual({ active: 5 });
    const [stored] = (await world.get(application, `/v1/notifications/${id}`)).body.blockedBy;
    expect(stored.provider).toBe('apns');

    await world.setCredential(application, 'apns');
    await world.until(application, id, { status: 'completed', counts: { accepted: 5, failed: 0 } });
    expect(await statuses(application)).toEqual({ active: 5 });
  });

  it('that is missing holds the deliveries too', async () => {
    const application = await world.application(['fcm']);
    const device = await world.device(application, 'apns', `00${'ab'.repeat(31)}`);
    const id = await world.notify(application, { audience: { deviceIds: [device] } });
    await world.until(application, id, {
      counts: { pending: 1 },
      blockedBy: [{ provider: 'apns', reason: 'no_credential' }],
    });
    await world.setCredential(application, 'apns');
    await world.until(application, id, { status: 'completed', counts: { accepted: 1 } });
  });
});

describe('content that a provider refuses', () => {
  it('fails the deliveries and touches no device', async () => {
    const application = await world.application(['fcm']);
    const device = await world.device(application, 'fcm');
    await world.control('POST', '/__rules', {
      match: { provider: 'fcm' },
      times: 1,
      action: { type: 'respond', status: 400, reason: 'INVALID_ARGUMENT' },
    });
    const id = await world.notify(application, { audience: { deviceIds: [device] } });
    await world.until(application, id, { status: 'completed', counts: { failed: 1 } });
    expect(await statuses(application)).toEqual({ active: 1 });
  });

  it('is not sent to everybody: after a hundred equal refusals the rest fails unsent', async () => {
    const application = await world.application(['fcm']);
    const run = crypto.randomUUID().replaceAll('-', '');
    await world.devices(
      application,
      Array.from({ length: 1500 }, (_, i) => ({
        provider: 'fcm',
        token: `${run}${i}:APA91bAAAAAAAAAA--invalid-argument`,
      })),
    );
    const id = await world.notify(application, { audience: { all: true } });
    await world.until(application, id, { status: 'completed', counts: { planned: 1500, failed: 1500 } }, 25_000);
    const { messages } = await world.control('GET', '/__messages?provider=fcm&limit=100000');
    const sent = messages.filter((message: { target: string }) => message.target.startsWith(run)).length;
    expect(sent).toBeGreaterThanOrEqual(100);
    expect(sent).toBeLessThan(1000);
    expect(await statuses(application)).toEqual({ active: 1500 });
  });
});

describe('the mass guard', () => {
  it('leaves every device active when the whole project is the wrong one', async () => {
    const application = await world.application(['fcm']);
    const run = crypto.randomUUID().replaceAll('-', '');
    await world.devices(
      application,
      Array.from({ length: 1000 }, (_, i) => ({
        provider: 'fcm',
        token: `${run}${i}:APA91bAAAAAAAAAA--sender-mismatch`,
      })),
    );
    const id = await world.notify(application, { audience: { all: true } });
    await world.until(application, id, { status: 'completed', counts: { planned: 1000, failed: 1000 } }, 25_000);
    await eventually(async () => expect(await statuses(application)).toEqual({ active: 1000 }));
  });

  it('leaves every device active when all of them belong to the other environment', async () => {
    const application = await world.application(['apns']);
    const random = () => crypto.randomUUID().replaceAll('-', '');
    await world.devices(
      application,
      Array.from({ length: 1000 }, () => ({
        provider: 'apns',
        token: `dead040000${random()}${random()}`.slice(0, 64),
      })),
    );
    const id = await world.notify(application, { audience: { all: true } });
    await world.until(application, id, { status: 'completed', counts: { planned: 1000, failed: 1000 } }, 25_000);
    await eventually(async () => expect(await statuses(application)).toEqual({ active: 1000 }));
  });

  it('does not protect a few: they are set aside', async () => {
    const application = await world.application(['fcm']);
    const run = crypto.randomUUID().replaceAll('-', '');
    await world.devices(
      application,
      Array.from({ length: 5 }, (_, i) => ({ provider: 'fcm', token: `${run}${i}:APA91bAAAAAAAAAA--sender-mismatch` })),
    );
    const id = await world.notify(application, { audience: { all: true } });
    await world.until(application, id, { status: 'completed', counts: { failed: 5 } });
    expect(await statuses(application)).toEqual({ refused: 5 });
  });
});
