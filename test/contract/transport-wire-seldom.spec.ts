import { describe, expect, it } from 'vitest';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import { eventually } from '../setup/eventually.js';
import { firstOf, Harness, originOf, responseOf } from './transport-harness.js';
import { frame, type ScriptedConnection, startScripted } from './transport-wire-peer.js';
import { Replay } from './transport-wire-replay.js';

const harness = new Harness((options) => new PooledTransport(options));
const times = (count: number): undefined[] => Array.from({ length: count });
const OK = (stream: number) => frame(1, 0x5, stream, '88');
const uint32 = (value: number): string => value.toString(16).padStart(8, '0');
const setting = (id: number, value: number): string => id.toString(16).padStart(4, '0') + uint32(value);
const goaway = (last: number, debug = ''): Buffer => frame(7, 0, 0, uint32(last) + uint32(0) + debug);
const GET = { method: 'GET', body: undefined } as const;

/** Answers everything but what the test does itself on the first connection. */
async function startWith(onFirst: (connection: ScriptedConnection, stream: number) => void, greeting?: Buffer) {
  const peer = await harness.peer(
    startScripted((connection, stream) => {
      if (connection === peer.connections[0]) onFirst(connection, stream);
      else connection.send(OK(stream));
    }, greeting),
  );
  return peer;
}

describe('RST_STREAM', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 0xffff])(
    'with code %i is ambiguous; the connection goes on and nothing is repeated',
    async (code) => {
      const peer = await startWith((connection, stream) => {
        connection.send(stream === 1 ? frame(3, 0, stream, uint32(code)) : OK(stream));
      });
      const transport = harness.transport();
      expect(await harness.send(transport, originOf(peer))).toEqual({ kind: 'ambiguous', reason: 'reset' });
      responseOf(await harness.send(transport, originOf(peer)));
      expect(peer.connections.map((connection) => connection.of(1).map(({ stream }) => stream))).toEqual([[1, 3]]);
    },
  );
});

describe('GOAWAY', () => {
  it('with debug data, in one chunk with a response, loses neither', async () => {
    const peer = await startWith((connection, stream) => connection.send(OK(stream), goaway(1, '646562756721')));
    const transport = harness.transport();
    responseOf(await harness.send(transport, originOf(peer)));
    responseOf(await harness.send(transport, originOf(peer)));
    expect(peer.connections).toHaveLength(2);
  });

  it('a second time, lower: what the first had left in doubt is sent again; higher: nothing comes back', async () => {
    const peer = await startWith((connection, stream) => {
      if (stream === 5) connection.send(goaway(3), goaway(1), goaway(5), OK(1), OK(3), OK(5));
    });
    const transport = harness.transport();
    const results = await Promise.all(times(3).map(() => harness.send(transport, originOf(peer))));
    const connections = results.map((result) => responseOf(result).connection);
    expect(new Set(connections.slice(1)).size).toBe(1);
    expect(connections[0]).not.toBe(connections[1]);
    expect(peer.connections[1]?.of(1)).toHaveLength(2);
  });
});

describe('SETTINGS', () => {
  it('of the frame size count from then on, up and down', async () => {
    const largest = (connection: ScriptedConnection, stream: number): number =>
      Math.max(...connection.of(0).map((seen) => (seen.stream === stream ? seen.payload.length : 0)));
    const wide = frame(4, 0, 0, setting(4, 2 ** 31 - 1) + setting(5, 100_000));
    const peer = await startWith(
      (connection, stream) => {
        if (stream === 3) connection.send(frame(4, 0, 0, setting(5, 20_000)));
        connection.send(OK(stream));
      },
      Buffer.concat([wide, frame(8, 0, 0, '7fff0000')]),
    );
    const transport = harness.transport();
    const body = Buffer.alloc(250_000);
    responseOf(await harness.send(transport, originOf(peer), GET));
    for (const _ of times(2)) responseOf(await harness.send(transport, originOf(peer), { body }));
    const connection = await firstOf(peer.connections);
    expect([largest(connection, 3), largest(connection, 5)]).toEqual([100_000, 20_000]);
  });

  it('that say one thing twice mean the last', async () => {
    const peer = await startWith(
      (connection, stream) => connection.send(OK(stream)),
      frame(4, 0, 0, setting(4, 0) + setting(3, 0) + setting(4, 100) + setting(3, 50)),
    );
    const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
    for (const result of await Promise.all(times(40).map(() => harness.send(transport, originOf(peer)))))
      responseOf(result);
  });

  it('of no streams hold requests back until there are some', async () => {
    const peer = await startWith((connection, stream) => {
      connection.send(OK(stream), ...(stream === 1 ? [frame(4, 0, 0, setting(3, 0))] : []));
    });
    const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
    responseOf(await harness.send(transport, originOf(peer)));
    await eventually(() => peer.connections[0]?.of(4).filter(({ flags }) => flags === 1).length === 2);
    const held = harness.send(transport, originOf(peer));
    expect(transport.stats()).toMatchObject([{ inFlight: 0, waiting: 1 }]);
    peer.connections[0]?.send(frame(4, 0, 0, setting(3, 1)));
    responseOf(await held);
  });
});

describe('a peer', () => {
  it('may answer before it has the whole request: the rest is not sent, and the connection goes on', async () => {
    const peer = await startWith((connection, stream) => connection.send(OK(stream)), frame(4, 0, 0, setting(4, 10)));
    const transport = harness.transport();
    responseOf(await harness.send(transport, originOf(peer), GET));
    const sent = harness.send(transport, originOf(peer), { body: Buffer.alloc(1_000) });
    const connection = await firstOf(peer.connections, ({ seen }) => seen.some(({ stream }) => stream === 3));
    // As RFC 9113, section 8.1, has it: the response, then a request to stop.
    connection.send(OK(3), frame(3, 0, 3, uint32(0)), frame(8, 0, 3, uint32(5_000)));
    responseOf(await sent);
    responseOf(await harness.send(transport, originOf(peer), { body: Buffer.from('next') }));
    const body = connection.of(0).filter(({ stream }) => stream === 3);
    expect(body.map(({ payload, flags }) => [payload.length, flags])).toEqual([[10, 0]]);
    expect(connection.of(3).map(({ stream, payload }) => [stream, payload.readUInt32BE(0)])).toEqual([[3, 8]]);
    expect(peer.connections).toHaveLength(1);
  });

  it('may say what we have no use for: ALTSVC, ORIGIN, priorities, acknowledgements, late frames', async () => {
    const peer = await startWith((connection, stream) => {
      connection.send(
        frame(0xa, 0, 0, '0000'),
        frame(0xa, 0, stream, '0000'),
        frame(0xc, 0, 0, '0000'),
        frame(0x10, 0, 0, '00000001'),
        frame(2, 0, 2, '0000000010'),
        frame(6, 1, 0, '0000000000000000'),
        frame(4, 1, 0),
        OK(stream),
        OK(stream),
        frame(0, 1, stream, '00'),
        frame(8, 0, stream, uint32(1)),
        frame(3, 0, stream, uint32(7)),
      );
    });
    const transport = harness.transport();
    for (const _ of times(3)) responseOf(await harness.send(transport, originOf(peer)));
    expect(peer.connections.map((connection) => connection.of(1).length)).toEqual([3]);
  });

  it.each<[string, number, (stream: number) => Buffer[]]>([
    [
      'a header block of too many bytes',
      0xb,
      (stream) => [frame(1, 0, stream, '88'), ...times(9).map(() => frame(9, 0, stream, Buffer.alloc(16_000)))],
    ],
    ['a wrong Huffman code', 9, (stream) => [frame(1, 4, stream, '88000178'.concat('81ff'))]],
    ['a header block that is cut off', 9, (stream) => [frame(1, 4, stream, '8800017805')]],
    ['a header table that changes within a block', 9, (stream) => [frame(1, 4, stream, '8820')]],
    ['index 0', 9, (stream) => [frame(1, 4, stream, '80')]],
    ['CONTINUATION on stream 0', 1, () => [frame(9, 4, 0, '88')]],
    ['a request of its own', 1, () => [frame(1, 5, 2, '828684')]],
    ['PUSH_PROMISE on stream 0', 1, () => [frame(5, 4, 0, '0000000288')]],
    [
      'a setting too wide for an open stream',
      3,
      () => [frame(8, 0, 1, uint32(100)), frame(4, 0, 0, setting(4, 2 ** 31 - 1))],
    ],
  ])('that sends %s is told so', async (_name, code, bytes) => {
    const peer = await startWith((connection, stream) => connection.send(...bytes(stream), OK(stream)));
    const transport = harness.transport();
    expect(await harness.send(transport, originOf(peer))).toEqual({ kind: 'ambiguous', reason: 'closed' });
    const first = await firstOf(peer.connections, (connection) => connection.of(7).length > 0);
    expect(first.of(7).map(({ payload }) => payload.readUInt32BE(4))).toEqual([code]);
    responseOf(await harness.send(transport, originOf(peer)));
  });

  it('that asks and asks and never reads is left', async () => {
    const peer = await startWith(() => {});
    const sent = harness.send(harness.transport({ pingBusyMs: 60_000 }), originOf(peer), { timeoutMs: 25_000 });
    const connection = await firstOf(peer.connections, (first) => first.of(1).length > 0);
    connection.socket.pause();
    const pings = Buffer.concat(times(10_000).map(() => frame(6, 0, 0, '0000000000000000')));
    const ask = (): void => {
      if (connection.socket.writable) connection.socket.write(pings, ask);
    };
    ask();
    expect(await sent).toEqual({ kind: 'ambiguous', reason: 'closed' });
  });

  it('that broke the protocol is left in seconds, although it goes on sending', () => {
    const replay = new Replay();
    replay.send();
    const endless = Buffer.concat([frame(4, 0, 0), frame(0, 0, 1, Buffer.alloc(20_000))]);
    for (let at = 0; at < 400; at += 10) {
      replay.feed(endless.subarray(at, at + 10));
      replay.nowMs += 100;
      replay.connection.check(replay.nowMs);
    }
    expect(replay.isDestroyed).toBe(true);
    expect(replay.ends).toEqual([1, 1, 1, 1, 1, 1]);
  });
});
