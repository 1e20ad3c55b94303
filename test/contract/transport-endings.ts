import { describe, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import {
  ENHANCE_YOUR_CALM,
  firstOf,
  Harness,
  INTERNAL_ERROR,
  type MakeTransport,
  originOf,
  REFUSED_STREAM,
  responseOf,
} from './transport-harness.js';
import { startHttp2 } from './transport-peers.js';
import { type RawConnection, startRaw } from './transport-raw-peer.js';

/** How streams and connections end, and what is then known about the requests on them. */
export function describeEndings(make: MakeTransport): void {
  const harness = new Harness(make);

  /** Holds what the first connection gets; answers everything on later ones. */
  async function startHoldingFirst() {
    const peer = await harness.peer(
      startRaw((connection, stream) => {
        if (connection !== peer.connections[0]) connection.respond(stream);
      }),
    );
    return peer;
  }

  async function firstWith(peer: { connections: RawConnection[] }, requests: number): Promise<RawConnection> {
    return firstOf(peer.connections, (first) => first.requests.length >= requests);
  }

  describe('GOAWAY', () => {
    it.each([
      ['graceful', 0],
      ['with an error code', ENHANCE_YOUR_CALM],
    ])('%s: sends again what lies above the last stream, and waits for the rest', async (_name, code) => {
      const peer = await startHoldingFirst();
      const transport = harness.transport();
      const kept = harness.send(transport, originOf(peer));
      const above = [0, 1].map(() => harness.send(transport, originOf(peer)));
      const first = await firstWith(peer, 3);
      first.goaway(1, code);
      const repeated = (await Promise.all(above)).map((result) => responseOf(result).connection);
      expect(peer.connections).toHaveLength(2);
      expect(peer.connections[1]?.requests).toHaveLength(2);
      first.respond(1);
      expect(repeated).not.toContain(responseOf(await kept).connection);
      expect(first.requests).toHaveLength(3);
    });

    it('in two steps, as a draining server sends it, loses nothing', async () => {
      const peer = await startHoldingFirst();
      const transport = harness.transport();
      const sent = [0, 1].map(() => harness.send(transport, originOf(peer)));
      const first = await firstWith(peer, 2);
      first.goaway(2 ** 31 - 1, 0);
      first.goaway(1, 0);
      first.respond(1);
      expect((await Promise.all(sent)).map(({ kind }) => kind)).toEqual(['response', 'response']);
      expect(first.requests).toEqual([1, 3]);
      expect(peer.connections[1]?.requests).toHaveLength(1);
    });

    it.each([
      ['graceful', 0],
      ['with an error code', INTERNAL_ERROR],
      ['with the code of a refused stream', REFUSED_STREAM],
    ])('%s: a socket that dies before the answer leaves it ambiguous, and unrepeated', async (_name, code) => {
      const peer = await startHoldingFirst();
      const sent = harness.send(harness.transport(), originOf(peer));
      const first = await firstWith(peer, 1);
      first.goaway(1, code);
      first.socket.end();
      expect((await sent).kind).toBe('ambiguous');
      expect(peer.connections.flatMap(({ requests }) => requests)).toEqual([1]);
    });

    it.each([0, INTERNAL_ERROR, REFUSED_STREAM])(
      'with code %i: a TCP reset before the answer leaves it ambiguous',
      async (code) => {
        const peer = await startHoldingFirst();
        const sent = harness.send(harness.transport(), originOf(peer));
        const first = await firstWith(peer, 1);
        first.goaway(1, code);
        await new Promise((resolve) => first.socket.write('', resolve));
        peer.sockets[0]?.resetAndDestroy();
        expect((await sent).kind).toBe('ambiguous');
        expect(peer.connections.flatMap(({ requests }) => requests)).toEqual([1]);
      },
    );

    it('twice for the same request ends it as not processed', async () => {
      const peer = await harness.peer(startRaw((connection) => connection.goaway(0, 0)));
      const result = await harness.send(harness.transport(), originOf(peer));
      expect(result).toEqual({ kind: 'not_processed', reason: 'goaway' });
      expect(peer.connections.flatMap(({ requests }) => requests)).toEqual([1, 1]);
    });

    it('takes no new request to that connection', async () => {
      const peer = await startHoldingFirst();
      const transport = harness.transport();
      const held = harness.send(transport, originOf(peer));
      const answered = harness.send(transport, originOf(peer));
      const first = await firstWith(peer, 2);
      first.goaway(2 ** 31 - 1, 0);
      // The response comes after GOAWAY on the same connection: once it is here, so is GOAWAY.
      first.respond(3);
      const { connection } = responseOf(await answered);
      expect(responseOf(await harness.send(transport, originOf(peer))).connection).not.toBe(connection);
      first.respond(1);
      expect(responseOf(await held).connection).toBe(connection);
    });
  });

  describe('RST_STREAM', () => {
    it('REFUSED_STREAM: goes once more, over another connection', async () => {
      const peer = await startHoldingFirst();
      const transport = harness.transport();
      const sent = harness.send(transport, originOf(peer));
      const first = await firstWith(peer, 1);
      first.rst(1, REFUSED_STREAM);
      responseOf(await sent);
      expect(peer.connections).toHaveLength(2);
      expect(first.socket.destroyed).toBe(false);
    });

    it('REFUSED_STREAM: ends as not processed when the repeat is refused too', async () => {
      const peer = await harness.peer(startRaw((connection, stream) => connection.rst(stream, REFUSED_STREAM)));
      const result = await harness.send(harness.transport(), originOf(peer));
      expect(result).toEqual({ kind: 'not_processed', reason: 'refused_stream' });
      expect(peer.connections.map(({ requests }) => requests)).toEqual([[1], [1]]);
    });

    it('REFUSED_STREAM: ends as not processed when there may be no other connection', async () => {
      const peer = await harness.peer(startRaw((connection, stream) => connection.rst(stream, REFUSED_STREAM)));
      const result = await harness.send(harness.transport({ maxConnectionsPerOrigin: 1 }), originOf(peer));
      expect(result).toEqual({ kind: 'not_processed', reason: 'refused_stream' });
      expect(peer.connections.map(({ requests }) => requests)).toEqual([[1]]);
    });

    it('with any other code is ambiguous and not repeated', async () => {
      const peer = await harness.peer(startRaw((connection, stream) => connection.rst(stream, INTERNAL_ERROR)));
      const result = await harness.send(harness.transport(), originOf(peer));
      expect(result).toEqual({ kind: 'ambiguous', reason: 'reset' });
      expect(peer.connections.flatMap(({ requests }) => requests)).toEqual([1]);
    });

    it('REFUSED_STREAM after a response has begun is ambiguous', async () => {
      const peer = await harness.peer(
        startRaw((connection, stream) => {
          connection.respondHead(stream);
          connection.data(stream, 'half', false);
          connection.rst(stream, REFUSED_STREAM);
        }),
      );
      const result = await harness.send(harness.transport(), originOf(peer));
      expect(result).toEqual({ kind: 'ambiguous', reason: 'reset' });
      expect(peer.connections.flatMap(({ requests }) => requests)).toEqual([1]);
    });
  });

  describe('the end of a connection', () => {
    it.each([
      ['closed without an answer', (connection: RawConnection) => connection.socket.destroy(), 'closed'],
      [
        'closed after half an answer',
        (connection: RawConnection, stream: number) => {
          connection.respondHead(stream);
          connection.data(stream, 'half', false);
          connection.socket.destroySoon();
        },
        'closed',
      ],
    ])('%s is ambiguous and not repeated', async (_name, act, reason) => {
      const peer = await harness.peer(startRaw(act));
      const result = await harness.send(harness.transport(), originOf(peer));
      expect(result).toEqual({ kind: 'ambiguous', reason });
      expect(peer.connections.flatMap(({ requests }) => requests)).toEqual([1]);
    });

    it('by a TCP reset is ambiguous and not repeated', async () => {
      const peer = await harness.peer(startRaw(() => peer.sockets[0]?.resetAndDestroy()));
      const result = await harness.send(harness.transport(), originOf(peer));
      expect(result).toEqual({ kind: 'ambiguous', reason: 'reset' });
      expect(peer.connections.flatMap(({ requests }) => requests)).toEqual([1]);
    });

    it('ends nothing that waits: it goes out over the next connection', async () => {
      const peer = await harness.peer(
        startRaw(
          (connection, stream) => {
            if (connection === peer.connections[0]) connection.socket.destroy();
            else connection.respond(stream);
          },
          { maxConcurrentStreams: 1 },
        ),
      );
      const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
      const origin = originOf(peer, { initialStreams: 1 });
      const results = await Promise.all([0, 1, 2].map(() => harness.send(transport, origin)));
      expect(results.map(({ kind }) => kind)).toEqual(['ambiguous', 'response', 'response']);
    });

    it('settles every one of many requests exactly once when it comes in the middle of them', async () => {
      let answered = 0;
      const peer = await harness.peer(
        startHttp2((stream) => {
          answered += 1;
          if (answered % 200 === 0) stream.session?.destroy();
          else stream.respond({ ':status': 200 }, { endStream: true });
        }),
      );
      const transport = harness.transport();
      const results = await Promise.all(Array.from({ length: 1_000 }, () => harness.send(transport, originOf(peer))));
      const kinds = new Set(results.map(({ kind }) => kind));
      expect(results).toHaveLength(1_000);
      expect(kinds).toContain('response');
      expect(kinds).toContain('ambiguous');
      await eventually(() => transport.stats().every(({ inFlight, waiting }) => inFlight + waiting === 0));
    });
  });

  describe('a request without an answer', () => {
    it('is ambiguous at its deadline, cancelled, and its connection goes on', async () => {
      let cancelled = 0;
      const peer = await harness.peer(
        startHttp2((stream, headers) => {
          if (headers[':path'] !== '/hang') stream.respond({ ':status': 200 }, { endStream: true });
          else stream.on('close', () => (cancelled += 1));
        }),
      );
      const transport = harness.transport();
      const first = responseOf(await harness.send(transport, originOf(peer)));
      const hung = await harness.send(transport, originOf(peer), { path: '/hang', timeoutMs: 150 });
      expect(hung).toEqual({ kind: 'ambiguous', reason: 'timeout' });
      expect(responseOf(await harness.send(transport, originOf(peer))).connection).toBe(first.connection);
      await eventually(() => cancelled === 1);
    });

    it('is ambiguous at its deadline although the response has begun', async () => {
      const peer = await harness.peer(startRaw((connection, stream) => connection.respondHead(stream)));
      const result = await harness.send(harness.transport(), originOf(peer), { timeoutMs: 150 });
      expect(result).toEqual({ kind: 'ambiguous', reason: 'timeout' });
    });
  });
}
