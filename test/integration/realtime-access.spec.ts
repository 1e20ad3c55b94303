import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connections } from '../../src/realtime/connections.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';

const ORIGIN = 'https://app.example.com';

let database: TestDatabase;
let nodes: [TestApi, TestApi];
let application: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  const options = { database: database.url, redis: await testRedisUrl() };
  nodes = [await startApi(options), await startApi(options)];
  application = await createApplication(nodes[0], { corsOrigins: [ORIGIN] });
});

afterAll(async () => {
  await Promise.all((nodes ?? []).map((node) => node.close()));
  await database?.drop();
});

const issue = (body: Parameters<typeof tokenFor>[2] = {}) => tokenFor(nodes[0], application.serverKey, body);
const revoke = (body: unknown) => call(nodes[0], 'DELETE', '/v1/realtime/tokens', { key: application.serverKey, body });
const poll = (key: string | undefined, query = 'channels=a&waitSeconds=0', node = nodes[0]) =>
  call(node, 'GET', `/v1/realtime/poll?${query}`, key === undefined ? {} : { key });
const ticketOf = async (token: string): Promise<string> => {
  const answer = await call(nodes[0], 'POST', '/v1/realtime/tickets', { key: token });
  expect(answer.status).toBe(201);
  return answer.body.ticket;
};
const open = async (token: string, node = nodes[0]) => {
  const client = await SseClient.open(node, 'channels=a', { token });
  expect(client.status).toBe(200);
  return client;
};

describe('a token', () => {
  it('is issued to servers alone, with every wrong field by its name', async () => {
    const body = { userId: 'u 1', channels: ['a b', 'user:u-2'], ttlSeconds: 86_401, more: 1 };
    const answer = await call(nodes[0], 'POST', '/v1/realtime/tokens', { key: application.serverKey, body });
    expect(answer.status).toBe(400);
    const paths = answer.body.errors.map(({ path }: { path: string }) => path);
    expect(paths).toEqual(expect.arrayContaining(['userId', 'channels.0', 'ttlSeconds', 'more']));
    const asClient = { key: application.clientKey, body: { userId: 'u-1' } };
    expect((await call(nodes[0], 'POST', '/v1/realtime/tokens', asClient)).status).toBe(403);
    const inbox = { key: application.serverKey, body: { userId: 'u-1', channels: ['user:u-2'] } };
    expect((await call(nodes[0], 'POST', '/v1/realtime/tokens', inbox)).body.errors[0].path).toBe('channels');
  });

  it('is needed, and no key passes for one', async () => {
    expect((await poll(undefined)).body).toMatchObject({ status: 401, code: 'realtime_token_missing' });
    for (const key of [application.serverKey, 'x.y.z', 'nonsense']) {
      const answer = await poll(key);
      expect(answer.body).toMatchObject({ status: 401, code: 'realtime_token_invalid' });
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    }
  });

  it('opens its own channels and inbox, and no others', async () => {
    const { token } = await issue({ userId: 'u-1', channels: ['chat-1', 'news-*'] });
    expect((await poll(token, 'channels=chat-1,news-eu,user:u-1&waitSeconds=0')).status).toBe(204);
    for (const channel of ['chat-2', 'user:u-2', 'new']) {
      const answer = await poll(token, `channels=chat-1,${channel}&waitSeconds=0`);
      expect(answer.body).toMatchObject({ status: 403, code: 'channel_forbidden' });
      expect(answer.body.detail).toContain(channel);
      expect((await call(nodes[0], 'GET', `/v1/realtime/events?channels=${channel}`, { key: token })).status).toBe(403);
    }
    for (const query of [
      'channels=',
      'channels=a%20b',
      'waitSeconds=1',
      'channels=a&after=x',
      'channels=a&waitSeconds=31',
    ]) {
      const answer = await poll(token, query);
      expect(answer.status).toBe(400);
      expect(answer.body.errors[0].path).toMatch(/^query\./);
    }
  });

  it('warns before it expires, and its stream ends with it', async () => {
    const { token } = await issue({ ttlSeconds: 2 });
    const client = await open(token);
    await eventually(() => client.isEnded, { timeoutMs: 4_000 });
    expect(client.events.map(({ event }) => event)).toEqual(['expiring', 'closed']);
    expect(client.named('closed')[0]?.data).toEqual({ reason: 'token_expired' });
    expect(client.named('expiring')[0]?.data).toEqual({ secondsLeft: expect.any(Number) });
    expect((await poll(token)).body).toMatchObject({ status: 401, code: 'realtime_token_expired' });
    expect((await call(nodes[1], 'GET', '/v1/realtime/events?channels=a', { key: token })).status).toBe(401);
  });

  it('that expires ends a held poll', async () => {
    const { token } = await issue({ ttlSeconds: 1 });
    expect((await poll(token, 'channels=a&waitSeconds=20')).body.code).toBe('realtime_token_expired');
  });
});

describe('revoking', () => {
  it.each([
    ['a token by itself', ({ token }: Issued) => ({ token })],
    ['a token by its id', ({ jti }: Issued) => ({ jti })],
    ['everything of a user', () => ({ userId: 'revoked' })],
  ])('%s ends its connections on every node within two seconds, for good', async (_, what) => {
    const issued = await issue({ userId: 'revoked' });
    const ticket = await ticketOf(issued.token);
    const clients = [await open(issued.token), await open(issued.token, nodes[1])];
    const byTicket = await SseClient.open(nodes[1], `channels=a&ticket=${ticket}`);
    const bystander = await open((await issue({ userId: 'bystander' })).token, nodes[1]);
    const held = poll(issued.token, 'channels=a&waitSeconds=20', nodes[1]);
    await eventually(() => [...clients, byTicket].every(({ lastEventId }) => lastEventId !== ''));
    expect((await revoke(what(issued))).status).toBe(204);
    await eventually(() => [...clients, byTicket].every(({ isEnded }) => isEnded), { timeoutMs: 2_000 });
    for (const client of [...clients, byTicket]) {
      expect(client.named('closed')[0]?.data).toEqual({ reason: 'token_revoked' });
    }
    expect((await held).body.code).toBe('realtime_token_revoked');
    for (const node of nodes) {
      const paths = ['events?channels=a', `events?channels=a&ticket=${ticket}`, 'poll?channels=a&waitSeconds=0'];
      for (const path of paths) {
        const key = path.includes('ticket') ? {} : { key: issued.token };
        const answer = await call(node, 'GET', `/v1/realtime/${path}`, key);
        expect(answer.body).toMatchObject({ status: 401, code: 'realtime_token_revoked' });
      }
    }
    expect((await call(nodes[0], 'POST', '/v1/realtime/tickets', { key: issued.token })).status).toBe(401);
    expect(bystander.isEnded).toBe(false);
    bystander.close();
  });

  it('a user leaves what is issued afterwards alone', async () => {
    await revoke({ userId: 'again' });
    const { token } = await issue({ userId: 'again' });
    expect((await poll(token)).status).toBe(204);
    expect((await revoke({ userId: 'again' })).status).toBe(204);
    expect((await poll(token)).status).toBe(401);
  });

  it('wants exactly one thing, and a token of its own application', async () => {
    for (const body of [{}, { userId: 'a', jti: '00000000-0000-4000-8000-000000000000' }, { jti: 'x' }])
      expect((await revoke(body)).status).toBe(400);
    const other = await createApplication(nodes[0]);
    const { token } = await tokenFor(nodes[0], other.serverKey);
    expect((await revoke({ token })).body).toMatchObject({ status: 422, code: 'realtime_token_invalid' });
    await revoke({ userId: 'u-1' });
    expect((await poll(token)).status).toBe(204);
  });
});

type Issued = Awaited<ReturnType<typeof tokenFor>>;

describe('a ticket', () => {
  it('opens streams again and again, and nothing else', async () => {
    const { token } = await issue();
    const ticket = await ticketOf(token);
    const client = await SseClient.open(nodes[0], `channels=a&ticket=${ticket}`);
    await eventually(() => client.lastEventId !== '');
    client.close();
    const again = await SseClient.open(nodes[1], `channels=a&ticket=${ticket}`, { lastEventId: client.lastEventId });
    expect(again.status).toBe(200);
    again.close();
    expect((await poll(ticket)).body.code).toBe('realtime_token_invalid');
    expect((await call(nodes[0], 'POST', '/v1/realtime/tickets', { key: ticket })).status).toBe(401);
    const asTicket = await call(nodes[0], 'GET', `/v1/realtime/events?channels=a&ticket=${token}`);
    expect(asTicket.body.code).toBe('realtime_token_invalid');
  });

  it('that has expired answers 204, so that an EventSource stops', async () => {
    const ticket = await ticketOf((await issue({ ttlSeconds: 1 })).token);
    await eventually(async () => {
      const client = await SseClient.open(nodes[0], `channels=a&ticket=${ticket}`);
      client.close();
      expect([client.status, client.headers['cache-control']]).toEqual([204, 'no-store']);
    });
  });
});

it('HEAD opens no stream', async () => {
  const { token } = await issue();
  const answer = await call(nodes[0], 'HEAD', '/v1/realtime/events?channels=a', { key: token });
  expect(answer.status).toBe(200);
  await eventually(() => nodes[0].app.get(Connections).size === 0);
});

describe('an origin', () => {
  it('of the application may read the stream, another may not', async () => {
    const { token } = await issue();
    const client = await SseClient.open(nodes[0], 'channels=a', { token, headers: { origin: ORIGIN } });
    expect(client.headers['access-control-allow-origin']).toBe(ORIGIN);
    client.close();
    const headers = { origin: 'https://evil.example.com' };
    const refused = await call(nodes[0], 'GET', '/v1/realtime/events?channels=a', { key: token, headers });
    expect(refused.body).toMatchObject({ status: 403, code: 'origin_not_allowed' });
    expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    const preflight = { origin: ORIGIN, 'access-control-request-method': 'GET' };
    expect((await call(nodes[0], 'OPTIONS', '/v1/realtime/events', { headers: preflight })).status).toBe(204);
    const polled = await call(nodes[0], 'GET', '/v1/realtime/poll?channels=a&waitSeconds=0', {
      key: token,
      headers: { origin: ORIGIN },
    });
    expect(polled.headers.get('access-control-expose-headers')).toContain('x-cursor');
  });
});

describe('publishing', () => {
  it('takes 64 kB of any JSON, and names what is wrong', async () => {
    const send = (channel: string, data: unknown, event?: string) =>
      publish(nodes[0], application.serverKey, channel, data, event);
    expect((await send('big', 'x'.repeat(65_534))).status).toBe(201);
    expect((await send('big', null)).status).toBe(201);
    const wrong = [
      [await send('big', 'x'.repeat(65_535)), 'data'],
      [await send('big', undefined), 'data'],
      [await send('a%20b', 1), 'params.channel'],
      [await send('x'.repeat(129), 1), 'params.channel'],
      [await send('big', 1, 'gap'), 'event'],
      [await send('big', 1, 'a\nb'), 'event'],
    ] as const;
    for (const [answer, path] of wrong) {
      expect(answer.status).toBe(400);
      expect(answer.body.errors[0].path).toBe(path);
    }
    expect((await publish(nodes[0], application.clientKey, 'big', 1)).status).toBe(403);
    const { token } = await issue();
    expect((await publish(nodes[0], token, 'big', 1)).status).toBe(401);
  });
});

it('a forgotten user loses inbox and tokens', async () => {
  const { token } = await issue({ userId: 'forgotten' });
  await publish(nodes[0], application.serverKey, 'user:forgotten', { secret: 1 });
  const client = await SseClient.open(nodes[1], 'channels=user:forgotten&after=start', { token });
  await eventually(() => client.messages.length === 1);
  const answer = await call(nodes[0], 'DELETE', '/v1/users/forgotten', { key: application.serverKey });
  expect(answer.status).toBe(204);
  await eventually(() => client.isEnded, { timeoutMs: 2_000 });
  const again = (await issue({ userId: 'forgotten' })).token;
  expect((await poll(again, 'channels=user:forgotten&after=start&waitSeconds=0')).status).toBe(204);
  const gap = await poll(again, `channels=user:forgotten&after=${client.lastEventId}`);
  expect(gap.body.messages.map(({ event }: { event: string }) => event)).toEqual(['gap']);
});
