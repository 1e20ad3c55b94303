import { createHash } from 'node:crypto';
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { ConnectionFactory } from '../../src/transport/connection.js';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import { MAX_STREAM_ID } from '../../src/transport/wire/frames.js';
import { WireConnection, wireConnections } from '../../src/transport/wire/wire-connection.js';
import { eventually } from '../setup/eventually.js';
import { firstOf, Harness, originOf, responseOf } from './transport-harness.js';
import { startHttp2 } from './transport-peers.js';
import { frame, startScripted } from './transport-wire-peer.js';

const harness = new Harness((options) => new PooledTransport({ http2: wireConnections, ...options }));
const OK = (stream: number) => frame(1, 0x5, stream, '88');
const times = (count: number): undefined[] => Array.from({ length: count });
const digest = (body: Buffer): string => createHash('sha256').update(body).digest('hex');

/** A server that gives each request's headers and body back. */
function startEcho(settings: Parameters<ServerHttp2Session['settings']>[0] = {}) {
  const sessions: ServerHttp2Session[] = [];
  const starting = startHttp2(
    (stream, { ':path': path, 'x-varying': varying, 'x-fixed': fixed, authorization }, body) => {
      const given = { varying: String(varying), fixed: String(fixed), authorization: String(authorization) };
      stream.respond({ ':status': 200, path: String(path), ...given, 'set-cookie': ['a', 'b'] });
      stream.end(digest(body));
    },
    { settings },
  );
  void starting.then(({ server }) => server.on('session', (session: ServerHttp2Session) => sessions.push(session)));
  return { starting, sessions };
}

async function echo(transport: PooledTransport, peer: { url: string }, index: number, body: Buffer): Promise<void> {
  const headers = { 'x-varying': `é${index % 7}`, 'x-fixed': 'fixed'.repeat(10), authorization: `bearer ${index % 3}` };
  const request = { path: `/${index}?ü`.replace('ü', '~'), headers, sensitive: ['authorization'], body };
  const result = responseOf(await harness.send(transport, originOf(peer), request));
  const { path, varying, fixed, authorization } = result.headers;
  expect([path, varying, fixed, authorization]).toEqual([
    request.path,
    headers['x-varying'],
    headers['x-fixed'],
    headers.authorization,
  ]);
  expect(result.headers['set-cookie']).toBe('a, b');
  expect(result.body.toString()).toBe(digest(body));
}

describe('with the server of node:http2', () => {
  it.each([0, 1, 64, 300, 4_096, 65_536])('agrees on headers with a table of %i bytes', async (headerTableSize) => {
    const { starting } = startEcho({ headerTableSize });
    const peer = await harness.peer(starting);
    const transport = harness.transport() as PooledTransport;
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(times(40).map((_, index) => echo(transport, peer, index, Buffer.from(`${index}`))));
    }
    expect(peer.sockets).toHaveLength(1);
  });

  it('agrees on headers while the table changes under way', async () => {
    const { starting, sessions } = startEcho();
    const peer = await harness.peer(starting);
    const transport = harness.transport() as PooledTransport;
    for (const headerTableSize of [0, 100, 65_536, 50, 0, 4_096, 200]) {
      const requests = times(60).map((_, index) => echo(transport, peer, index, Buffer.from(`${index}`)));
      await firstOf(sessions);
      sessions[0]?.settings({ headerTableSize });
      sessions[0]?.settings({ headerTableSize: headerTableSize >> 1 });
      await Promise.all(requests);
      await echo(transport, peer, headerTableSize, Buffer.from('after'));
    }
    expect(peer.sockets).toHaveLength(1);
  });

  it.each([1, 100, 16_000, 65_535, 2 ** 31 - 1])(
    'sends bodies through stream windows of %i bytes',
    async (initialWindowSize) => {
      const { starting } = startEcho({ initialWindowSize });
      const peer = await harness.peer(starting);
      const transport = harness.transport() as PooledTransport;
      const bytes = initialWindowSize === 1 ? 200 : 70_000;
      await Promise.all(times(12).map((_, index) => echo(transport, peer, index, Buffer.alloc(bytes + index, index))));
    },
  );

  it('sends bodies while the windows of open streams change, also to less than nothing', async () => {
    const { starting, sessions } = startEcho({ initialWindowSize: 5_000 });
    const peer = await harness.peer(starting);
    const transport = harness.transport() as PooledTransport;
    await echo(transport, peer, 0, Buffer.alloc(10));
    const requests = times(10).map((_, index) => echo(transport, peer, index, Buffer.alloc(60_000, index)));
    for (const initialWindowSize of [100, 50_000, 1, 20_000]) {
      sessions[0]?.settings({ initialWindowSize });
      await echo(transport, peer, initialWindowSize, Buffer.alloc(5));
    }
    await Promise.all(requests);
  });

  it('sends a header block that needs several frames', async () => {
    const { starting } = startEcho();
    const peer = await harness.peer(starting);
    const transport = harness.transport() as PooledTransport;
    const headers = { 'x-fixed': 'f'.repeat(50_000) };
    const result = responseOf(await harness.send(transport, originOf(peer), { headers }));
    expect(result.headers['fixed']).toBe(headers['x-fixed']);
    await echo(transport, peer, 1, Buffer.from('after'));
  });

  it('takes large bodies, many at a time, without a stall', async () => {
    const whole = Buffer.alloc(900_000, 'abc');
    const peer = await harness.peer(
      startHttp2(
        (stream) => {
          stream.respond({ ':status': 200 });
          stream.end(whole);
        },
        { maxSessionMemory: 100 },
      ),
    );
    const transport = harness.transport({ maxBodyBytes: 1_000_000 });
    const results = await Promise.all(times(40).map(() => harness.send(transport, originOf(peer))));
    for (const result of results) expect(responseOf(result).body.equals(whole)).toBe(true);
    expect(peer.sockets).toHaveLength(1);
  });
});

describe('a request', () => {
  it('whose window is closed by the peer is held, goes on when it opens, and ends at its deadline when not', async () => {
    const greeting = frame(4, 0, 0, '000400000003');
    const peer = await harness.peer(startScripted((connection, stream) => connection.send(OK(stream)), greeting));
    const transport = harness.transport();
    const warm = { method: 'GET', body: undefined } as const;
    responseOf(await harness.send(transport, originOf(peer), warm));
    const connection = await firstOf(peer.connections);
    const sent = harness.send(transport, originOf(peer), { body: Buffer.from('0123456789') });
    const dataOf = (stream: number): string =>
      Buffer.concat(
        connection
          .of(0)
          .filter((seen) => seen.stream === stream)
          .map(({ payload }) => payload),
      ).toString();
    await eventually(() => dataOf(3) === '012');
    connection.send(frame(8, 0, 3, '00000002'));
    await eventually(() => dataOf(3) === '01234');
    // The window of every open stream grows by 4.
    connection.send(frame(4, 0, 0, '000400000007'));
    await eventually(() => dataOf(3) === '012345678');
    connection.send(frame(8, 0, 3, '00000001'));
    responseOf(await sent);
    const held = await harness.send(transport, originOf(peer), { body: Buffer.from('0123456789'), timeoutMs: 150 });
    expect(held).toEqual({ kind: 'ambiguous', reason: 'timeout' });
    await eventually(() => connection.of(3).length === 1);
    responseOf(await harness.send(transport, originOf(peer), { body: Buffer.from('short') }));
    expect(peer.connections).toHaveLength(1);
  });

  it('is not sent while the window of the connection is closed', async () => {
    const peer = await harness.peer(
      startScripted(
        (connection, stream) => {
          if (stream === 1) connection.send(frame(8, 0, stream, '00100000'));
          connection.send(OK(stream));
        },
        frame(4, 0, 0, '000400100000'),
      ),
    );
    const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
    responseOf(await harness.send(transport, originOf(peer), { method: 'GET', body: undefined }));
    const large = harness.send(transport, originOf(peer), { body: Buffer.alloc(65_535) });
    responseOf(await large);
    const waiting = harness.send(transport, originOf(peer), { path: '/waits', timeoutMs: 100 });
    expect(await waiting).toEqual({ kind: 'not_processed', reason: 'queue_timeout' });
    const next = harness.send(transport, originOf(peer));
    peer.connections[0]?.send(frame(8, 0, 0, '00010000'));
    responseOf(await next);
    expect(peer.connections).toHaveLength(1);
  });

  it('waits in the queue while the socket takes no more', async () => {
    const wide = Buffer.concat([frame(4, 0, 0, '00047fffffff0003000003e8'), frame(8, 0, 0, '7fff0000')]);
    const peer = await harness.peer(startScripted((connection, stream) => connection.send(OK(stream)), wide));
    const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
    responseOf(await harness.send(transport, originOf(peer)));
    peer.connections[0]?.socket.pause();
    const body = Buffer.alloc(200_000);
    const sent = times(100).map(() => harness.send(transport, originOf(peer), { body, timeoutMs: 20_000 }));
    await eventually(() => (transport.stats()[0]?.waiting ?? 0) > 50);
    expect(peer.connections).toHaveLength(1);
    peer.connections[0]?.socket.resume();
    for (const result of await Promise.all(sent)) responseOf(result);
    expect(peer.connections).toHaveLength(1);
  });

  it('of many megabytes goes to the socket as it takes them', async () => {
    const wide = Buffer.concat([frame(4, 0, 0, '00047fffffff'), frame(8, 0, 0, '7fff0000')]);
    const peer = await harness.peer(startScripted((connection, stream) => connection.send(OK(stream)), wide));
    const transport = harness.transport();
    responseOf(await harness.send(transport, originOf(peer)));
    const connection = await firstOf(peer.connections);
    connection.socket.pause();
    const body = Buffer.alloc(30_000_000, 'abc');
    const sent = harness.send(transport, originOf(peer), { body, timeoutMs: 20_000 });
    await eventually(() => connection.socket.readableLength > 0);
    connection.socket.resume();
    responseOf(await sent);
    const arrived = connection.of(0).filter(({ stream }) => stream === 3);
    expect(Buffer.concat(arrived.map(({ payload }) => payload)).equals(body)).toBe(true);
    expect(peer.connections).toHaveLength(1);
  });

  it('of which no byte reached the socket goes out over another connection, and only there', async () => {
    const sockets: Socket[] = [];
    const http2: ConnectionFactory = (connected, settings, owner) => {
      sockets.push(connected.socket);
      return wireConnections(connected, settings, owner);
    };
    const requests: string[] = [];
    const peer = await harness.peer(
      startHttp2((stream, headers) => {
        requests.push(String(headers[':path']));
        if (headers[':path'] !== '/held') stream.respond({ ':status': 200 }, { endStream: true });
      }),
    );
    const transport = harness.transport({ http2 });
    responseOf(await harness.send(transport, originOf(peer), { path: '/first' }));
    const held = harness.send(transport, originOf(peer), { path: '/held' });
    await eventually(() => requests.includes('/held'));
    const unsent = [1, 2, 3].map((index) => harness.send(transport, originOf(peer), { path: `/${index}` }));
    sockets[0]?.destroy();
    for (const result of await Promise.all(unsent)) responseOf(result);
    expect(await held).toEqual({ kind: 'ambiguous', reason: 'closed' });
    expect(requests).toEqual(['/first', '/held', '/1', '/2', '/3']);
    expect(peer.sockets).toHaveLength(2);
  });

  it('that may not be sent leaves the compression of the others in order', async () => {
    const { starting } = startEcho();
    const peer = await harness.peer(starting);
    const transport = harness.transport() as PooledTransport;
    await echo(transport, peer, 0, Buffer.from('x'));
    const headers = { 'x-new': 'enters the table first', te: 'gzip' };
    const refused = [0, 1].map(() => harness.send(transport, originOf(peer), { headers }));
    const others = times(20).map((_, index) => echo(transport, peer, index, Buffer.from('x')));
    for (const result of await Promise.all(refused)) expect(result).toMatchObject({ reason: 'invalid_request' });
    await Promise.all(others);
    expect(peer.sockets).toHaveLength(1);
  });
});

it('resumes the TLS session with the next connection to the same origin, and never under another trust', async () => {
  const reused: (boolean | undefined)[] = [];
  const peer = await harness.peer(
    startHttp2((stream) => {
      const socket = stream.session?.socket as TLSSocket | undefined;
      reused.push(socket?.isSessionReused());
      stream.respond({ ':status': 200 }, { endStream: true });
    }),
  );
  const transport = harness.transport();
  for (const origin of [originOf(peer), originOf(peer), originOf(peer, { key: 'other' })]) {
    transport.retire(responseOf(await harness.send(transport, origin)).connection);
  }
  expect(reused).toEqual([false, true, false]);
  const refused = await harness.send(transport, originOf(peer, { ca: undefined }));
  expect(refused).toEqual({ kind: 'not_processed', reason: 'tls' });
});

it('goes over to a new connection when the stream numbers are used up', async () => {
  let opened = 0;
  const http2: ConnectionFactory = (connected, settings, owner) => {
    opened += 1;
    return new WireConnection(connected, settings, owner, opened === 1 ? MAX_STREAM_ID - 4 : 1);
  };
  const peer = await harness.peer(startScripted((connection, stream) => connection.send(OK(stream))));
  const transport = harness.transport({ http2 });
  const results = await Promise.all(times(6).map(() => harness.send(transport, originOf(peer))));
  for (const result of results) responseOf(result);
  const streams = peer.connections.map((connection) => connection.of(1).map(({ stream }) => stream));
  expect(streams).toEqual([
    [MAX_STREAM_ID - 4, MAX_STREAM_ID - 2, MAX_STREAM_ID],
    [1, 3, 5],
  ]);
  await eventually(() => peer.connections[0]?.socket.readableEnded === true);
});
