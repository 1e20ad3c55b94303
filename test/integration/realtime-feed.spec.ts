import { afterAll, beforeAll, expect, it } from 'vitest';
import { Feed, type LiveReader } from '../../src/realtime/feed.js';
import { RealtimeStream } from '../../src/realtime/stream.js';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

it('hands a burst to many followers in turns of the event loop, whole and in order', async () => {
  const { id: applicationId } = await createApplication(api);
  const channel = { applicationId, name: 'busy' };
  const stream = api.app.get(RealtimeStream);
  const feed = new Feed(channel, stream);
  await feed.nextLook();
  let inThisTurn = 0;
  let most = 0;
  const turn = (): void => {
    most = Math.max(most, inThisTurn);
    inThisTurn = 0;
    if (!isOver) setImmediate(turn);
  };
  let isOver = false;
  turn();
  const readers = Array.from({ length: 2_000 }, () => {
    const taken: number[] = [];
    const reader: LiveReader = {
      take: (messages) => {
        inThisTurn += messages.length;
        taken.push(...messages.map(({ position }) => position.seq));
      },
    };
    feed.join(reader);
    return { reader, taken };
  });
  await Promise.all(Array.from({ length: 50 }, () => stream.publish(channel, { event: 'line', data: '{}' })));
  feed.touch();
  await eventually(() => readers.every(({ taken }) => taken.length === 50));
  isOver = true;
  feed.stop();
  const all = Array.from({ length: 50 }, (_, i) => i + 1);
  for (const { taken } of readers) expect(taken).toEqual(all);
  expect(most).toBeLessThanOrEqual(10_000);
  expect(most).toBeGreaterThan(0);
});
