import { ConnectionError, ERROR } from './errors.js';
import { DEFAULT_MAX_FRAME_BYTES, FLAG, FRAME, HEAD_BYTES } from './frames.js';

/** Bytes of a header block over all its frames, and frames after its first; beyond, the peer means harm. */
const MAX_BLOCK_BYTES = 131_072;
const MAX_CONTINUATIONS = 64;
const MAX_FRAME_BYTES = HEAD_BYTES + DEFAULT_MAX_FRAME_BYTES;

/** Takes frames as they are read. Buffers are the reader's: what is kept of them must be copied. */
export interface FrameHandler {
  /** A whole header block. */
  onHeaders(stream: number, isEnd: boolean, source: Buffer, start: number, end: number): void;
  /** @param countedBytes what flow control counts: the padding too */
  onData(stream: number, isEnd: boolean, source: Buffer, start: number, end: number, countedBytes: number): void;
  onReset(stream: number, code: number): void;
  /** @param count parameters; of 6 bytes each */
  onSettings(source: Buffer, start: number, count: number): void;
  onPing(payload: Buffer): void;
  onGoaway(lastStream: number): void;
  onWindowUpdate(stream: number, increment: number): void;
}

function expect(holds: boolean, code: number, what: string): void {
  if (!holds) throw new ConnectionError(code, what);
}

function uint31(source: Buffer, at: number): number {
  return source.readUInt32BE(at) & 0x7fffffff;
}

/**
 * Finds the frames in a connection's bytes, however they are cut, and refuses those that RFC 9113 forbids whatever the
 * state of a stream.
 */
export class FrameReader {
  private hasSettings = false;
  private isStopped = false;
  /** The beginning of a frame whose end has not arrived. */
  private carry: Buffer = Buffer.alloc(0);
  private carried = 0;
  /** The header block that CONTINUATION frames must go on with; stream 0: none. */
  private blockStream = 0;
  private isBlockEnd = false;
  private continuations = 0;
  private block: Buffer = Buffer.alloc(0);

  constructor(private readonly handler: FrameHandler) {}

  /** Nothing more is handed on, also not of the chunk that is being read. */
  stop(): void {
    this.isStopped = true;
  }

  /** @throws ConnectionError when the peer breaks the protocol */
  read(chunk: Buffer): void {
    if (this.isStopped) return;
    let at = this.carried > 0 ? this.completeCarried(chunk) : 0;
    while (!this.isStopped && chunk.length - at >= HEAD_BYTES) {
      const bytes = frameBytes(chunk, at);
      if (chunk.length - at < bytes) break;
      this.frame(chunk, at, at + bytes);
      at += bytes;
    }
    if (at < chunk.length && !this.isStopped) this.keep(chunk, at, chunk.length);
  }

  /** @returns how much of the chunk belonged to the frame that had begun before it */
  private completeCarried(chunk: Buffer): number {
    let at = 0;
    if (this.carried < HEAD_BYTES) {
      at = Math.min(HEAD_BYTES - this.carried, chunk.length);
      this.keep(chunk, 0, at);
      if (this.carried < HEAD_BYTES) return at;
    }
    const bytes = frameBytes(this.carry, 0);
    const taken = Math.min(bytes - this.carried, chunk.length - at);
    this.keep(chunk, at, at + taken);
    if (this.carried === bytes) {
      this.carried = 0;
      this.frame(this.carry, 0, bytes);
    }
    return at + taken;
  }

  private keep(chunk: Buffer, start: number, end: number): void {
    if (this.carry.length === 0) this.carry = Buffer.allocUnsafeSlow(MAX_FRAME_BYTES);
    chunk.copy(this.carry, this.carried, start, end);
    this.carried += end - start;
  }

  private frame(source: Buffer, start: number, end: number): void {
    const type = source[start + 3] ?? 0;
    const flags = source[start + 4] ?? 0;
    const stream = uint31(source, start + 5);
    const payload = start + HEAD_BYTES;
    if (!this.hasSettings) this.expectSettings(type, flags);
    if (this.blockStream !== 0)
      expect(type === FRAME.continuation && stream === this.blockStream, ERROR.protocol, 'header block interrupted');
    if (type === FRAME.headers) this.headers(flags, stream, source, payload, end);
    else if (type === FRAME.data) this.data(flags, stream, source, payload, end);
    else if (type === FRAME.continuation) this.continuation(flags, source, payload, end);
    else this.control(type, flags, stream, source, payload, end);
  }

  private expectSettings(type: number, flags: number): void {
    expect(type === FRAME.settings && (flags & FLAG.ack) === 0, ERROR.protocol, 'not SETTINGS first');
    this.hasSettings = true;
  }

  private data(flags: number, stream: number, source: Buffer, start: number, end: number): void {
    expect(stream !== 0, ERROR.protocol, 'DATA without a stream');
    const isEnd = (flags & FLAG.endStream) !== 0;
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) {
      expect(end > start, ERROR.frameSize, 'DATA without its padding');
      from += 1;
      to -= source[start] ?? 0;
      expect(from <= to, ERROR.protocol, 'DATA of less than its padding');
    }
    this.handler.onData(stream, isEnd, source, from, to, end - start);
  }

  private headers(flags: number, stream: number, source: Buffer, start: number, end: number): void {
    expect(stream !== 0, ERROR.protocol, 'HEADERS without a stream');
    let from = start;
    let to = end;
    if ((flags & (FLAG.padded | FLAG.priority)) !== 0) {
      const isPadded = (flags & FLAG.padded) !== 0;
      from += (isPadded ? 1 : 0) + ((flags & FLAG.priority) !== 0 ? 5 : 0);
      expect(from <= end, ERROR.frameSize, 'HEADERS too short');
      if (isPadded) to -= source[start] ?? 0;
      expect(from <= to, ERROR.protocol, 'HEADERS of less than its padding');
    }
    const isEnd = (flags & FLAG.endStream) !== 0;
    if ((flags & FLAG.endHeaders) !== 0) {
      this.handler.onHeaders(stream, isEnd, source, from, to);
      return;
    }
    this.blockStream = stream;
    this.isBlockEnd = isEnd;
    this.continuations = 0;
    this.block = Buffer.from(source.subarray(from, to));
  }

  private continuation(flags: number, source: Buffer, start: number, end: number): void {
    expect(this.blockStream !== 0, ERROR.protocol, 'CONTINUATION of nothing');
    this.continuations += 1;
    const isSane = this.continuations <= MAX_CONTINUATIONS && this.block.length + end - start <= MAX_BLOCK_BYTES;
    expect(isSane, ERROR.enhanceYourCalm, 'header block too long');
    this.block = Buffer.concat([this.block, source.subarray(start, end)]);
    if ((flags & FLAG.endHeaders) === 0) return;
    const { block, blockStream } = this;
    this.blockStream = 0;
    this.block = Buffer.alloc(0);
    this.handler.onHeaders(blockStream, this.isBlockEnd, block, 0, block.length);
  }

  private control(type: number, flags: number, stream: number, source: Buffer, start: number, end: number): void {
    const bytes = end - start;
    switch (type) {
      case FRAME.settings:
        this.settings(flags, stream, source, start, bytes);
        break;
      case FRAME.rstStream:
        expect(bytes === 4, ERROR.frameSize, 'RST_STREAM of a wrong size');
        expect(stream !== 0, ERROR.protocol, 'RST_STREAM without a stream');
        this.handler.onReset(stream, source.readUInt32BE(start));
        break;
      case FRAME.windowUpdate:
        expect(bytes === 4, ERROR.frameSize, 'WINDOW_UPDATE of a wrong size');
        this.handler.onWindowUpdate(stream, uint31(source, start));
        break;
      case FRAME.ping:
        expect(bytes === 8, ERROR.frameSize, 'PING of a wrong size');
        expect(stream === 0, ERROR.protocol, 'PING on a stream');
        if ((flags & FLAG.ack) === 0) this.handler.onPing(source.subarray(start, end));
        break;
      case FRAME.goaway:
        expect(bytes >= 8, ERROR.frameSize, 'GOAWAY too short');
        expect(stream === 0, ERROR.protocol, 'GOAWAY on a stream');
        this.handler.onGoaway(uint31(source, start));
        break;
      case FRAME.priority:
        expect(stream !== 0, ERROR.protocol, 'PRIORITY without a stream');
        expect(bytes === 5, ERROR.frameSize, 'PRIORITY of a wrong size');
        break;
      case FRAME.pushPromise:
        throw new ConnectionError(ERROR.protocol, 'PUSH_PROMISE, which was forbidden');
    }
  }

  private settings(flags: number, stream: number, source: Buffer, start: number, bytes: number): void {
    expect(stream === 0, ERROR.protocol, 'SETTINGS on a stream');
    if ((flags & FLAG.ack) !== 0) {
      expect(bytes === 0, ERROR.frameSize, 'SETTINGS acknowledged with a payload');
      return;
    }
    expect(bytes % 6 === 0, ERROR.frameSize, 'SETTINGS of a wrong size');
    this.handler.onSettings(source, start, bytes / 6);
  }
}

/** @throws ConnectionError when the frame is larger than this side takes */
function frameBytes(source: Buffer, at: number): number {
  const bytes = ((source[at] ?? 0) << 16) | ((source[at + 1] ?? 0) << 8) | (source[at + 2] ?? 0);
  expect(bytes <= DEFAULT_MAX_FRAME_BYTES, ERROR.frameSize, 'frame too large');
  return HEAD_BYTES + bytes;
}
