import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunningRedis, startRedis } from '../../src/embedded/redis.js';
import { type ApiProcess, spawnApi } from '../setup/api-process.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { Observer, present, QUICK, userPresence } from '../setup/presence.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { startTestRedis, type TestRedis } from '../setup/redis.js';

const LAPSE_MS = QUICK.REALTIME_PRESENCE_LAPSE_SECONDS * 1_000;
const WITHIN = { timeoutMs: 15_000 };

let database: TestDatabase;
let redis: TestRedis;
let restarted: RunningRedis | undefined;
/** Two nodes that live; a third one is a process. */
let nodes: [TestApi, TestApi];
let third: ApiProcess | undefined;
let key: string;
let opened: SseClient[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startTestRedis();
  const options = { database: database.url, redis: redis.url, LOG_LEVEL: 'silent' as const, ...QUICK };
  nodes = [await startApi(options), await startApi(options)];
  key = (await createApplication(nodes[0])).serverKey;
});

afterEach(() => {
  third?.kill('SIGKILL');
  third = undefined;
  for (const stream of opened) stream.close();
  opened = [];
});

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.close()));
  await redis?.stop();
  await restarted?.stop();
  await database?.drop();
});

const follow = async (userId: string, channel: string, node: Pick<TestApi, 'baseUrl'> = nodes[0]) => {
  const { token } = await tokenFor(nodes[0], key, { userId, presence: ['*'] });
  const stream = await SseClient.open(node, `channels=${channel}`, { token });
  await eventually(() => stream.lastEventId !== '');
  opened.push(stream);
  return stream;
};
const observe = async (channel: string) => {
  const observer = await Observer.of(nodes[1], key, channel);
  opened.push(observer.stream);
  return observer;
};
const spawnThird = async () => {
  const env = Object.fromEntries(Object.entries(QUICK).map(([name, value]) => [name, String(value)]));
  third = await spawnApi(database.url, redis.url, env);
  return third;
};
/** Whether some node has said again that the user is in the channel. */
const isHeld = async (userId: string, channel: string) => {
  const client = new Redis(redis.url);
  try {
    const [name = ''] = await client.keys(`*:${channel}}:holds`);
    const [seconds] = await client.time();
    const held = await client.zrangebyscore(name, Number(seconds) * 1_000 + 1_000, '+inf');
    return held.some((hold) => hold.endsWith(` ${userId}`));
  } finally {
    client.disconnect();
  }
};
/** Whatever lapses in this time has done so. */
const lapse = async () => {
  const startedMs = performance.now();
  await eventually(() => performance.now() - startedMs > LAPSE_MS + 1_000);
};

describe('a node that is killed', () => {
  it('takes its users along, each once, unless another node has them', async () => {
    const killed = await spawnThird();
    const observer = await observe('killed');
    await follow('ann', 'killed', killed);
    await observer.says('joined ann');
    await follow('ben', 'killed', killed);
    await follow('ben', 'killed');
    await observer.says('joined ann', 'joined ben');
    // Nobody else follows this one.
    await follow('ann', 'deserted', killed);
    await eventually(async () => expect(await present(nodes[0], key, 'deserted')).toEqual(['ann']));
    expect((await userPresence(nodes[0], key, 'ann')).connections).toBe(2);
    killed.kill('SIGKILL');
    await killed.exited;
    await observer.says('joined ann', 'joined ben', 'left ann');
    await eventually(async () => expect(await present(nodes[0], key, 'deserted')).toEqual([]), WITHIN);
    await eventually(async () => expect((await userPresence(nodes[0], key, 'ann')).online).toBe(false), WITHIN);
    expect(await present(nodes[0], key, 'killed')).toEqual(['ben']);
    const { token } = await tokenFor(nodes[0], key, { userId: 'reader' });
    const log = await call(nodes[0], 'GET', '/v1/realtime/poll?channels=deserted&after=start', { key: token });
    expect(log.body.messages.map(({ event }: { event: string }) => event)).toEqual(['joined', 'left']);
  }, 60_000);

  it('but was only stopped brings them back', async () => {
    const paused = await spawnThird();
    const observer = await observe('paused');
    await follow('ann', 'paused', paused);
    await observer.says('joined ann');
    paused.kill('SIGSTOP');
    await observer.says('joined ann', 'left ann');
    paused.kill('SIGCONT');
    await observer.says('joined ann', 'left ann', 'joined ann');
  }, 60_000);
});

describe('Redis', () => {
  it('that loses everything is told again who is there, and nobody else is', async () => {
    const observer = await observe('flushed');
    const ann = await follow('ann', 'flushed');
    await follow('ben', 'flushed', nodes[1]);
    await eventually(() => observer.said.length === 2);
    // So that the nodes have said it once more: in this epoch of the log.
    await lapse();
    const admin = new Redis(redis.url);
    await admin.flushall();
    await admin.quit();
    await eventually(async () => {
      expect((await present(nodes[0], key, 'flushed')).toSorted()).toEqual(['ann', 'ben']);
      expect((await userPresence(nodes[0], key, 'ben')).online).toBe(true);
    }, WITHIN);
    await publish(nodes[0], key, 'flushed', 1);
    await eventually(() => observer.stream.named('line').length === 1);
    ann.close();
    await observer.says('joined ann', 'joined ben', 'left ann');
  }, 60_000);

  it('that is silent for longer than a node may be makes nobody leave, but those who did', async () => {
    const slow = await spawnThird();
    const observer = await observe('silent');
    await follow('ann', 'silent');
    await observer.says('joined ann');
    const ben = await follow('ben', 'silent', nodes[1]);
    await observer.says('joined ann', 'joined ben');
    await follow('cid', 'silent', slow);
    await observer.says('joined ann', 'joined ben', 'joined cid');
    slow.kill('SIGSTOP');
    process.kill(redis.pid, 'SIGSTOP');
    ben.close();
    await lapse();
    process.kill(redis.pid, 'SIGCONT');
    // The others have said again who is there, and this node comes a little later.
    await eventually(async () => expect(await isHeld('ann', 'silent')).toBe(true), { ...WITHIN, intervalMs: 50 });
    slow.kill('SIGCONT');
    await observer.says('joined ann', 'joined ben', 'joined cid', 'left ben');
    await lapse();
    expect(observer.said.slice(4)).toEqual([]);
    expect(await present(nodes[1], key, 'silent')).toEqual(['ann', 'cid']);
  }, 60_000);

  it('that is away and comes back empty: who was there stays, who comes meanwhile joins', async () => {
    const observer = await observe('empty');
    await follow('ann', 'empty');
    await observer.says('joined ann');
    await lapse();
    await redis.stop();
    const { token } = await tokenFor(nodes[0], key, { userId: 'ben', presence: ['*'] });
    opened.push(await SseClient.open(nodes[0], 'channels=empty', { token }));
    const asked = await call(nodes[0], 'GET', '/v1/realtime/channels/empty/presence', { key });
    expect(asked.body).toMatchObject({ status: 503, code: 'realtime_unavailable' });
    const online = await call(nodes[0], 'GET', '/v1/realtime/users/ann/presence', { key });
    expect(online.body).toMatchObject({ status: 503, code: 'realtime_unavailable' });
    await lapse();
    restarted = await startRedis({ dir: redis.dir, port: redis.port });
    await observer.says('joined ann', 'joined ben');
    expect((await present(nodes[1], key, 'empty')).toSorted()).toEqual(['ann', 'ben']);
  }, 60_000);
});
