import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Connections } from '../../src/realtime/connections.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';
import {
  type Anything,
  ask,
  closeClients,
  connect,
  named,
  openClient,
  RawSocket,
  type SocketClient,
} from '../setup/socket.js';

let database: TestDatabase;
let api: TestApi;
let key: string;
let token: string;
/** Follows a channel all the time, and must notice nothing of what others do. */
let bystander: SocketClient;
let sent = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  key = (await createApplication(api)).serverKey;
  token = (await tokenFor(api, key, { userId: 'clumsy' })).token;
  bystander = await connect(api, { token: (await tokenFor(api, key, { userId: 'bystander' })).token });
  await ask(bystander, 'subscribe', { channels: ['calm'] });
});

afterEach(async () => {
  closeClients(bystander);
  await publish(api, key, 'calm', { n: ++sent });
  await eventually(() => bystander.messages.length === sent);
  expect(bystander.events).toEqual([]);
  await eventually(() => api.app.get(Connections).size === 1);
});

afterAll(async () => {
  closeClients();
  await api?.close();
  await database?.drop();
});

/** A line on which the client was let in. */
async function admitted(): Promise<RawSocket> {
  const raw = await RawSocket.open(api);
  raw.send(`40${JSON.stringify({ token })}`);
  await eventually(() => raw.received.some((packet) => packet.startsWith('40')));
  return raw;
}

describe('a packet that nobody can read', () => {
  it.each([
    ['no packet of Engine.IO', 'garbage'],
    ['the client’s own ping', '2'],
    ['no packet of Socket.IO', '4garbage'],
    ['an unknown type', '49[]'],
    ['no JSON', '42["subscribe",{'],
    ['no event', '42{"a":1}'],
    ['the name of an event of Socket.IO itself', '42["disconnecting"]'],
    ['attachments without number', '45-["message",{}]'],
    ['too many attachments', '451000-["message",{}]'],
    ['text instead of the attachment', ['451-["message",{"_placeholder":true,"num":0}]', '42["x"]']],
    ['an attachment that does not exist', ['451-["message",{"_placeholder":true,"num":7}]', new Uint8Array(3)]],
    ['bytes out of nowhere', new Uint8Array([1, 2, 3])],
    ['base64 out of nowhere', 'bAAAA'],
    ['a second handshake', `40${JSON.stringify({ token: 'x' })}`],
    ['another namespace’s event', '42/other,["subscribe",{}]'],
  ])('(%s) ends that connection, whether or not it was let in', async (_, packets) => {
    for (const raw of [await RawSocket.open(api), await admitted()]) {
      for (const packet of [packets].flat()) raw.send(packet);
      if (raw.received.length === 1 && String(packets).startsWith('40')) {
        await eventually(() => raw.received.some((packet) => packet.startsWith('44')));
        raw.close();
      }
      await eventually(() => raw.closeCode !== undefined);
    }
  });

  it.each([
    ['without a name', '42'],
    ['without a name, to be acknowledged', '427'],
    ['with a number for a name', '42[7]'],
    ['that nobody knows', '42["nonsense",{}]'],
    ['that is called error', '42["error","boo"]'],
  ])('an event %s is refused', async (_, packet) => {
    const raw = await admitted();
    raw.send(packet);
    const isRefusal = (one: string) => one.startsWith('42["refused"');
    await eventually(() => raw.received.some(isRefusal));
    const refusal = raw.received.find(isRefusal) ?? '';
    expect(JSON.parse(refusal.slice(2))[1].error.code).toBe('unknown_event');
    raw.close();
  });

  it('answers to nothing are passed over', async () => {
    const raw = await admitted();
    for (const packet of ['43[]', '431', '437[1]']) raw.send(packet);
    raw.send('421["unsubscribe",{"channels":["a"]}]');
    await eventually(() => raw.received.some((packet) => packet.startsWith('431[{"ok":true')));
    raw.close();
  });
});

it('a packet of more than 100 kB ends the connection with the close code 1009', async () => {
  const client = await connect(api, { token });
  const details: Anything[] = [];
  client.socket.on('disconnect', (_, detail) => details.push(detail));
  client.socket.emit('message', { channel: 'a', event: 'said', data: 'x'.repeat(100_000) });
  await eventually(() => details.length === 1);
  expect(named(client, 'disconnect')).toEqual(['transport close']);
  expect(details[0].context.code).toBe(1009);
});

it('a namespace that does not exist is refused', async () => {
  const client = openClient({ baseUrl: `${api.baseUrl}/other` }, { token });
  const messages: string[] = [];
  client.socket.on('connect_error', ({ message }) => messages.push(message));
  await eventually(() => messages.length === 1);
  expect(messages).toEqual(['Invalid namespace']);
});

it('whoever says twice who they are, at once, is let in once', async () => {
  const raw = await RawSocket.open(api);
  for (let n = 0; n < 2; n += 1) raw.send(`40${JSON.stringify({ token })}`);
  await eventually(() => raw.received.length === 3);
  expect(raw.received.filter((packet) => packet.startsWith('40')).length).toBe(1);
  expect(raw.received.find((packet) => packet.startsWith('44'))).toContain('already_connected');
  raw.close();
});

describe('HTTP polling', () => {
  it('is refused, and told what to use instead', async () => {
    for (const method of ['GET', 'POST']) {
      const answer = await call(api, method, '/realtime/?EIO=4&transport=polling');
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.body).toMatchObject({ status: 400, code: 'websocket_only', requestId: expect.any(String) });
      expect(answer.body.detail).toContain("transports: ['websocket']");
    }
    const plain = await call(api, 'GET', '/realtime/?EIO=4&transport=websocket');
    expect(plain.body.code).toBe('websocket_only');
  });

  it('of socket.io-client ends with an error', async () => {
    const client = openClient(api, { token }, { transports: ['polling'] });
    await eventually(() => named(client, 'connect_error').length === 1);
    expect(client.socket.connected).toBe(false);
  });

  it('an upgrade to something else is refused', async () => {
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${api.baseUrl}/realtime/?EIO=4&transport=polling`, { headers });
      asked.on('response', (response) => resolve(response.statusCode)).on('error', reject);
      asked.end();
    });
    expect(status).toBe(400);
  });
});
