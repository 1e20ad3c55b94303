import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Presence } from '../../src/realtime/presence.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { Observer, presenceOf, present, QUICK, userPresence } from '../setup/presence.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';
import { ask, closeClients, connect } from '../setup/socket.js';

let database: TestDatabase;
let redis: string;
/** Two nodes on one Redis and one Postgres. */
let nodes: [TestApi, TestApi];
let application: Awaited<ReturnType<typeof createApplication>>;
let key: string;
let opened: SseClient[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await testRedisUrl();
  const options = { database: database.url, redis, ...QUICK };
  nodes = [await startApi(options), await startApi(options)];
  application = await createApplication(nodes[0]);
  key = application.serverKey;
});

afterEach(() => {
  closeClients();
  for (const stream of opened) stream.close();
  opened = [];
});

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.close()));
  await database?.drop();
});

const issue = (userId: string, presence = ['*']) => tokenFor(nodes[0], key, { userId, presence });
const observe = async (channel: string) => {
  const observer = await Observer.of(nodes[1], key, channel);
  opened.push(observer.stream);
  return observer;
};
const follow = async (userId: string, channel: string, node = nodes[0]) => {
  const { token } = await issue(userId);
  const stream = await SseClient.open(node, `channels=${channel}`, { token });
  opened.push(stream);
  return stream;
};
const poll = (token: string, query: string, node = nodes[0]) =>
  call(node, 'GET', `/v1/realtime/poll?${query}`, { key: token });

describe('presence in a channel', () => {
  it('is of users, whatever connects them, and is told once in the channel itself', async () => {
    const observer = await observe('mixed');
    const startedMs = Date.now();
    const stream = await follow('ann', 'mixed');
    await observer.says('joined ann');
    const tab = await follow('ann', 'mixed', nodes[1]);
    const socket = await connect(nodes[1], { token: (await issue('ann')).token });
    await ask(socket, 'subscribe', { channels: ['mixed'] });
    await follow('ben', 'mixed');
    await observer.says('joined ann', 'joined ben');
    for (const node of nodes) {
      const { body } = await presenceOf(node, key, 'mixed');
      expect(body).toEqual({
        users: ['ann', 'ben'].map((userId) => ({ userId, since: expect.stringMatching(/^\d{4}-.*Z$/) })),
        count: 2,
      });
      expect(Math.abs(Date.parse(body.users[0].since) - startedMs)).toBeLessThan(10_000);
    }
    stream.close();
    tab.close();
    const last = await follow('zoe', 'mixed', nodes[1]);
    last.close();
    // Zoe's grace ends after that of Ann's streams.
    await observer.says('joined ann', 'joined ben', 'joined zoe', 'left zoe');
    socket.socket.disconnect();
    await observer.says('joined ann', 'joined ben', 'joined zoe', 'left zoe', 'left ann');
    expect(await present(nodes[0], key, 'mixed')).toEqual(['ben']);
    const left = observer.stream.named('left')[0];
    expect(left?.data).toMatchObject({ channel: 'mixed', event: 'left', data: { userId: 'zoe' } });
    const replayed = await SseClient.open(nodes[0], 'channels=mixed&after=start', {
      token: (await issue('late', [])).token,
    });
    opened.push(replayed);
    await eventually(() => replayed.messages.length === 5);
  });

  it('goes on over a reload, on another node too', async () => {
    const observer = await observe('reload');
    const first = await follow('ann', 'reload');
    await observer.says('joined ann');
    const other = await follow('ben', 'reload');
    await observer.says('joined ann', 'joined ben');
    first.close();
    await follow('ann', 'reload', nodes[1]);
    other.close();
    await observer.says('joined ann', 'joined ben', 'left ben');
  });

  it('lasts between polls', async () => {
    const observer = await observe('polled');
    const { token } = await issue('pia');
    let after = '';
    for (let n = 0; n < 4; n += 1) {
      const answer = await poll(token, `channels=polled&waitSeconds=${n % 2}${after}`, nodes[n % 2]);
      after = `&after=${answer.headers.get('x-cursor')}`;
    }
    expect(await present(nodes[0], key, 'polled')).toEqual(['pia']);
    await observer.says('joined pia', 'left pia');
  });

  it('is of those alone whose token says so, and of nobody in an inbox', async () => {
    const observer = await observe('chat-1');
    const allowed = await tokenFor(nodes[0], key, { userId: 'ann', presence: ['chat-*'] });
    const silent = await tokenFor(nodes[0], key, { userId: 'ben' });
    for (const { token } of [allowed, silent]) {
      const socket = await connect(nodes[0], { token });
      await ask(socket, 'subscribe', { channels: ['chat-1', 'hall'] });
    }
    await follow('u-1', 'user:u-1');
    await observer.says('joined ann');
    expect(await present(nodes[0], key, 'chat-1')).toEqual(['ann']);
    for (const channel of ['hall', 'user:u-1']) expect(await present(nodes[0], key, channel)).toEqual([]);
    const body = { userId: 'ann', presence: ['user:ann', 'a b'] };
    const refused = await call(nodes[0], 'POST', '/v1/realtime/tokens', { key, body });
    expect(refused.body.errors.map(({ path }: { path: string }) => path)).toContain('presence.1');
    expect((await publish(nodes[0], key, 'chat-1', {}, 'joined')).status).toBe(400);
  });

  it('is that of the stream that a ticket opens', async () => {
    const ticket = await call(nodes[0], 'POST', '/v1/realtime/tickets', { key: (await issue('tim')).token });
    opened.push(await SseClient.open(nodes[1], `channels=ticketed&ticket=${ticket.body.ticket}`));
    await eventually(async () => expect(await present(nodes[0], key, 'ticketed')).toEqual(['tim']));
  });

  it('ends with the channel, with the token that gave it, and with the user', async () => {
    const observer = await observe('ends');
    const sockets = [];
    for (const userId of ['ann', 'ben', 'cid', 'dan']) {
      const { token, jti } = await issue(userId);
      const client = await connect(nodes[0], { token });
      await ask(client, 'subscribe', { channels: ['ends'] });
      sockets.push({ ...client, jti });
      await eventually(() => observer.said.includes(`joined ${userId}`));
    }
    const [ann, ben, cid] = sockets;
    if (!ann || !ben || !cid) throw new Error('nobody');
    await ask(ann, 'unsubscribe', { channels: ['ends'] });
    await eventually(() => observer.said.includes('left ann'));
    await ask(ben, 'authenticate', { token: (await issue('ben', [])).token });
    await eventually(() => observer.said.includes('left ben'));
    expect(ben.messages.some(({ event }) => event === 'left')).toBe(true);
    await ask(ben, 'authenticate', { token: (await issue('ben')).token });
    await eventually(() => observer.said.filter((said) => said === 'joined ben').length === 2);
    await call(nodes[1], 'DELETE', '/v1/realtime/tokens', { key, body: { jti: cid.jti } });
    await call(nodes[1], 'DELETE', '/v1/users/dan', { key });
    await eventually(() => observer.said.includes('left cid') && observer.said.includes('left dan'));
    expect(await present(nodes[1], key, 'ends')).toEqual(['ben']);
  });

  it('outlives the node, for those who come back to another in time', async () => {
    const leaving = await startApi({ database: database.url, redis, ...QUICK, REALTIME_PRESENCE_LAPSE_SECONDS: 8 });
    const observer = await observe('deployed');
    await follow('ann', 'deployed', leaving);
    await observer.says('joined ann');
    await follow('ben', 'deployed', leaving);
    await observer.says('joined ann', 'joined ben');
    await leaving.close();
    await follow('ann', 'deployed');
    await observer.says('joined ann', 'joined ben', 'left ben');
    expect(await present(nodes[0], key, 'deployed')).toEqual(['ann']);
  });

  it('names a thousand, and counts all', async () => {
    const presence = nodes[0].app.get(Presence);
    const channel = { applicationId: application.id, name: 'full' };
    const everybody = Array.from({ length: 2_500 }, (_, n) => `u-${n}`);
    for (const userId of everybody) presence.enter(channel, userId);
    const { body } = await eventually(async () => {
      const answer = await presenceOf(nodes[1], key, 'full');
      expect(answer.body.count).toBe(2_500);
      return answer;
    });
    expect(body.users.length).toBe(1_000);
    for (const userId of everybody) presence.leave(channel, userId);
    await eventually(async () => expect((await presenceOf(nodes[1], key, 'full')).body.count).toBe(0));
  });
});

describe('asking', () => {
  it('is for sockets whose token has presence in the channel', async () => {
    const client = await connect(nodes[0], {
      token: (await tokenFor(nodes[0], key, { userId: 'ann', channels: ['room'], presence: ['*'] })).token,
    });
    await ask(client, 'subscribe', { channels: ['room'] });
    await eventually(async () => {
      const answer = await ask(client, 'presence', { channel: 'room' });
      expect(answer).toMatchObject({ ok: true, count: 1, users: [{ userId: 'ann', since: expect.any(String) }] });
    });
    for (const channel of ['other', 'user:ann']) {
      expect((await ask(client, 'presence', { channel })).error.code).toBe('presence_forbidden');
    }
  });

  it('over HTTP is for servers of the application', async () => {
    const other = await createApplication(nodes[0]);
    await follow('ann', 'asked');
    await eventually(async () => expect(await present(nodes[0], key, 'asked')).toEqual(['ann']));
    expect(await present(nodes[0], other.serverKey, 'asked')).toEqual([]);
    expect((await userPresence(nodes[0], other.serverKey, 'ann')).online).toBe(false);
    for (const path of ['channels/asked/presence', 'users/ann/presence']) {
      expect((await call(nodes[0], 'GET', `/v1/realtime/${path}`, { key: application.clientKey })).status).toBe(403);
    }
    expect((await presenceOf(nodes[0], key, 'a%20b')).body.errors[0].path).toBe('params.channel');
    const user = await call(nodes[0], 'GET', '/v1/realtime/users/a%20b/presence', { key });
    expect(user.body.errors[0].path).toBe('params.userId');
  });
});

it('a user is online while there is a connection on any node, whatever it follows', async () => {
  const offline = { online: false, connections: 0, since: null };
  expect(await userPresence(nodes[0], key, 'olga')).toEqual(offline);
  const { token } = await tokenFor(nodes[0], key, { userId: 'olga' });
  const stream = await SseClient.open(nodes[0], 'channels=anything', { token });
  const socket = await connect(nodes[1], { token });
  for (const node of nodes) {
    await eventually(async () => {
      const found = await userPresence(node, key, 'olga');
      expect(found).toEqual({ online: true, connections: 2, since: expect.any(String) });
      expect(Math.abs(Date.parse(found.since) - Date.now())).toBeLessThan(20_000);
    });
  }
  stream.close();
  await eventually(async () => expect((await userPresence(nodes[1], key, 'olga')).connections).toBe(1));
  socket.socket.disconnect();
  await eventually(async () => {
    expect(await userPresence(nodes[0], key, 'olga')).toMatchObject({ online: true, connections: 0 });
  });
  await eventually(async () => expect(await userPresence(nodes[0], key, 'olga')).toEqual(offline));
});
