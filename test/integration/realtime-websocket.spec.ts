import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Connections } from '../../src/realtime/connections.js';
import { Hub } from '../../src/realtime/hub.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';
import { type Anything, ask, closeClients, connect, named, openClient, type SocketClient } from '../setup/socket.js';

const ORIGIN = 'https://app.example.com';

let database: TestDatabase;
let redis: string;
/** Two nodes on one Redis and one Postgres. */
let nodes: [TestApi, TestApi];
let application: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await testRedisUrl();
  const options = { database: database.url, redis };
  nodes = [await startApi(options), await startApi(options)];
  application = await createApplication(nodes[0], { corsOrigins: [ORIGIN] });
});

afterEach(closeClients);

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.close()));
  await database?.drop();
});

type Allowed = Parameters<typeof tokenFor>[2] & { publish?: string[] };
const issue = (body: Allowed = {}) => tokenFor(nodes[0], application.serverKey, body);
const send = (channel: string, data: unknown, node = nodes[0]) => publish(node, application.serverKey, channel, data);
const numbers = (client: SocketClient) => client.messages.map(({ data }) => data.n);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

const connected = (auth: object, node = nodes[0], more: object = {}) => connect(node, auth, more);

async function refusal(auth: object, more: object = {}, node = nodes[0]): Promise<Anything> {
  const client = openClient(node, auth, more);
  return eventually(() => named(client, 'connect_error')[0] ?? false);
}

describe('following channels', () => {
  it('gets what any node publishes, in order, beside streams and polls', async () => {
    const { token } = await issue();
    const client = await connected({ token }, nodes[1]);
    expect(await ask(client, 'subscribe', { channels: ['chat', 'user:u-1'] })).toEqual({
      ok: true,
      cursor: expect.stringContaining('~'),
    });
    const first = await send('chat', { n: 1, text: 'Ünï "quoted"' });
    for (const n of [2, 3, 4]) await send('chat', { n }, nodes[n % 2]);
    await send('user:u-1', { n: 5 });
    await eventually(() => client.messages.length === 5);
    expect(client.messages[0]).toEqual({
      id: first.body.id,
      channel: 'chat',
      event: 'line',
      data: { n: 1, text: 'Ünï "quoted"' },
      at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(numbers(client)).toEqual(expect.arrayContaining(upTo(5)));
    expect(numbers(client).filter((n) => n < 5)).toEqual([1, 2, 3, 4]);
    expect(await ask(client, 'unsubscribe', { channels: ['chat'] })).toMatchObject({ ok: true });
    await send('chat', { n: 6 });
    await send('user:u-1', { n: 7 });
    await eventually(() => client.messages.length >= 6);
    expect(numbers(client).slice(5)).toEqual([7]);
    const polled = await call(nodes[0], 'GET', `/v1/realtime/poll?channels=user:u-1&waitSeconds=0&after=start`, {
      key: token,
    });
    expect(polled.body.messages.map(({ data }: Anything) => data.n)).toEqual([5, 7]);
  });

  it('resumes wherever its line was cut, with nothing lost or twice', async () => {
    const { token } = await issue();
    const channels = ['cut-a', 'cut-b', 'user:u-1'];
    let cursor = (await ask(await connected({ token }), 'subscribe', { channels })).cursor;
    const MESSAGES = 60;
    let isPublishing = true;
    const publishing = (async () => {
      for (const n of upTo(MESSAGES))
        await Promise.all(channels.map((channel, i) => send(channel, { n }, nodes[(n + i) % 2])));
      isPublishing = false;
    })();
    const received: Anything[] = [];
    for (let cuts = 0; isPublishing || received.length < channels.length * MESSAGES; cuts += 1) {
      const client = await connected({ token, after: cursor }, nodes[cuts % 2]);
      const asked =
        cuts % 2 === 0 ? ask(client, 'subscribe', { channels }) : ask(client, 'resume', { channels, after: cursor });
      expect((await asked).ok).toBe(true);
      await eventually(() => client.messages.length >= 7 || !isPublishing);
      client.socket.io.engine.close();
      await eventually(() => !client.socket.connected);
      received.push(...client.messages);
      cursor = client.cursor ?? cursor;
    }
    await publishing;
    for (const channel of channels) {
      expect(received.filter((one) => one.channel === channel).map(({ data }) => data.n)).toEqual(upTo(MESSAGES));
    }
  });

  it('announces what can no longer be replayed', async () => {
    const client = await connected({ token: (await issue()).token });
    await send('gapped', { n: 1 });
    const { cursor } = await ask(client, 'subscribe', { channels: ['gapped'] });
    const lost = cursor.replace(/\.[0-9a-f]{12}-/, '.0123456789ab-');
    await ask(client, 'resume', { channels: ['gapped'], after: lost });
    await eventually(() => client.messages.length === 2);
    expect(client.messages[0]).toMatchObject({ event: 'gap', data: { from: '0123456789ab-1' } });
  });
});

describe('client messages', () => {
  it('reach everybody, over every transport, where the token allows it', async () => {
    const writer = await connected({ token: (await issue({ publish: ['talk-*'], channels: ['read'] })).token });
    const { token } = await issue({ userId: 'u-2' });
    const reader = await connected({ token }, nodes[1]);
    await ask(reader, 'subscribe', { channels: ['talk-1'] });
    const stream = await SseClient.open(nodes[1], 'channels=talk-1', { token });
    await eventually(() => stream.lastEventId !== '');
    const { id } = await ask(writer, 'message', { channel: 'talk-1', event: 'said', data: { n: 1 } });
    await eventually(() => reader.messages.length === 1 && stream.messages.length === 1);
    expect(reader.messages[0]).toMatchObject({ id, channel: 'talk-1', event: 'said', data: { n: 1 } });
    expect(stream.messages[0]?.data.id).toBe(id);
    for (const channel of ['read', 'talk', 'user:u-2', 'user:u-1']) {
      const answer = await ask(writer, 'message', { channel, event: 'said', data: 1 });
      expect(answer).toEqual({ error: { code: 'publish_forbidden', message: expect.stringContaining(channel) } });
    }
    stream.close();
  });

  it('is refused to clients whose backend gave them no channel, or an inbox', async () => {
    const plain = await connected({ token: (await issue()).token });
    const answer = await ask(plain, 'message', { channel: 'a', event: 'said', data: 1 });
    expect(answer.error.code).toBe('publish_forbidden');
    const body = { userId: 'u-1', publish: ['user:u-2'] };
    const refused = await call(nodes[0], 'POST', '/v1/realtime/tokens', { key: application.serverKey, body });
    expect(refused.body.errors[0].path).toBe('publish');
  });
});

describe('what is wrong', () => {
  it('is told to that client by its field, and disturbs nobody', async () => {
    const bystander = await connected({ token: (await issue({ userId: 'u-2' })).token });
    await ask(bystander, 'subscribe', { channels: ['calm'] });
    const client = await connected({ token: (await issue({ channels: ['mine'], publish: ['mine'] })).token });
    const cases: [event: string, payload: unknown, code: string, path?: string][] = [
      ['subscribe', undefined, 'invalid_request', ''],
      ['subscribe', 'mine', 'invalid_request', ''],
      ['subscribe', { channels: [] }, 'invalid_request', 'channels'],
      ['subscribe', { channels: ['a b'] }, 'invalid_request', 'channels.0'],
      ['subscribe', { channels: ['mine'], after: 'x' }, 'invalid_request', 'after'],
      ['subscribe', { channels: ['mine'], more: 1 }, 'invalid_request', 'more'],
      ['subscribe', { channels: ['theirs'] }, 'channel_forbidden', 'channels'],
      ['resume', { channels: ['mine'] }, 'invalid_request', 'after'],
      ['resume', { channels: ['user:u-2'], after: 'start' }, 'channel_forbidden', 'channels'],
      ['message', { channel: 'mine', event: 'gap', data: 1 }, 'invalid_request', 'event'],
      ['message', { channel: 'mine', event: 'said' }, 'invalid_request', 'data'],
      ['message', { channel: 'mine', event: 'said', data: 'x'.repeat(70_000) }, 'invalid_request', 'data'],
      ['message', { channel: 'mine', event: 'said', data: 'a\u0000' }, 'invalid_request', 'data'],
      ['authenticate', { token: 'x.y.z' }, 'realtime_token_invalid'],
      ['presence', {}, 'invalid_request', 'channel'],
      ['presence', { channel: 'mine' }, 'presence_forbidden'],
      ['who', {}, 'unknown_event'],
    ];
    for (const [event, payload, code, path] of cases) {
      const { error } = await ask(client, event, payload);
      expect(error, JSON.stringify([event, path])).toMatchObject({ code, message: expect.any(String) });
      if (path !== undefined) expect(error.errors[0].path).toBe(path);
    }
    client.socket.emit('nonsense');
    await eventually(() => named(client, 'refused').length === 1);
    expect(named(client, 'refused')[0]).toMatchObject({ event: 'nonsense', error: { code: 'unknown_event' } });
    expect(await ask(client, 'subscribe', { channels: ['mine'] })).toMatchObject({ ok: true });
    client.socket.emit('message', { channel: 'mine', event: 'said', data: 'x'.repeat(200_000) });
    await eventually(() => !client.socket.connected);
    await send('calm', { n: 1 });
    await eventually(() => bystander.messages.length === 1);
    expect(bystander.socket.connected).toBe(true);
  });

  it('a client that asks too often is refused for a while', async () => {
    const client = await connected({ token: (await issue()).token });
    const answers = await Promise.all(upTo(150).map(() => ask(client, 'unsubscribe', { channels: ['a'] })));
    const limited = answers.filter(({ error }) => error?.code === 'rate_limited');
    expect(limited.length).toBeGreaterThan(50);
    expect(limited[0].error.retryAfterSeconds).toBe(1);
    expect(answers.length - limited.length).toBeGreaterThanOrEqual(50);
    await eventually(async () => (await ask(client, 'unsubscribe', { channels: ['a'] })).ok === true);
  });
});

describe('getting in', () => {
  it('needs a token in auth, and a page that the application lists', async () => {
    const { token } = await issue();
    expect(await refusal({})).toMatchObject({ code: 'invalid_request', errors: [{ path: 'token' }] });
    expect(await refusal({}, { query: { token } })).toMatchObject({ code: 'invalid_request' });
    expect(await refusal({ token: 'x.y.z' })).toMatchObject({ code: 'realtime_token_invalid' });
    const from = (origin: string) => ({ extraHeaders: { origin } });
    expect(await refusal({ token }, from('https://evil.example'))).toMatchObject({ code: 'origin_not_allowed' });
    await connected({ token }, nodes[0], from(ORIGIN));
    const ticket = await call(nodes[0], 'POST', '/v1/realtime/tickets', { key: token });
    expect(await refusal({ token: ticket.body.ticket })).toMatchObject({ code: 'realtime_token_invalid' });
  });

  it('is bounded, and a place that is given back is free', async () => {
    const api = await startApi({ database: database.url, redis, REALTIME_MAX_CONNECTIONS_PER_USER: 1 });
    const { token } = await issue();
    const first = await connected({ token }, api);
    expect(await refusal({ token }, {}, api)).toMatchObject({ code: 'too_many_connections' });
    first.socket.disconnect();
    await eventually(() => api.app.get(Connections).size === 0 && api.app.get(Hub).size === 0);
    await connected({ token }, api);
    await api.close();
  });
});

describe('the end of a grant', () => {
  it('is announced, ends the connection, and lets nobody in again', async () => {
    const { token } = await issue({ ttlSeconds: 2 });
    const client = await connected({ token }, nodes[0], { reconnection: true, reconnectionDelay: 10 });
    await eventually(() => named(client, 'disconnect').length > 0, { timeoutMs: 4_000 });
    expect(client.events).toEqual([
      ['expiring', { secondsLeft: expect.any(Number) }],
      ['closed', { reason: 'token_expired' }],
      ['disconnect', 'io server disconnect'],
    ]);
    expect(await refusal({ token })).toMatchObject({ code: 'realtime_token_expired' });
  });

  it('comes within two seconds when it is revoked, on every node', async () => {
    const { token, jti } = await issue({ userId: 'thief' });
    const clients = await Promise.all(nodes.map((node) => connected({ token }, node)));
    const body = { jti };
    await call(nodes[0], 'DELETE', '/v1/realtime/tokens', { key: application.serverKey, body });
    await eventually(() => clients.every(({ socket }) => !socket.connected), { timeoutMs: 2_000 });
    for (const client of clients) expect(named(client, 'closed')).toEqual([{ reason: 'token_revoked' }]);
    for (const node of nodes) {
      expect(await refusal({ token, after: 'start' }, {}, node)).toMatchObject({ code: 'realtime_token_revoked' });
    }
  });

  it('is put off by another token of the same user, whose channels hold from then on', async () => {
    const client = await connected({ token: (await issue({ channels: ['old', 'both'], ttlSeconds: 2 })).token });
    await ask(client, 'subscribe', { channels: ['old', 'both', 'user:u-1'] });
    const stranger = await ask(client, 'authenticate', { token: (await issue({ userId: 'u-2' })).token });
    expect(stranger.error.code).toBe('realtime_token_mismatch');
    const next = await issue({ channels: ['both', 'new'] });
    expect(await ask(client, 'authenticate', { token: next.token })).toMatchObject({
      ok: true,
      dropped: ['old'],
      expiresAt: next.expiresAt,
    });
    expect((await ask(client, 'subscribe', { channels: ['old'] })).error.code).toBe('channel_forbidden');
    expect((await ask(client, 'subscribe', { channels: ['new'] })).ok).toBe(true);
    const short = await connected({ token: (await issue({ ttlSeconds: 2 })).token });
    await eventually(() => !short.socket.connected, { timeoutMs: 4_000 });
    await send('old', { n: 0 });
    await send('both', { n: 1 });
    await eventually(() => client.messages.length === 1);
    expect(numbers(client)).toEqual([1]);
    await call(nodes[0], 'DELETE', '/v1/realtime/tokens', { key: application.serverKey, body: { jti: next.jti } });
    await eventually(() => !client.socket.connected, { timeoutMs: 2_000 });
  });
});
