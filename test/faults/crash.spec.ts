import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { startRedis } from '../../src/embedded/redis.js';
import { Campaign } from '../setup/campaign.js';
import { eventually } from '../setup/eventually.js';
import { startTestRedis, type TestRedis } from '../setup/redis.js';
import { type SpawnedWorker, type TestApplication, World } from '../setup/world.js';

const DEVICES = 2_000;
/** Deliveries of one job that may be in flight or unwritten, and batches that one worker may hold per provider and lane. */
const WINDOW = 200;
const CONCURRENCY = 4;
/** Lease less margin: what a worker began to send before its own deadline has timed out by then. */
const OWN_DEADLINE_MS = 18_000;

let world: World;
let redis: TestRedis;
let application: TestApplication;
let running: Campaign;

async function campaign(
  workers: number,
  options: object = {},
): Promise<{ id: string; workers: readonly SpawnedWorker[] }> {
  running = await Campaign.start({ workers: Array.from({ length: workers }, () => ({})), devices: DEVICES, options });
  ({ world, redis, application } = running);
  return running;
}

const sentTwice = () => running.sentTwice();
const completesWithoutLoss = () => running.completesWithoutLoss();

afterEach(async () => {
  await world?.close();
  await redis?.stop();
});

describe('kill -9 in the middle of a campaign', () => {
  it('of the worker: nothing is lost, and at most a window per batch is sent twice', async () => {
    const { workers } = await campaign(1);
    workers[0]?.kill('SIGKILL');
    await workers[0]?.exited;
    await world.spawnWorker();
    await world.advance(25_000);
    await completesWithoutLoss();
    expect(await sentTwice()).toBeLessThanOrEqual(WINDOW * CONCURRENCY);
  }, 150_000);

  it('of one worker of two: the other one takes its batches over', async () => {
    const { workers } = await campaign(2);
    workers[0]?.kill('SIGKILL');
    await workers[0]?.exited;
    await world.advance(25_000);
    await completesWithoutLoss();
    expect(await sentTwice()).toBeLessThanOrEqual(WINDOW * CONCURRENCY);
  }, 150_000);

  it('of the worker, at most once: what is unclear stays unknown, and nothing is sent twice', async () => {
    const { id, workers } = await campaign(1, { semantics: 'at_most_once' });
    workers[0]?.kill('SIGKILL');
    await workers[0]?.exited;
    await world.spawnWorker();
    await world.advance(25_000);
    const { counts } = await world.until(
      application,
      id,
      { status: 'completed', counts: { planned: DEVICES } },
      90_000,
    );
    expect(counts.accepted + counts.unknown).toBe(DEVICES);
    expect(counts.unknown).toBeGreaterThan(0);
    expect(counts.unknown).toBeLessThanOrEqual(WINDOW * CONCURRENCY);
    const sent = await world.control('GET', '/__messages/count');
    expect(sent.accepted).toBe(sent.acceptedTargets);
    expect(sent.accepted).toBeGreaterThanOrEqual(counts.accepted);
  }, 150_000);

  it('of Redis: nothing is lost and nothing is sent twice', async () => {
    await campaign(1);
    const { pid, port, dir } = redis;
    process.kill(pid, 'SIGKILL');
    await eventually(() => !isRunning(pid));
    redis = { ...(await startRedis({ dir, port })), dir };
    await completesWithoutLoss();
    expect(await sentTwice()).toBe(0);
  }, 150_000);
});

describe('a worker that is stopped for longer than its lease and then goes on', () => {
  it('finds itself fenced: nothing is lost, and no more than its window is sent twice', async () => {
    const { id, workers } = await campaign(1);
    workers[0]?.kill('SIGSTOP');
    const stoppedMs = performance.now();
    await world.advance(25_000);
    await world.spawnWorker();
    await completesWithoutLoss();
    const before = await sentTwice();
    // Its deadline is on its own clock, which no test can move.
    await eventually(() => performance.now() - stoppedMs > OWN_DEADLINE_MS, { timeoutMs: 40_000 });
    workers[0]?.kill('SIGCONT');
    workers[0]?.kill('SIGTERM');
    expect(await workers[0]?.exited).toBe(0);
    const twice = await sentTwice();
    // It was stopped at any point: what it had already framed for the socket still goes out, and nothing more.
    expect(twice - before).toBeLessThanOrEqual(WINDOW);
    expect(before).toBeLessThanOrEqual(WINDOW * CONCURRENCY);
    await world.until(application, id, { status: 'completed', counts: { planned: DEVICES, accepted: DEVICES } });
  }, 150_000);
});

describe('FLUSHALL in the middle of a campaign', () => {
  it('loses nothing and sends nothing twice', async () => {
    await campaign(1);
    const client = new Redis(redis.url);
    await client.flushall();
    await client.quit();
    await completesWithoutLoss();
    expect(await sentTwice()).toBe(0);
  }, 150_000);
});

describe('SIGTERM in the middle of a campaign', () => {
  it('loses nothing and sends nothing twice', async () => {
    const { workers } = await campaign(1);
    workers[0]?.kill('SIGTERM');
    expect(await workers[0]?.exited).toBe(0);
    const leased = await world.db.query(`select 1 from dispatch_batch where state = 'leased'`);
    expect(leased).toEqual([]);
    await world.spawnWorker();
    await completesWithoutLoss();
    expect(await sentTwice()).toBe(0);
  }, 150_000);
});

describe('without Redis', () => {
  it('a notification is accepted, and goes out when Redis is back', async () => {
    redis = await startTestRedis();
    world = await World.start({ role: 'api', redis: redis.url });
    application = await world.application(['fcm']);
    const device = await world.device(application, 'fcm');
    await world.spawnWorker();
    const { pid, port, dir } = redis;
    process.kill(pid, 'SIGKILL');
    await eventually(() => !isRunning(pid));
    const startMs = performance.now();
    const id = await world.notify(application, { audience: { deviceIds: [device] } });
    expect(performance.now() - startMs).toBeLessThan(5_000);
    redis = { ...(await startRedis({ dir, port })), dir };
    await world.until(application, id, { status: 'completed', counts: { accepted: 1 } }, 40_000);
  }, 90_000);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
