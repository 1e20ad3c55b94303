import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { type RunningRedis, startRedis } from '../../src/embedded/redis.js';

/** Databases 1 to 255 of the shared Redis are handed out in turn; 0 holds the counter. */
const LAST_DATABASE = 255;

/** URL of an empty database on the shared Redis. A test that flushes, stops or kills Redis needs {@link startTestRedis}. */
export async function testRedisUrl(): Promise<string> {
  const shared = inject('redisUrl');
  const redis = new Redis(shared);
  try {
    const index = (((await redis.incr('next-database')) - 1) % LAST_DATABASE) + 1;
    await redis.select(index);
    await redis.flushdb();
    return `${shared}/${index}`;
  } finally {
    await redis.quit();
  }
}

/** With the folder from which {@link startRedis} can start it again on the same port. */
export type TestRedis = RunningRedis & { dir: string };

/** A Redis for one test file, which may do anything to it. Ends with the run at the latest. */
export async function startTestRedis(): Promise<TestRedis> {
  const dir = await mkdtemp(join(inject('runDir'), 'redis-'));
  return { ...(await startRedis({ dir })), dir };
}
