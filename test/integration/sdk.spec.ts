import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  Carillon,
  type CarillonError,
  type CarillonOptions,
  type Message,
  type MessageContext,
  type TransportName,
} from '../../browser/sdk/carillon.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { CuttableProxy } from '../setup/cuttable-proxy.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';

const TRANSPORTS: readonly TransportName[] = ['websocket', 'sse', 'polling'];
/** A cut costs up to five seconds by chance, the next one up to ten. */
const RECONNECTING = { timeoutMs: 25_000 };

let database: TestDatabase;
let api: TestApi;
let proxy: CuttableProxy;
let application: Awaited<ReturnType<typeof createApplication>>;
let clients: Carillon[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  proxy = await CuttableProxy.start(api.baseUrl);
  application = await createApplication(api);
});

afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
  proxy.refused = undefined;
  proxy.requests.length = 0;
});

afterAll(async () => {
  await proxy?.close();
  await api?.close();
  await database?.drop();
});

type Grants = Parameters<typeof tokenFor>[2] & { publish?: string[] };
const issue = async (grants: Grants = {}) => (await tokenFor(api, application.serverKey, grants)).token;
const send = (channel: string, n: number) => publish(api, application.serverKey, channel, { n });
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const numbers = (messages: readonly Message[]) => messages.map(({ data }) => (data as { n: number }).n);

/** A client, and everything that it tells. */
function open(options: Partial<CarillonOptions> & { grants?: Grants } = {}) {
  const { grants, ...rest } = options;
  const client = new Carillon({ url: proxy.baseUrl, getToken: () => issue(grants), ...rest });
  clients.push(client);
  const told = {
    states: [] as string[],
    errors: [] as CarillonError[],
    closed: [] as string[],
    gaps: [] as object[],
    expiring: 0,
    notifications: [] as object[],
  };
  client.on('status', ({ state, transport }) => told.states.push(transport ? `${state} ${transport}` : state));
  client.on('error', (error) => told.errors.push(error));
  client.on('closed', ({ reason }) => told.closed.push(reason));
  client.on('gap', (gap) => told.gaps.push(gap));
  client.on('expiring', () => {
    told.expiring += 1;
  });
  client.on('notification', (notification) => told.notifications.push(notification));
  return { client, told };
}

function follow(client: Carillon, channel: string, options?: { after?: string }) {
  const messages: Message[] = [];
  const contexts: MessageContext[] = [];
  const stop = client.subscribe(
    channel,
    (message, context) => {
      messages.push(message);
      contexts.push(context);
    },
    options,
  );
  return { messages, contexts, stop };
}

const isOpen = (client: Carillon) => eventually(() => client.status.state === 'open', RECONNECTING);

describe.each(TRANSPORTS)('over %s', (transport) => {
  const transports = [transport];

  it('hands over what is published, in order, until it is told to stop', async () => {
    const { client, told } = open({ transports });
    const chat = follow(client, `chat-${transport}`);
    await isOpen(client);
    expect(client.status).toEqual({ state: 'open', transport });
    const first = await send(`chat-${transport}`, 1);
    for (const n of [2, 3]) await send(`chat-${transport}`, n);
    await eventually(() => chat.messages.length === 3);
    expect(chat.messages[0]).toEqual({
      id: first.body.id,
      channel: `chat-${transport}`,
      event: 'line',
      data: { n: 1 },
      at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(numbers(chat.messages)).toEqual([1, 2, 3]);
    expect(chat.contexts[2]).toEqual({ transport, isReplay: false });
    const other = follow(client, `other-${transport}`, { after: 'start' });
    chat.stop();
    await send(`other-${transport}`, 4);
    await send(`chat-${transport}`, 5);
    await eventually(() => other.messages.length === 1);
    await send(`other-${transport}`, 6);
    await eventually(() => other.messages.length === 2);
    expect(numbers(other.messages)).toEqual([4, 6]);
    expect(chat.messages).toHaveLength(3);
    expect(told.errors).toEqual([]);
  });

  it('goes on where it was cut, with nothing lost or twice', async () => {
    const { client, told } = open({ transports });
    const channels = [`cut-a-${transport}`, `cut-b-${transport}`];
    const followed = channels.map((channel) => follow(client, channel));
    await isOpen(client);
    for (const n of upTo(40)) {
      await Promise.all(channels.map((channel) => send(channel, n)));
      if (n === 10 || n === 30) proxy.cut();
    }
    await eventually(() => followed.every(({ messages }) => messages.length >= 40), RECONNECTING);
    for (const { messages } of followed) expect(numbers(messages)).toEqual(upTo(40));
    expect(told.gaps).toEqual([]);
    expect(followed[0]?.contexts.some(({ isReplay }) => isReplay)).toBe(true);
  });

  it('announces what can no longer be replayed', async () => {
    const channel = `gapped-${transport}`;
    await send(channel, 1);
    const before = open({ transports });
    follow(before.client, channel, { after: 'start' });
    await isOpen(before.client);
    const lost = before.client.cursor.replace(/\.[0-9a-f]{12}-/, '.0123456789ab-');
    const { client, told } = open({ transports });
    const { messages } = follow(client, channel, { after: lost });
    await eventually(() => messages.length === 1);
    expect(told.gaps).toEqual([{ channel, from: '0123456789ab-1', to: expect.stringMatching(/-0$/) }]);
  });

  it('gets another token before its own ends, and loses nothing by it', async () => {
    let issued = 0;
    const getToken = () => {
      issued += 1;
      return issue({ ttlSeconds: issued === 1 ? 3 : 600 });
    };
    const { client, told } = open({ transports, getToken });
    const { messages } = follow(client, `renewed-${transport}`);
    await isOpen(client);
    await send(`renewed-${transport}`, 1);
    await eventually(() => issued === 2);
    for (const n of [2, 3, 4]) await send(`renewed-${transport}`, n);
    await eventually(() => messages.length === 4, RECONNECTING);
    expect(numbers(messages)).toEqual([1, 2, 3, 4]);
    // A poll is not warned: its next one is refused.
    expect(told.expiring).toBe(transport === 'polling' ? 0 : 1);
  });

  it('ends for good when its token is revoked and there is no other', async () => {
    let token: string | null = await issue({ userId: `gone-${transport}` });
    const { client, told } = open({ transports, getToken: () => token });
    follow(client, `revoked-${transport}`);
    await isOpen(client);
    const body = { token };
    token = null;
    await call(api, 'DELETE', '/v1/realtime/tokens', { key: application.serverKey, body });
    await eventually(() => client.status.state === 'closed', RECONNECTING);
    expect(told.closed.at(-1)).toBe('signed_out');
  });

  it('does without a channel that the token does not allow', async () => {
    const { client, told } = open({ transports, grants: { channels: [`mine-${transport}`] } });
    const mine = follow(client, `mine-${transport}`);
    const theirs = follow(client, `theirs-${transport}`);
    await isOpen(client);
    await send(`theirs-${transport}`, 1);
    await send(`mine-${transport}`, 2);
    await eventually(() => mine.messages.length === 1);
    expect(theirs.messages).toEqual([]);
    expect(told.errors.map(({ code }) => code)).toContain('channel_forbidden');
  });
});

describe('the transport', () => {
  it('falls back to what the network lets through, and comes up again', async () => {
    proxy.refused = /upgrade: websocket|GET \/v1\/realtime\/events/i;
    const { client, told } = open({ upgradeAfterMs: 500 });
    const { messages } = follow(client, 'ladder');
    await isOpen(client);
    expect(client.status.transport).toBe('polling');
    let sent = 0;
    let isPublishing = true;
    const publishing = (async () => {
      while (isPublishing) {
        await send('ladder', sent + 1);
        sent += 1;
        await eventually(() => messages.length > sent - 10, RECONNECTING);
      }
    })();
    proxy.refused = /upgrade: websocket/i;
    await eventually(() => client.status.transport === 'sse', RECONNECTING);
    proxy.refused = undefined;
    await eventually(() => client.status.transport === 'websocket', RECONNECTING);
    isPublishing = false;
    await publishing;
    await eventually(() => messages.length >= sent, RECONNECTING);
    expect(numbers(messages)).toEqual(upTo(sent));
    expect(told.states.filter((state) => state.startsWith('open'))).toEqual([
      'open polling',
      'open sse',
      'open websocket',
    ]);
  });

  it('comes back when it is told to, and another client goes on at its cursor', async () => {
    const { client } = open();
    const first = follow(client, 'moved');
    await isOpen(client);
    await send('moved', 1);
    await eventually(() => first.messages.length === 1);
    client.disconnect();
    await send('moved', 2);
    const { client: next } = open({ transports: ['polling'] });
    const second = follow(next, 'moved', { after: client.cursor });
    await eventually(() => second.messages.length === 1);
    expect(numbers(second.messages)).toEqual([2]);
    client.connect();
    await eventually(() => first.messages.length === 2);
    expect(numbers(first.messages)).toEqual([1, 2]);
    expect(first.contexts[1]?.isReplay).toBe(true);
  });
});

describe('a node that stops', () => {
  it.each(TRANSPORTS)('sends its clients to another, which goes on for them, over %s', async (transport) => {
    const next = await startApi({ database: database.url, redis: api.config.REDIS_URL });
    const old = await startApi({ database: database.url, redis: api.config.REDIS_URL });
    proxy.leadTo(old.baseUrl);
    const { client, told } = open({ transports: [transport] });
    const { messages } = follow(client, `moving-${transport}`);
    await isOpen(client);
    proxy.leadTo(next.baseUrl);
    const stopping = old.close();
    for (const n of upTo(20)) await send(`moving-${transport}`, n);
    await stopping;
    await eventually(() => messages.length >= 20, RECONNECTING);
    expect(numbers(messages)).toEqual(upTo(20));
    expect(told.gaps).toEqual([]);
    client.close();
    proxy.leadTo(api.baseUrl);
    await next.close();
  });
});

describe('giving up', () => {
  it('comes when one token after the other is refused', async () => {
    const token = await issue({ userId: 'stolen' });
    await call(api, 'DELETE', '/v1/realtime/tokens', { key: application.serverKey, body: { token } });
    const { client, told } = open({ getToken: () => token });
    follow(client, 'anything');
    await eventually(() => client.status.state === 'closed', RECONNECTING);
    expect(told.closed).toEqual(['realtime_token_revoked']);
    expect(told.states.filter((state) => state === 'connecting')).toHaveLength(3);
  });

  it('does not come when the backend that gives tokens is away for a while', async () => {
    let isAway = true;
    const getToken = () => {
      if (isAway) throw new Error('away');
      return issue();
    };
    const { client, told } = open({ getToken });
    follow(client, 'patient');
    await eventually(() => told.errors.length > 0);
    expect(told.errors[0]).toMatchObject({ code: 'token_unavailable' });
    isAway = false;
    await isOpen(client);
  });
});

describe('publishing', () => {
  it('works over WebSocket, where the token allows it', async () => {
    const { client } = open({ grants: { publish: ['talk'] } });
    const { messages } = follow(client, 'talk');
    await isOpen(client);
    const id = await client.publish('talk', 'line', { n: 1 });
    await eventually(() => messages.length === 1);
    expect(messages[0]).toMatchObject({ id, data: { n: 1 } });
    await expect(client.publish('elsewhere', 'line', 1)).rejects.toMatchObject({ code: 'publish_forbidden' });
    await expect(client.publish('talk', 'line', 'x'.repeat(70_000))).rejects.toThrow('at most 65536');
  });

  it('says so where it does not', async () => {
    const { client } = open({ transports: ['sse'], grants: { publish: ['talk'] } });
    follow(client, 'talk');
    await isOpen(client);
    await expect(client.publish('talk', 'line', 1)).rejects.toMatchObject({ code: 'publish_unavailable' });
  });
});

describe('a notification', () => {
  const notify = (notificationId: string) =>
    publish(api, application.serverKey, 'user:u-1', { notificationId, title: 'Hello' }, 'notification');
  const acknowledgements = () => proxy.requests.filter((line) => line === 'POST /v1/realtime/acknowledgements').length;

  it('is told once, and acknowledged once a handler took it', async () => {
    const { client, told } = open();
    let isFailing = true;
    client.subscribe('user:u-1', () => {
      if (isFailing) throw new Error('not now');
    });
    await isOpen(client);
    await notify('n-1');
    await eventually(() => told.notifications.length === 1);
    expect(told.errors.map(({ code }) => code)).toEqual(['handler_failed']);
    isFailing = false;
    await Promise.all([notify('n-2'), notify('n-2')]);
    await notify('n-3');
    await eventually(() => acknowledgements() === 2);
    expect(told.notifications).toMatchObject([
      { notificationId: 'n-1', isPushed: false },
      { notificationId: 'n-2', isPushed: false },
      { notificationId: 'n-3', isPushed: false },
    ]);
  });

  it('is left to the page to acknowledge where it says so', async () => {
    const { client, told } = open({ acknowledge: false });
    follow(client, 'user:u-1');
    await isOpen(client);
    await notify('n-4');
    await eventually(() => told.notifications.length === 1);
    expect(acknowledgements()).toBe(0);
  });
});
