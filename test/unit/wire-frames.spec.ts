import { describe, expect, it } from 'vitest';
import { ReceiveWindow } from '../../src/transport/wire/flow.js';
import { type FrameHandler, FrameReader } from '../../src/transport/wire/frame-reader.js';
import { HpackDecoder } from '../../src/transport/wire/hpack-decoder.js';
import { ResponseHeads } from '../../src/transport/wire/response-head.js';

function frame(type: number, flags: number, stream: number, payload: Buffer | string): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

/** Writes down what it is given, copied as the reader's rules demand. */
class Recorder implements FrameHandler {
  readonly calls: string[] = [];

  onHeaders(stream: number, isEnd: boolean, source: Buffer, start: number, end: number): void {
    this.calls.push(`headers ${stream} ${isEnd} ${source.toString('latin1', start, end)}`);
  }
  onData(stream: number, isEnd: boolean, source: Buffer, start: number, end: number, countedBytes: number): void {
    this.calls.push(`data ${stream} ${isEnd} ${source.toString('latin1', start, end)} ${countedBytes}`);
  }
  onReset(stream: number, code: number): void {
    this.calls.push(`reset ${stream} ${code}`);
  }
  onSettings(source: Buffer, start: number, count: number): void {
    this.calls.push(`settings ${source.toString('hex', start, start + 6 * count)}`);
  }
  onPing(payload: Buffer): void {
    this.calls.push(`ping ${payload.toString('latin1')}`);
  }
  onGoaway(lastStream: number): void {
    this.calls.push(`goaway ${lastStream}`);
  }
  onWindowUpdate(stream: number, increment: number): void {
    this.calls.push(`window ${stream} ${increment}`);
  }
}

const CONVERSATION = Buffer.concat([
  frame(4, 0, 0, Buffer.from('000300000064', 'hex')),
  frame(4, 1, 0, ''),
  frame(1, 0x4, 1, 'block one'),
  frame(0, 0x8, 1, '\x03padded\0\0\0'),
  frame(0, 0x1, 1, ''),
  frame(1, 0x4 | 0x1 | 0x8 | 0x20, 3, '\x02\x80\0\0\0\x10block two\0\0'),
  frame(1, 0x1, 5, 'begins '),
  frame(9, 0, 5, ''),
  frame(9, 0, 5, 'goes on '),
  frame(9, 0x4, 5, 'ends'),
  frame(2, 0, 7, '\0\0\0\x01\x10'),
  frame(0xfa, 0xff, 9, 'unknown'),
  frame(6, 0, 0, 'pingpong'),
  frame(6, 1, 0, 'answered'),
  frame(8, 0, 0, Buffer.from('00000100', 'hex')),
  frame(3, 0, 7, Buffer.from('00000008', 'hex')),
  frame(0, 0, 9, 'x'.repeat(300)),
  frame(7, 0, 0, Buffer.from('80000005000000006465', 'hex')),
]);

const CALLS = [
  'settings 000300000064',
  'headers 1 false block one',
  'data 1 false padded 10',
  'data 1 true  0',
  'headers 3 true block two',
  'headers 5 true begins goes on ends',
  'ping pingpong',
  'window 0 256',
  'reset 7 8',
  `data 9 false ${'x'.repeat(300)} 300`,
  'goaway 5',
];

function read(chunks: readonly Buffer[]): string[] {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder);
  for (const chunk of chunks) reader.read(chunk);
  return recorder.calls;
}

describe('a conversation reads the same', () => {
  it('in one piece', () => {
    expect(read([CONVERSATION])).toEqual(CALLS);
  });

  it('in pieces of every size', () => {
    for (let size = 1; size < CONVERSATION.length; size += 1) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < CONVERSATION.length; at += size) chunks.push(CONVERSATION.subarray(at, at + size));
      expect(read(chunks)).toEqual(CALLS);
    }
  });

  it('cut in two, and in three, at every place', () => {
    for (let cut = 0; cut <= CONVERSATION.length; cut += 1) {
      expect(read([CONVERSATION.subarray(0, cut), CONVERSATION.subarray(cut)])).toEqual(CALLS);
      const second = (cut * 7) % (CONVERSATION.length + 1);
      const [from, to] = cut < second ? [cut, second] : [second, cut];
      const parts = [CONVERSATION.subarray(0, from), CONVERSATION.subarray(from, to), CONVERSATION.subarray(to)];
      expect(read(parts)).toEqual(CALLS);
    }
  });
});

it('hands on nothing after it was stopped, not even from the same chunk', () => {
  const recorder = new Recorder();
  const reader: FrameReader = new FrameReader(recorder);
  recorder.onPing = () => reader.stop();
  reader.read(CONVERSATION);
  reader.read(frame(6, 0, 0, 'pingpong'));
  expect(recorder.calls).toEqual(CALLS.slice(0, 6));
});

it('refuses what breaks the protocol once, whatever comes after it', () => {
  const reader = new FrameReader(new Recorder());
  const tooLarge = frame(4, 0, 0, Buffer.alloc(20_000));
  reader.read(tooLarge.subarray(0, 5));
  expect(() => reader.read(tooLarge.subarray(5, 100))).toThrow('frame too large');
  reader.stop();
  reader.read(tooLarge.subarray(100));
  reader.read(CONVERSATION);
});

describe('a receive window', () => {
  it('is granted again when half of it is used, and never exceeded', () => {
    const window = new ReceiveWindow(100);
    expect([window.take(50), window.take(1), window.take(49)]).toEqual([0, 51, 0]);
    expect(() => window.take(52)).toThrow();
  });
});

describe('response heads', () => {
  const read = (heads: ResponseHeads, hex: string) => {
    const block = Buffer.from(hex, 'hex');
    return heads.read(block, 0, block.length);
  };

  it('are shared between equal blocks until the table changes', () => {
    const heads = new ResponseHeads(new HpackDecoder());
    read(heads, `884001780179`);
    const first = read(heads, '88be');
    expect(first).toMatchObject({ status: 200, headers: { x: 'y' } });
    expect(read(heads, '88be')).toBe(first);
    // Another entry moves the first: the same bytes now mean something else.
    read(heads, `884001770176`);
    expect(read(heads, '88be').headers).toEqual({ w: 'v' });
    expect(read(heads, '88bf').headers).toEqual({ x: 'y' });
  });

  it.each(['1e2', '+20', '20', '2000', ' 99', '099', ''])('have no status %j', (status) => {
    const block = Buffer.concat([Buffer.from([0x08, status.length]), Buffer.from(status)]);
    expect(new ResponseHeads(new HpackDecoder()).read(block, 0, block.length).fault).toBe('malformed');
  });
});
