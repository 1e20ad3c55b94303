import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MAX_CHANNELS } from '../../src/realtime/position.js';
import { RevocationsRepository } from '../../src/realtime/revocations.repository.js';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';
import { type Anything, ask, closeClients, connect, named, type SocketClient } from '../setup/socket.js';

let database: TestDatabase;
let api: TestApi;
let application: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  application = await createApplication(api);
});

afterEach(() => {
  vi.restoreAllMocks();
  closeClients();
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

type Allowed = Parameters<typeof tokenFor>[2] & { publish?: string[] };
const issue = (body: Allowed = {}) => tokenFor(api, application.serverKey, body);
const send = (channel: string, n: number) => publish(api, application.serverKey, channel, { n });
const numbers = (client: SocketClient) => client.messages.map(({ data }) => data.n);

async function cursorOf(token: string, channels: string[]): Promise<string> {
  const client = await connect(api, { token });
  const { cursor } = await ask(client, 'subscribe', { channels });
  client.socket.disconnect();
  return cursor;
}

describe('the cursor of the handshake', () => {
  it.each([
    ['a cursor', (cursor: string) => cursor],
    ['start', () => 'start'],
  ])('that is %s holds for the first time that a channel is followed, and no longer', async (kind, after) => {
    const { token } = await issue();
    const [one, other] = [`first-${kind.length}`, `later-${kind.length}`];
    const cursor = await cursorOf(token, [one, other]);
    for (const channel of [one, other]) await send(channel, 1);
    const client = await connect(api, { token, after: after(cursor) });
    await ask(client, 'subscribe', { channels: [one] });
    await eventually(() => client.messages.length === 1);
    await ask(client, 'unsubscribe', { channels: [one] });
    await send(one, 2);
    await ask(client, 'subscribe', { channels: [one] });
    await send(one, 3);
    await eventually(() => client.messages.length >= 2);
    expect(numbers(client)).toEqual([1, 3]);
    await ask(client, 'subscribe', { channels: [other] });
    await eventually(() => client.messages.length === 3);
    expect(client.messages[2]).toMatchObject({ channel: other, data: { n: 1 } });
  });

  it('counts as used when the client says itself where a channel goes on', async () => {
    const { token } = await issue();
    const cursor = await cursorOf(token, ['said']);
    await send('said', 1);
    const client = await connect(api, { token, after: cursor });
    await ask(client, 'subscribe', { channels: ['said'], after: await cursorOf(token, ['said']) });
    await ask(client, 'unsubscribe', { channels: ['said'] });
    await ask(client, 'subscribe', { channels: ['said'] });
    await send('said', 2);
    await eventually(() => client.messages.length > 0);
    expect(numbers(client)).toEqual([2]);
  });
});

it('a resume that is refused changes nothing', async () => {
  const client = await connect(api, { token: (await issue({ channels: ['kept-*'] })).token });
  const names = Array.from({ length: MAX_CHANNELS }, (_, n) => `kept-${n}`);
  const { cursor } = await ask(client, 'subscribe', { channels: names });
  const tooMany = await ask(client, 'resume', { channels: ['kept-0', 'kept-more'], after: cursor });
  expect(tooMany.error).toMatchObject({ code: 'invalid_request', errors: [{ path: 'channels' }] });
  const foreign = await ask(client, 'resume', { channels: ['kept-0', 'foreign'], after: cursor });
  expect(foreign.error.code).toBe('channel_forbidden');
  await send('kept-0', 1);
  await eventually(() => client.messages.length === 1);
  expect(await ask(client, 'resume', { channels: names, after: cursor })).toMatchObject({ ok: true });
  await eventually(() => client.messages.length === 2);
});

it('cursors count exactly what came before them, in answers too', async () => {
  const client = await connect(api, { token: (await issue()).token });
  await ask(client, 'subscribe', { channels: ['counted'] });
  const MESSAGES = 40;
  const answers: { counted: number; received: number }[] = [];
  const sent = Array.from({ length: MESSAGES }, (_, n) => {
    client.socket.emit('subscribe', { channels: ['counted'] }, ({ cursor }: Anything) => {
      answers.push({ counted: Number(cursor.split('-').at(-1)), received: client.messages.length });
    });
    return send('counted', n);
  });
  await Promise.all(sent);
  await eventually(() => client.messages.length === MESSAGES && answers.length === MESSAGES);
  for (const { counted, received } of answers) expect(counted).toBe(received);
});

describe('binary data', () => {
  it('is refused by the name of its field, and the connection goes on', async () => {
    const client = await connect(api, { token: (await issue({ publish: ['talk'] })).token });
    const message = (data: unknown) => ({ channel: 'talk', event: 'said', data });
    const cases: [event: string, payload: unknown, paths: string[]][] = [
      ['message', message(Buffer.from('x')), ['data']],
      ['message', message({ a: [1, Buffer.from('x')], b: new Uint8Array(3) }), ['data.a.1', 'data.b']],
      ['subscribe', Buffer.from('x'), ['']],
      ['subscribe', { channels: [Buffer.from('x')] }, ['channels.0']],
    ];
    for (const [event, payload, paths] of cases) {
      const { error } = await ask(client, event, payload);
      expect(error.code).toBe('invalid_request');
      expect(error.errors.map(({ path }: Anything) => path).toSorted()).toEqual(paths);
      expect(error.errors[0].message).toContain('binary');
    }
    const second = await client.socket.timeout(5_000).emitWithAck('message', message(1), Buffer.from('x'));
    expect(second.error).toMatchObject({ code: 'invalid_request', errors: [{ path: '' }] });
    expect(await ask(client, 'message', message('text'))).toEqual({ id: expect.any(String) });
  });
});

it('a revocation that comes while a token is being read ends the connection all the same', async () => {
  const client = await connect(api, { token: (await issue()).token });
  const next = await issue();
  const repository = api.app.get(RevocationsRepository);
  const isRevoked = repository.isRevoked.bind(repository);
  // The looks at what was revoked lately would find it, too, a second later.
  vi.spyOn(repository, 'since').mockResolvedValue([]);
  vi.spyOn(repository, 'isRevoked').mockImplementationOnce(async (grant) => {
    const answer = await isRevoked(grant);
    await repository.add({ applicationId: application.id, kind: 'token', subject: next.jti });
    return answer;
  });
  client.socket.emit('authenticate', { token: next.token });
  await eventually(() => !client.socket.connected);
  expect(named(client, 'closed')).toEqual([{ reason: 'token_revoked' }]);
});
