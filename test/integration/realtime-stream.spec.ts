import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, SseClient, type SseEvent, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
/** Two nodes on one Redis and one Postgres. */
let nodes: [TestApi, TestApi];
let application: Awaited<ReturnType<typeof createApplication>>;
let token: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const options = { database: database.url, redis: await testRedisUrl(), REALTIME_LOG_MESSAGES: 400 };
  nodes = [await startApi(options), await startApi(options)];
  application = await createApplication(nodes[0]);
  token = (await tokenFor(nodes[0], application.serverKey)).token;
});

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.close()));
  await database?.drop();
});

const send = (channel: string, data: unknown, node = nodes[0]) => publish(node, application.serverKey, channel, data);
const numbers = (events: readonly SseEvent[], channel: string) =>
  events.filter(({ data }) => data.channel === channel).map(({ data }) => data.data.n);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** A stream that is live: what is published from now on it gets. */
async function openLive(query: string, node = nodes[0], lastEventId?: string): Promise<SseClient> {
  const client = await SseClient.open(node, query, { token, ...(lastEventId !== undefined && { lastEventId }) });
  expect(client.status).toBe(200);
  await eventually(() => client.lastEventId !== '');
  return client;
}

describe('a stream', () => {
  it('shows a message as it was published, with its place in the log', async () => {
    const client = await openLive('channels=chat-1');
    const data = { text: 'Ünïcode\nwith "breaks"', list: [1, null, true] };
    const answer = await send('chat-1', data);
    expect(answer.status).toBe(201);
    expect(answer.body.id).toMatch(/^[0-9a-f]{12}-1$/);
    await eventually(() => client.messages.length === 1);
    expect(client.events[0]).toMatchObject({
      event: 'line',
      data: { id: answer.body.id, channel: 'chat-1', event: 'line', data, at: expect.stringMatching(/^\d{4}-.*Z$/) },
    });
    expect(client.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String),
    });
    expect(client.retryMs).toBeGreaterThanOrEqual(1_000);
    client.close();
  });

  it('hears what another node publishes', async () => {
    const client = await openLive('channels=across,user:u-1', nodes[1]);
    await send('across', { n: 1 });
    await send('user:u-1', { n: 1 });
    await eventually(() => client.messages.length === 2, { timeoutMs: 2_000 });
    expect(numbers(client.messages, 'across')).toEqual([1]);
    expect(numbers(client.messages, 'user:u-1')).toEqual([1]);
    client.close();
  });

  it('hears neither other channels nor other applications', async () => {
    const other = await createApplication(nodes[0]);
    const client = await openLive('channels=own');
    await send('owner', { n: 0 });
    await publish(nodes[0], other.serverKey, 'own', { n: 0 });
    await send('own', { n: 1 });
    await eventually(() => client.messages.length === 1);
    expect(numbers(client.messages, 'own')).toEqual([1]);
    client.close();
  });

  it('begins with whatever is kept when asked to', async () => {
    for (const n of upTo(3)) await send('kept', { n });
    const client = await SseClient.open(nodes[1], 'channels=kept&after=start', { token });
    await eventually(() => client.messages.length === 3);
    expect(numbers(client.messages, 'kept')).toEqual([1, 2, 3]);
    client.close();
  });
});

describe('Last-Event-ID', () => {
  it('resumes every channel in order, without loss or repetition, wherever the stream was cut', async () => {
    const channels = ['cut-a', 'cut-b', 'user:u-1'];
    const query = `channels=${channels.join(',')}`;
    const MESSAGES = 150;
    let client = await openLive(query);
    const received: SseEvent[] = [];
    let isPublishing = true;
    const publishing = Promise.all(
      channels.map(async (channel, i) => {
        for (const n of upTo(MESSAGES)) expect((await send(channel, { n }, nodes[(n + i) % 2])).status).toBe(201);
      }),
    ).finally(() => {
      isPublishing = false;
    });
    let cuts = 0;
    while (isPublishing) {
      const enough = client.messages.length + 1 + ((cuts * 37) % 23);
      await eventually(() => client.messages.length >= enough || !isPublishing);
      client.close();
      received.push(...client.messages);
      cuts += 1;
      client = await SseClient.open(nodes[cuts % 2] ?? nodes[0], query, { token, lastEventId: client.lastEventId });
    }
    await publishing;
    await eventually(() => received.length + client.messages.length >= channels.length * MESSAGES);
    received.push(...client.messages);
    client.close();
    expect(cuts).toBeGreaterThan(5);
    for (const channel of channels) expect(numbers(received, channel)).toEqual(upTo(MESSAGES));
    expect(received.filter(({ event }) => event === 'gap')).toEqual([]);
  });

  it('announces what was trimmed meanwhile', async () => {
    const client = await openLive('channels=trimmed');
    const first = await send('trimmed', { n: 1 });
    await eventually(() => client.messages.length === 1);
    client.close();
    for (let n = 2; n <= 500; n += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, i) => send('trimmed', { n: n + i })));
    }
    const again = await SseClient.open(nodes[0], 'channels=trimmed', { token, lastEventId: client.lastEventId });
    await eventually(() => again.messages.length >= 401);
    const [gap, next] = again.messages;
    const [epoch, lastSeq] = first.body.id.split('-');
    expect(lastSeq).toBe('1');
    expect(gap).toMatchObject({ event: 'gap', data: { data: { from: first.body.id, to: `${epoch}-101` } } });
    expect(next?.data.id).toBe(`${epoch}-102`);
    expect(again.messages.filter(({ event }) => event === 'gap').length).toBe(1);
    again.close();
  });

  it('announces a place that the log has not reached', async () => {
    const client = await openLive('channels=future');
    const { body } = await send('future', { n: 1 });
    await eventually(() => client.messages.length === 1);
    client.close();
    const lastEventId = client.lastEventId.replace(/-1$/, '-1000');
    const again = await openLive('channels=future', nodes[0], lastEventId);
    await eventually(() => again.messages.length === 1);
    const from = body.id.replace(/-1$/, '-1000');
    expect(again.messages[0]).toMatchObject({ event: 'gap', data: { data: { from, to: body.id } } });
    await send('future', { n: 2 });
    await eventually(() => again.messages.length === 2);
    expect(again.messages[1]?.data.data).toEqual({ n: 2 });
    again.close();
  });

  it('that is none is refused by name', async () => {
    const headers = { 'last-event-id': 'nonsense' };
    const answer = await call(nodes[0], 'GET', '/v1/realtime/events?channels=a', { key: token, headers });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe('headers.last-event-id');
  });
});

describe('an inbox', () => {
  it('replays from Postgres what Redis has long trimmed', async () => {
    const { token: own } = await tokenFor(nodes[0], application.serverKey, { userId: 'reader' });
    const all = upTo(420);
    for (let i = 0; i < all.length; i += 20) {
      await Promise.all(all.slice(i, i + 20).map((n) => send('user:reader', { n })));
    }
    const client = await SseClient.open(nodes[1], 'channels=user:reader&after=start', { token: own });
    await eventually(() => client.messages.length === 420);
    expect(numbers(client.messages, 'user:reader').toSorted((a, b) => a - b)).toEqual(all);
    const seqs = client.messages.map(({ data }) => Number(data.id.split('-')[1]));
    expect(seqs).toEqual(all);
    client.close();
  });
});

it('many readers of one channel get the same, live', async () => {
  const tokens = await Promise.all(
    upTo(5).map((n) => tokenFor(nodes[0], application.serverKey, { userId: `crowd-${n}` })),
  );
  const clients = await Promise.all(
    upTo(50).map(async (n) => {
      const client = await SseClient.open(nodes[n % 2] ?? nodes[0], 'channels=crowd', {
        token: tokens[n % 5]?.token ?? '',
      });
      await eventually(() => client.lastEventId !== '');
      return client;
    }),
  );
  for (const n of upTo(30)) await send('crowd', { n });
  await eventually(() => clients.every(({ messages }) => messages.length >= 30));
  for (const client of clients) {
    expect(numbers(client.messages, 'crowd')).toEqual(upTo(30));
    client.close();
  }
});
