import { get } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Connections } from '../../src/realtime/connections.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let application: Awaited<ReturnType<typeof createApplication>>;
let token: string;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  application = await createApplication(api);
  token = (await tokenFor(api, application.serverKey)).token;
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const send = (channel: string, data: unknown) => publish(api, application.serverKey, channel, data);
const poll = (query: string) => call(api, 'GET', `/v1/realtime/poll?${query}`, { key: token });
const connections = () => api.app.get(Connections).size;
const cursorNow = async (channels: string): Promise<string> => {
  const answer = await poll(`channels=${channels}&waitSeconds=0`);
  expect(answer.status).toBe(204);
  return answer.headers.get('x-cursor') ?? '';
};

it('without news answers 204 after its wait, with the cursor for the next poll', async () => {
  const startedMs = performance.now();
  const answer = await poll('channels=quiet&waitSeconds=1');
  expect(answer.status).toBe(204);
  expect(answer.body).toBeUndefined();
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(performance.now() - startedMs).toBeGreaterThan(850);
  const cursor = answer.headers.get('x-cursor') ?? '';
  expect(cursor).toMatch(/^[\w-]{8}\.[0-9a-f]{12}-0$/);
  await send('quiet', 1);
  const next = await poll(`channels=quiet&after=${cursor}`);
  expect(next.status).toBe(200);
  expect(next.body.messages).toMatchObject([{ channel: 'quiet', event: 'line', data: 1 }]);
});

it('is answered as soon as something comes', async () => {
  const after = await cursorNow('held');
  const held = poll(`channels=held&after=${after}&waitSeconds=20`);
  await eventually(() => connections() === 1);
  const startedMs = performance.now();
  const { body } = await send('held', { n: 1 });
  const answer = await held;
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  expect(answer.body.messages.map(({ id }: { id: string }) => id)).toEqual([body.id]);
  expect(connections()).toBe(0);
});

it('goes through everything in order, a bounded answer at a time', async () => {
  const channels = 'pages-a,pages-b,user:u-1';
  let cursor = await cursorNow(channels);
  const all = Array.from({ length: 120 }, (_, n) => n);
  for (const channel of channels.split(',')) for (const n of all) await send(channel, n);
  const received: Record<string, number[]> = {};
  let polls = 0;
  for (;;) {
    const answer = await poll(`channels=${channels}&after=${cursor}&waitSeconds=0`);
    if (answer.status === 204) break;
    polls += 1;
    expect(answer.body.messages.length).toBeLessThanOrEqual(100);
    for (const { channel, data } of answer.body.messages) received[channel] = [...(received[channel] ?? []), data];
    cursor = answer.body.cursor;
  }
  expect(polls).toBeGreaterThanOrEqual(4);
  for (const channel of channels.split(',')) expect(received[channel]).toEqual(all);
});

it('and a stream understand each other’s cursors', async () => {
  const after = await cursorNow('both');
  for (const n of [1, 2]) await send('both', n);
  const client = await SseClient.open(api, `channels=both&after=${after}`, { token });
  await eventually(() => client.messages.length === 2);
  client.close();
  await send('both', 3);
  const answer = await poll(`channels=both&after=${client.messages[0]?.id}`);
  expect(answer.body.messages.map(({ data }: { data: number }) => data)).toEqual([2, 3]);
});

it('keeps large messages apart', async () => {
  const after = await cursorNow('large');
  for (let n = 0; n < 8; n += 1) await send('large', `${n}${'x'.repeat(60_000)}`);
  const first = await poll(`channels=large&after=${after}`);
  expect(first.body.messages.length).toBeLessThan(8);
  const rest = await poll(`channels=large&after=${first.body.cursor}`);
  const starts = [...first.body.messages, ...rest.body.messages].map(({ data }: { data: string }) => data[0]).join('');
  expect('01234567').toContain(starts);
  expect(starts.length).toBeGreaterThan(first.body.messages.length);
});

it('that nobody waits for any more ends', async () => {
  const options = { agent: false, headers: { authorization: `Bearer ${token}` } };
  const request = get(`${api.baseUrl}/v1/realtime/poll?channels=gone&waitSeconds=25`, options);
  request.on('error', () => undefined);
  await eventually(() => connections() === 1);
  request.destroy();
  await eventually(() => connections() === 0);
});
