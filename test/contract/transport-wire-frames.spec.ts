import { describe, expect, it } from 'vitest';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import { wireConnections } from '../../src/transport/wire/wire-connection.js';
import { eventually } from '../setup/eventually.js';
import { firstOf, Harness, originOf, responseOf } from './transport-harness.js';
import { frame, SETTINGS, startScripted } from './transport-wire-peer.js';

const harness = new Harness((options) => new PooledTransport({ ...options, http2: wireConnections }));
/** END_HEADERS and END_STREAM, and `:status: 200`. */
const OK = (stream: number) => frame(1, 0x5, stream, '88');
const text = (value: string) => Buffer.from(value, 'latin1').toString('hex');
/** A literal field that enters no table. */
const field = (name: string, value: string): string =>
  [name, value].reduce((hex, part) => hex + part.length.toString(16).padStart(2, '0') + text(part), '00');
const uint32 = (value: number): string => value.toString(16).padStart(8, '0');
const setting = (id: number, value: number): Buffer => frame(4, 0, 0, id.toString(16).padStart(4, '0') + uint32(value));

describe('a peer that breaks the protocol of the connection', () => {
  it.each<[string, number, (stream: number) => Buffer[]]>([
    ['DATA on stream 0', 1, () => [frame(0, 0, 0)]],
    ['DATA on a stream that was never opened', 1, () => [frame(0, 0, 99)]],
    ['HEADERS on stream 0', 1, () => [frame(1, 4, 0, '88')]],
    ['HEADERS on a stream that was never opened', 1, () => [frame(1, 4, 99, '88')]],
    ['HEADERS on a stream of its own', 1, () => [frame(1, 4, 2, '88')]],
    ['PUSH_PROMISE', 1, (stream) => [frame(5, 4, stream, '0000000288')]],
    ['a frame larger than allowed', 6, (stream) => [frame(0, 0, stream, Buffer.alloc(16_385))]],
    ['SETTINGS of a wrong size', 6, () => [frame(4, 0, 0, '0000000000')]],
    ['SETTINGS on a stream', 1, (stream) => [frame(4, 0, stream)]],
    ['SETTINGS acknowledged with a payload', 6, () => [frame(4, 1, 0, '000300000001')]],
    ['SETTINGS_ENABLE_PUSH', 1, () => [setting(2, 1)]],
    ['SETTINGS_INITIAL_WINDOW_SIZE beyond 31 bits', 3, () => [setting(4, 0x80000000)]],
    ['SETTINGS_MAX_FRAME_SIZE below the minimum', 1, () => [setting(5, 100)]],
    ['SETTINGS_MAX_FRAME_SIZE beyond 24 bits', 1, () => [setting(5, 2 ** 24)]],
    ['PING of a wrong size', 6, () => [frame(6, 0, 0, '00')]],
    ['PING on a stream', 1, (stream) => [frame(6, 0, stream, '0000000000000000')]],
    ['RST_STREAM of a wrong size', 6, (stream) => [frame(3, 0, stream, '00')]],
    ['RST_STREAM on stream 0', 1, () => [frame(3, 0, 0, uint32(8))]],
    ['RST_STREAM on a stream that was never opened', 1, () => [frame(3, 0, 99, uint32(8))]],
    ['WINDOW_UPDATE of a wrong size', 6, () => [frame(8, 0, 0, '00')]],
    ['WINDOW_UPDATE of nothing', 1, () => [frame(8, 0, 0, uint32(0))]],
    ['WINDOW_UPDATE beyond 31 bits', 3, () => [frame(8, 0, 0, uint32(2 ** 31 - 1))]],
    ['WINDOW_UPDATE on a stream that was never opened', 1, () => [frame(8, 0, 99, uint32(1))]],
    ['GOAWAY on a stream', 1, (stream) => [frame(7, 0, stream, uint32(1) + uint32(0))]],
    ['GOAWAY of a wrong size', 6, () => [frame(7, 0, 0, uint32(1))]],
    ['PRIORITY of a wrong size', 6, (stream) => [frame(2, 0, stream, '00')]],
    ['PRIORITY on stream 0', 1, () => [frame(2, 0, 0, '0000000010')]],
    ['CONTINUATION of nothing', 1, (stream) => [frame(9, 4, stream, '88')]],
    ['a header block that another frame interrupts', 1, (stream) => [frame(1, 0, stream, '88'), SETTINGS]],
    [
      'a header block that goes on elsewhere',
      1,
      (stream) => [frame(1, 0, stream, '88'), frame(9, 4, stream + 2, '88')],
    ],
    [
      'a header block without an end',
      0xb,
      (stream) => [frame(1, 0, stream, '88'), ...Array.from({ length: 200 }, () => frame(9, 0, stream))],
    ],
    ['DATA of less than its padding', 1, (stream) => [frame(1, 4, stream, '88'), frame(0, 8, stream, '0500')]],
    ['DATA without its padding', 6, (stream) => [frame(1, 4, stream, '88'), frame(0, 8, stream)]],
    ['HEADERS of less than its padding', 1, (stream) => [frame(1, 0xc, stream, '0588')]],
    ['HEADERS without its priority', 6, (stream) => [frame(1, 0x24, stream, '88')]],
    ['a header index that does not exist', 9, (stream) => [frame(1, 4, stream, 'ff7f')]],
    ['a header table larger than allowed', 9, (stream) => [frame(1, 4, stream, '3fe21f88')]],
  ])('%s: is told so, and the request is ambiguous and not repeated', async (_name, code, bytes) => {
    const peer = await harness.peer(
      startScripted((connection, stream) => {
        if (connection === peer.connections[0]) connection.send(...bytes(stream), OK(stream));
        else connection.send(OK(stream));
      }),
    );
    const transport = harness.transport();
    expect(await harness.send(transport, originOf(peer))).toEqual({ kind: 'ambiguous', reason: 'closed' });
    const first = await firstOf(peer.connections, (connection) => connection.of(7).length > 0);
    expect(first.of(7).map(({ payload }) => payload.readUInt32BE(4))).toEqual([code]);
    expect(peer.connections).toHaveLength(1);
    await eventually(() => first.socket.readableEnded);
    responseOf(await harness.send(transport, originOf(peer)));
    expect(peer.connections).toHaveLength(2);
  });

  it('with its very first frame is told so too', async () => {
    const peer = await harness.peer(startScripted(() => {}, frame(6, 0, 0, '0000000000000000')));
    expect((await harness.send(harness.transport(), originOf(peer))).kind).not.toBe('response');
    const first = await firstOf(peer.connections, (connection) => connection.of(7).length > 0);
    expect(first.of(7)[0]?.payload.readUInt32BE(4)).toBe(1);
  });
});

describe('a malformed response', () => {
  it.each<[string, number, (stream: number) => Buffer[]]>([
    ['without a status', 1, (stream) => [frame(1, 5, stream, field('x', 'y'))]],
    ['with two statuses', 1, (stream) => [frame(1, 5, stream, '8888')]],
    ['with a status that is none', 1, (stream) => [frame(1, 5, stream, '08023230')]],
    ['with a status after other fields', 1, (stream) => [frame(1, 5, stream, `${field('x', 'y')}88`)]],
    ['with the pseudo header of a request', 1, (stream) => [frame(1, 5, stream, '8884')]],
    ['with an upper-case name', 1, (stream) => [frame(1, 5, stream, `88${field('X', 'y')}`)]],
    ['with an empty name', 1, (stream) => [frame(1, 5, stream, `88${field('', 'y')}`)]],
    ['with a header of HTTP/1 connections', 1, (stream) => [frame(1, 5, stream, `88${field('connection', 'close')}`)]],
    ['with a line break in a value', 1, (stream) => [frame(1, 5, stream, `88${field('x', 'y\r\nz')}`)]],
    ['that switches protocols', 1, (stream) => [frame(1, 4, stream, field(':status', '101')), OK(stream)]],
    ['that ends as an informational one', 1, (stream) => [frame(1, 5, stream, field(':status', '103'))]],
    ['whose body comes first', 1, (stream) => [frame(0, 0, stream, '00'), OK(stream)]],
    [
      'shorter than it says',
      1,
      (stream) => [frame(1, 4, stream, `88${field('content-length', '3')}`), frame(0, 1, stream, '0000')],
    ],
    ['with two lengths', 1, (stream) => [frame(1, 5, stream, `880f0d01300f0d0131`)]],
    [
      'whose trailers are not the end',
      1,
      (stream) => [frame(1, 4, stream, '88'), frame(1, 4, stream, field('x', 'y')), frame(0, 1, stream)],
    ],
    ['with a status in its trailers', 1, (stream) => [frame(1, 4, stream, '88'), OK(stream)]],
    ['and a WINDOW_UPDATE of nothing', 1, (stream) => [frame(8, 0, stream, uint32(0)), OK(stream)]],
    ['and a WINDOW_UPDATE beyond 31 bits', 3, (stream) => [frame(8, 0, stream, uint32(2 ** 31 - 1)), OK(stream)]],
    [
      'with a header list beyond the limit',
      0xb,
      (stream) => [
        // One large entry in the table, named a thousand times.
        frame(
          1,
          5,
          stream,
          Buffer.concat([Buffer.from('884001787f8106', 'hex'), Buffer.alloc(896, 'y'), Buffer.alloc(1_000, 0xbe)]),
        ),
      ],
    ],
  ])('%s is ambiguous, reset with a code, and its connection goes on', async (_name, code, bytes) => {
    const peer = await harness.peer(
      startScripted((connection, stream) => connection.send(...(stream === 1 ? bytes(stream) : [OK(stream)]))),
    );
    const transport = harness.transport();
    expect(await harness.send(transport, originOf(peer))).toEqual({ kind: 'ambiguous', reason: 'reset' });
    responseOf(await harness.send(transport, originOf(peer)));
    const [connection, ...others] = peer.connections;
    expect(others).toEqual([]);
    const resets = connection?.of(3).map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]);
    expect(resets).toEqual([[1, code]]);
  });
});

describe('what HTTP/2 permits', () => {
  it('is taken: unknown frames and settings, priorities, padding, split header blocks', async () => {
    const peer = await harness.peer(
      startScripted((connection, stream) => {
        connection.send(
          frame(0xfa, 0xff, stream, '00'),
          setting(0xff, 1),
          frame(2, 0, 99, '0000000010'),
          frame(1, 0x4, stream, field(':status', '103')),
          frame(1, 0x28, stream, `02${'80000000'}10${'88'}0000`),
          frame(9, 0, stream),
          frame(9, 0x4, stream, field('x', 'y')),
          frame(0, 0x8, stream, `03${text('whole')}000000`),
          frame(0, 0x8, stream, '00'),
          frame(1, 0x5, stream, field('trailer', 'z')),
        );
      }),
    );
    const result = responseOf(await harness.send(harness.transport(), originOf(peer)));
    expect([result.status, result.headers, result.body.toString()]).toEqual([200, { x: 'y' }, 'whole']);
  });

  it('is answered: PING with its payload, SETTINGS with an acknowledgement', async () => {
    const peer = await harness.peer(
      startScripted((connection, stream) => {
        connection.send(frame(6, 0, 0, '0102030405060708'), setting(3, 100), OK(stream));
      }),
    );
    responseOf(await harness.send(harness.transport(), originOf(peer)));
    const connection = await firstOf(peer.connections, ({ seen }) => seen.some(({ type }) => type === 6));
    expect(connection.of(6).map(({ flags, payload }) => [flags, payload.toString('hex')])).toEqual([
      [1, '0102030405060708'],
    ]);
    await eventually(() => connection.of(4).filter(({ flags }) => flags === 1).length === 2);
  });

  it('may come late, for a stream that was given up; its headers still count for the table', async () => {
    const peer = await harness.peer(
      startScripted((connection, stream) => {
        if (stream === 1) return;
        // `x: y` enters the table with the late response, and is named by its index in the next.
        connection.send(frame(1, 4, 1, '884001780179'), frame(0, 0, 1, '00'), frame(3, 0, 1, uint32(8)));
        connection.send(frame(1, 5, stream, '88be'));
      }),
    );
    const transport = harness.transport();
    const late = await harness.send(transport, originOf(peer), { timeoutMs: 100 });
    expect(late).toEqual({ kind: 'ambiguous', reason: 'timeout' });
    expect(responseOf(await harness.send(transport, originOf(peer))).headers).toEqual({ x: 'y' });
    const connection = await firstOf(peer.connections);
    expect(connection.of(3).map(({ stream, payload }) => [stream, payload.readUInt32BE(0)])).toEqual([[1, 8]]);
  });

  it('may pad without end: the window of a stream is granted again', async () => {
    const peer = await harness.peer(
      startScripted((connection, stream) => {
        const padded = frame(0, 0x8, stream, Buffer.concat([Buffer.from([255]), Buffer.from('x'), Buffer.alloc(255)]));
        connection.send(frame(1, 4, stream, '88'), ...Array.from({ length: 150 }, () => padded));
        void firstOf(peer.connections, () => connection.of(8).some((seen) => seen.stream === stream)).then(() =>
          connection.send(frame(0, 1, stream)),
        );
      }),
    );
    const result = responseOf(await harness.send(harness.transport(), originOf(peer)));
    expect(result.body.toString()).toBe('x'.repeat(150));
  });

  it('asks for no push, and says so first', async () => {
    const peer = await harness.peer(startScripted((connection, stream) => connection.send(OK(stream))));
    responseOf(await harness.send(harness.transport(), originOf(peer)));
    const [first] = peer.connections[0]?.seen ?? [];
    expect(first?.type).toBe(4);
    expect(first?.payload.toString('hex')).toContain('000200000000');
  });

  it('ends the connection with a GOAWAY of no error', async () => {
    const peer = await harness.peer(startScripted((connection, stream) => connection.send(OK(stream))));
    const transport = harness.transport();
    responseOf(await harness.send(transport, originOf(peer)));
    await transport.close();
    const connection = await firstOf(peer.connections, ({ socket }) => socket.readableEnded);
    expect(connection.of(7).map(({ payload }) => payload.readUInt32BE(4))).toEqual([0]);
  });
});
