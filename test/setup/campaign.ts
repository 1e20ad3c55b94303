import { expect } from 'vitest';
import { startTestRedis, type TestRedis } from './redis.js';
import { type SpawnedWorker, type TestApplication, World } from './world.js';

export interface CampaignOptions {
  /** The environment of each worker program that is started. */
  workers: readonly Record<string, string>[];
  /** `options` of the notification. */
  options?: object;
  devices?: number;
}

/** A campaign under way, over a Redis of its own: enough is accepted to know that it runs, and enough is left to lose. */
export class Campaign {
  private constructor(
    readonly world: World,
    readonly redis: TestRedis,
    readonly application: TestApplication,
    readonly workers: readonly SpawnedWorker[],
    readonly id: string,
    readonly devices: number,
  ) {}

  static async start({ workers, options = {}, devices = 2_000 }: CampaignOptions): Promise<Campaign> {
    const redis = await startTestRedis();
    const world = await World.start({ role: 'api', redis: redis.url });
    const application = await world.application(['fcm']);
    const run = crypto.randomUUID().replaceAll('-', '');
    await world.devices(
      application,
      Array.from({ length: devices }, (_, i) => ({
        provider: 'fcm',
        token: `${run}${i}:APA91b${run}`,
        topics: ['all'],
      })),
    );
    await world.control('POST', '/__rules', {
      match: { provider: 'fcm' },
      action: { type: 'delay', uniform: { min: 20, max: 120 } },
    });
    const spawned = await Promise.all(workers.map((environment) => world.spawnWorker(environment)));
    const id = await world.notify(application, { audience: { topics: ['all'] }, options });
    const campaign = new Campaign(world, redis, application, spawned, id, devices);
    await campaign.accepted(300);
    return campaign;
  }

  /** Waits until the simulators have accepted so many, before they have all. */
  async accepted(n: number): Promise<void> {
    const counts = await this.world.control('GET', `/__messages/count?accepted=${n}&timeoutMs=30000`);
    expect(counts.accepted).toBeGreaterThanOrEqual(n);
    expect(counts.accepted).toBeLessThan(this.devices);
  }

  /** Messages that the simulators accepted beyond one per device. */
  async sentTwice(): Promise<number> {
    const counts = await this.world.control('GET', '/__messages/count');
    expect(counts.acceptedTargets).toBe(this.devices);
    return counts.accepted - counts.acceptedTargets;
  }

  async completesWithoutLoss(): Promise<void> {
    const counts = { planned: this.devices, accepted: this.devices, pending: 0 };
    await this.world.until(this.application, this.id, { status: 'completed', counts }, 90_000);
  }

  async end(): Promise<void> {
    await this.world.close();
    await this.redis.stop();
  }
}
