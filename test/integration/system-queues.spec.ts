import Bull from 'bull';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Producers } from '../../src/queue/producers.js';
import { ConsumerConnections } from '../../src/queue/queues.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { startTestRedis, type TestRedis } from '../setup/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let api: TestApi;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startTestRedis()]);
  api = await startApi({ database: database.url, redis: redis.url });
});

afterAll(async () => {
  await api?.close();
  await redis?.stop();
  await database?.drop();
});

const queues = (key = api.adminKey): Promise<Answer> => call(api, 'GET', '/v1/system/queues', { key });

it('shows what lies on each of the queues, and who takes it', async () => {
  const id = crypto.randomUUID();
  const other = crypto.randomUUID();
  const producers = api.app.get(Producers);
  await producers.dispatchAll('critical', 'fcm', [
    [[id, 1]],
    [
      [id, 2],
      [id, 3],
      [other, 4],
    ],
  ]);
  await producers.notify(other);
  const before = (await queues()).body;
  expect(before.lanes.map(({ queue }: { queue: string }) => queue)).toHaveLength(11);
  expect(before).toMatchObject({ workers: [], processes: 0 });
  expect(before.lanes[0]).toEqual({
    queue: 'dispatch-critical-fcm',
    lane: 'critical',
    provider: 'fcm',
    counts: { waiting: 2, active: 0, delayed: 0, failed: 0, paused: 0 },
    consumers: 0,
    jobs: expect.arrayContaining([
      {
        id: expect.any(String),
        state: 'waiting',
        batches: 3,
        notificationIds: [id, other],
        addedAt: expect.any(String),
        startedAt: null,
      },
    ]),
  });
  const notify = before.lanes.find(({ queue }: { queue: string }) => queue === 'notify');
  expect(notify).toMatchObject({ lane: null, jobs: [{ batches: null, notificationIds: [other] }] });

  // A consumer as workers have it, that keeps what it takes until the test lets go.
  const connections = new ConsumerConnections(redis.url);
  const consumer = new Bull('dispatch-critical-fcm', connections.optionsOf('dispatch-critical-fcm'));
  const { promise, resolve } = Promise.withResolvers<void>();
  void consumer.process(1, () => promise);
  try {
    const during = await eventually(async () => {
      const { body } = await queues();
      expect(body.lanes[0].counts).toMatchObject({ active: 1, waiting: 1 });
      return body;
    });
    expect(during.processes).toBe(1);
    expect(during.lanes.map(({ consumers }: { consumers: number }) => consumers)).toEqual([1, ...Array(10).fill(0)]);
    const active = during.lanes[0].jobs.find(({ state }: { state: string }) => state === 'active');
    expect(active.startedAt).toEqual(expect.any(String));
  } finally {
    resolve();
    await consumer.close();
  }
});

it('is for admins of the installation', async () => {
  const { adminKey, serverKey } = await createApplication(api);
  for (const key of [adminKey, serverKey]) expect((await queues(key)).status).toBe(403);
});

it('answers soon, and says so, while Redis is away', async () => {
  await redis.stop();
  const startMs = performance.now();
  const answer = await queues();
  expect(answer).toMatchObject({ status: 503, body: { code: 'redis_unavailable' } });
  expect(performance.now() - startMs).toBeLessThan(6_000);
});
