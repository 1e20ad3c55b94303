import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import { World } from '../setup/world.js';

/** More than any delivery may take down with it. */
const MAX_KILLS = 10;

let world: World;

afterEach(() => world?.close());

describe('a delivery during which the worker dies every time', () => {
  it('fails as poison after a few crashes, and costs the others nothing', async () => {
    world = await World.start({ role: 'api' });
    const application = await world.application(['fcm']);
    const poison = `${crypto.randomUUID().replaceAll('-', '')}:APA91bPoison`;
    const devices = [await world.device(application, 'fcm'), await world.device(application, 'fcm', poison)];
    await world.control('POST', '/__rules', { match: { provider: 'fcm', target: poison }, action: { type: 'hang' } });
    const id = await world.notify(application, { audience: { deviceIds: devices } });

    let kills = 0;
    for (; kills < MAX_KILLS; kills += 1) {
      const requests = (await world.control('GET', `/__messages?target=${poison}`)).messages.length;
      const worker = await world.spawnWorker();
      const end = await eventually(
        async () => {
          const { body } = await world.get(application, `/v1/notifications/${id}`);
          if (body.status === 'completed') return 'completed';
          const { inFlight } = (await world.control('GET', '/__stats')).listeners.fcm;
          const { messages } = await world.control('GET', `/__messages?target=${poison}`);
          return inFlight > 0 || messages.length > requests ? 'sending' : false;
        },
        { timeoutMs: 15_000 },
      );
      worker.kill(end === 'completed' ? 'SIGTERM' : 'SIGKILL');
      await worker.exited;
      if (end === 'completed') break;
      await eventually(async () => (await world.control('GET', '/__stats')).listeners.fcm.inFlight === 0);
      await world.advance(25_000);
    }

    expect(kills).toBeGreaterThanOrEqual(3);
    expect(kills).toBeLessThan(MAX_KILLS);
    await world.until(application, id, { status: 'completed', counts: { accepted: 1, failed: 1 } });
    const failed = await world.deliveries(application, id, '&status=failed');
    expect(failed).toMatchObject([{ deviceId: devices[1], attempts: [{ number: 0, code: 'poison' }] }]);
  }, 150_000);
});
