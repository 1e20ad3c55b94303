import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Connections } from '../../src/realtime/connections.js';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';
import { ask, closeClients, connect, named, openClient, RawSocket, type SocketClient } from '../setup/socket.js';

let database: TestDatabase;
let redis: string;
let api: TestApi;
let key: string;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await testRedisUrl();
  api = await startApi({ database: database.url, redis });
  key = (await createApplication(api)).serverKey;
});

afterEach(closeClients);

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const tokenOf = async (userId: string) => (await tokenFor(api, key, { userId })).token;

/** From now on the client takes nothing from its connection. */
function stopReading({ socket }: SocketClient): void {
  const { transport } = socket.io.engine;
  const { ws } = transport as typeof transport & { ws: { pause(): void } };
  ws.pause();
}

it('who never reads is closed and can resume, and who reads misses nothing', async () => {
  const [slowToken, quickToken] = [await tokenOf('slow'), await tokenOf('quick')];
  const slow = await connect(api, { token: slowToken });
  const quick = await connect(api, { token: quickToken });
  const { cursor } = await ask(slow, 'subscribe', { channels: ['flood'] });
  await ask(quick, 'subscribe', { channels: ['flood'] });
  stopReading(slow);
  const connections = api.app.get(Connections);
  // A burst stays below what a connection may owe, however busy the machine is.
  const BURST = 3;
  let sent = 0;
  while (connections.size === 2 && sent < 900) {
    const burst = Array.from({ length: BURST }, (_, i) =>
      publish(api, key, 'flood', { n: sent + i, x: 'x'.repeat(60_000) }),
    );
    for (const { status } of await Promise.all(burst)) expect(status).toBe(201);
    sent += burst.length;
    await eventually(() => quick.messages.length === sent, { intervalMs: 1 });
  }
  await eventually(() => connections.size === 1);
  const seqs = quick.messages.map(({ id }) => Number(id.split('-')[1]));
  expect(seqs).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
  expect(quick.socket.connected).toBe(true);

  const resumed = await connect(api, { token: slowToken });
  await ask(resumed, 'resume', { channels: ['flood'], after: cursor });
  await eventually(() => resumed.messages.length === sent, { timeoutMs: 30_000 });
  expect(resumed.messages.map(({ id }) => id)).toEqual(quick.messages.map(({ id }) => id));
}, 90_000);

it('a node that stops tells each client when to come back, and cuts it', async () => {
  const leaving = await startApi({ database: database.url, redis });
  const tokens = await Promise.all(Array.from({ length: 8 }, (_, n) => tokenOf(`leaving-${n}`)));
  const clients = await Promise.all(tokens.map((token) => connect(leaving, { token })));
  const startedMs = performance.now();
  await leaving.close();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  await eventually(() => clients.every(({ socket }) => !socket.connected));
  const delays = clients.map((client) => named(client, 'reconnect')[0]?.delayMs);
  expect(delays.every((delayMs) => delayMs >= 0 && delayMs <= 2_000)).toBe(true);
  expect(new Set(delays).size).toBeGreaterThan(4);
  // This is the reason after which socket.io-client comes back by itself.
  for (const client of clients) expect(named(client, 'disconnect')).toEqual(['transport close']);
});

it('who comes while the process is full gets in by itself when a place is free', async () => {
  const full = await startApi({ database: database.url, redis, REALTIME_MAX_CONNECTIONS: 1 });
  const first = await connect(full, { token: await tokenOf('first') });
  const retrying = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 };
  const second = openClient(full, { token: await tokenOf('second') }, retrying);
  let tries = 0;
  second.socket.io.on('reconnect_attempt', () => {
    tries += 1;
  });
  await eventually(() => tries >= 3);
  expect(second.socket.connected).toBe(false);
  first.socket.disconnect();
  await eventually(() => second.socket.connected);
  expect(named(second, 'connect_error')).toEqual([]);
  closeClients();
  await full.close();
});

it('the address that is counted is the one that a trusted proxy names', async () => {
  const options = { database: database.url, redis, REALTIME_MAX_CONNECTIONS_PER_IP: 1 };
  const proxied = await startApi({ ...options, TRUST_PROXY: '127.0.0.1' });
  const token = await tokenOf('behind');
  const from = (address: string) => ({ extraHeaders: { 'x-forwarded-for': address } });
  await connect(proxied, { token }, from('192.0.2.1'));
  await connect(proxied, { token }, from('192.0.2.2'));
  const third = openClient(proxied, { token }, from('192.0.2.1'));
  await eventually(() => named(third, 'connect_error').length === 1);
  expect(named(third, 'connect_error')[0].code).toBe('too_many_connections');
  closeClients();
  await proxied.close();
});

it.each([
  ['address', { REALTIME_MAX_CONNECTIONS_PER_IP: 2 }, [{ code: 'too_many_connections', retryAfterSeconds: 5 }]],
  // Cut, so that the client comes back by itself.
  ['process', { REALTIME_MAX_CONNECTIONS: 2 }, []],
])('who has not said who they are takes a place of their %s from the upgrade on', async (_, limit, refusals) => {
  const small = await startApi({ database: database.url, redis, ...limit });
  const token = await tokenOf('third');
  const silent = [await RawSocket.open(small), await RawSocket.open(small)];
  const refused = openClient(small, { token });
  const cuts: string[] = [];
  refused.socket.io.on('close', (reason) => cuts.push(reason));
  await eventually(() => cuts.length === 1);
  expect(named(refused, 'connect_error')).toEqual(refusals.map((refusal) => expect.objectContaining(refusal)));
  silent[0]?.close();
  await eventually(() => small.app.get(Connections).size === 1);
  const client = await connect(small, { token });
  expect(client.socket.connected).toBe(true);
  // Whoever says nothing for five seconds gives the place back.
  await eventually(() => silent[1]?.closeCode !== undefined);
  client.socket.disconnect();
  await eventually(() => small.app.get(Connections).size === 0);
  await small.close();
});

it('who was refused may try again on the same line, and who leaves it ends it', async () => {
  const raw = await RawSocket.open(api);
  raw.send('40{"token":"x.y.z"}');
  await eventually(() => raw.received.some((packet) => packet.startsWith('44')));
  raw.send(`40${JSON.stringify({ token: await tokenOf('again') })}`);
  await eventually(() => raw.received.some((packet) => packet.startsWith('40')));
  await eventually(() => api.app.get(Connections).size === 1);
  raw.send('41');
  await eventually(() => raw.closeCode !== undefined);
  await eventually(() => api.app.get(Connections).size === 0);
});
