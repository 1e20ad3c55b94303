import { afterAll, beforeAll, expect, it } from 'vitest';
import { DemoAcceptances } from '../../src/embedded/demo-acceptances.js';
import { demoDevices } from '../../src/embedded/demo-devices.js';
import { PROVIDER_NAMES } from '../../src/lib/names.js';
import { call } from '../setup/app.js';
import { type TestApplication, World } from '../setup/world.js';

const PER_PROVIDER = 20;

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world?.close());

/** The devices of a demo campaign, registered, without those that are busy at first: they would be waited for. */
async function campaignDevices(application: TestApplication, run: string) {
  const path = `/v1/applications/${application.id}/webpush/public-key`;
  const { publicKey: vapidKey } = (await call(world.api, 'GET', path)).body;
  const all = await demoDevices(run, run, PER_PROVIDER, async (count, behaviour) => {
    const made = await world.control('POST', '/__subscribe', { vapidKey, count, ...(behaviour && { behaviour }) });
    return made.subscriptions;
  });
  const devices = all.filter((_, i) => i % 10 !== 1);
  await world.devices(application, devices);
  return devices;
}

it('the demo counts what reached its own devices, whatever reaches the simulators beside it', async () => {
  const application = await world.application();
  const [devices] = await Promise.all([campaignDevices(application, 'mine'), campaignDevices(application, 'others')]);
  const control = (path: string) => world.control('GET', path);
  const before = await world.notify(application, { audience: { topics: ['mine'] } });
  await world.until(application, before, { status: 'completed', counts: { accepted: 48, failed: 6 } });
  const acceptances = await DemoAcceptances.start(control, devices);
  const [own, other] = await Promise.all(
    ['mine', 'others'].map((topic) => world.notify(application, { audience: { topics: [topic] } })),
  );
  await Promise.all([own, other].map((id) => world.until(application, id ?? '', { status: 'completed' })));
  await acceptances.catchUp();
  const accepted = await Promise.all(
    PROVIDER_NAMES.map(async (provider) => {
      const query = `&provider=${provider}&status=accepted`;
      return [provider, (await world.deliveries(application, own ?? '', query)).length] as const;
    }),
  );
  expect(acceptances.counts).toEqual(Object.fromEntries(accepted));
  expect(acceptances.counts).toEqual({ fcm: 16, apns: 16, webpush: 16 });
  const { services } = await control('/__messages/count');
  expect(services.fcm.accepted).toBe(3 * 16);
});
