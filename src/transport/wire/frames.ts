import { SplicedBody } from '../spliced-body.js';
import { ByteWriter } from './byte-writer.js';

/** https://www.rfc-editor.org/rfc/rfc9113#section-6 */
export const FRAME = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

export const FLAG = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
export const SETTING = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

export const HEAD_BYTES = 9;
/** Bytes of a frame's payload that every peer takes, and that this side takes. */
export const DEFAULT_MAX_FRAME_BYTES = 16_384;
/** Bytes that may be sent, on a stream and on a connection, until the peer says otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
export const MAX_WINDOW_BYTES = 2 ** 31 - 1;
export const MAX_STREAM_ID = 2 ** 31 - 1;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

const SLAB_BYTES = 65_536;
/** Collected bytes that go out without waiting for more: the socket takes a whole slab, and TLS works while we go on. */
const FLUSH_BYTES = 32_768;
const MAX_SPARE_SLABS = 32;
/** Slabs that no write uses any more, of all connections. */
const spareSlabs: Buffer[] = [];
const NO_BYTES = Buffer.alloc(0);

function takeSlab(): Buffer {
  return spareSlabs.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
}

function giveBack(slab: Buffer): void {
  if (slab.length === SLAB_BYTES && spareSlabs.length < MAX_SPARE_SLABS) spareSlabs.push(slab);
}

/**
 * Collects frames, so that many requests are one write to the socket.
 * A collected stretch always ends between frames, never within one.
 */
export class FrameWriter extends ByteWriter {
  /** The socket has enough to do; whoever hears that it took everything sets this back. */
  isFull = false;
  private isFlushDue = false;

  /**
   * @param send writes to the socket; the bytes are the callee's until it calls `done`. False: the socket is full
   * @param onDue called when something was collected and the event loop has come round: time for {@link flush}
   */
  constructor(
    private readonly send: (bytes: Buffer, done: () => void) => boolean,
    private readonly onDue: () => void,
  ) {
    super(NO_BYTES);
  }

  /** Makes room for a frame, or several that belong together; may send what was collected before. */
  reserve(bytes: number): void {
    if (this.at > 0 && (this.at >= FLUSH_BYTES || this.buffer.length - this.at < bytes)) this.flush();
    if (this.buffer.length === 0) this.buffer = takeSlab();
    this.ensure(bytes);
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    // Not sooner: what other sockets and promises add in this turn of the event loop goes along.
    setImmediate(this.flushDue);
  }

  private readonly flushDue = (): void => {
    this.isFlushDue = false;
    this.onDue();
  };

  flush(): void {
    if (this.at === 0) return;
    const slab = this.buffer;
    const bytes = slab.subarray(0, this.at);
    this.buffer = NO_BYTES;
    this.at = 0;
    if (!this.send(bytes, () => giveBack(slab))) this.isFull = true;
  }

  /** Throws away what was collected. */
  discard(): void {
    giveBack(this.buffer);
    this.buffer = NO_BYTES;
    this.at = 0;
  }

  head(payloadBytes: number, type: number, flags: number, stream: number): void {
    this.headAt(this.at, payloadBytes, type, flags, stream);
    this.at += HEAD_BYTES;
  }

  /** Writes a frame's head where room was left for it. */
  headAt(at: number, payloadBytes: number, type: number, flags: number, stream: number): void {
    const { buffer } = this;
    buffer[at] = payloadBytes >>> 16;
    buffer[at + 1] = payloadBytes >>> 8;
    buffer[at + 2] = payloadBytes;
    buffer[at + 3] = type;
    buffer[at + 4] = flags;
    buffer[at + 5] = stream >>> 24;
    buffer[at + 6] = stream >>> 16;
    buffer[at + 7] = stream >>> 8;
    buffer[at + 8] = stream;
  }

  /** The first bytes of a connection. */
  preface(settings: readonly (readonly [id: number, value: number])[]): void {
    this.reserve(PREFACE.length + HEAD_BYTES + 6 * settings.length);
    this.bytes(PREFACE);
    this.head(6 * settings.length, FRAME.settings, 0, 0);
    for (const [id, value] of settings) {
      this.byte(id >>> 8);
      this.byte(id);
      this.uint32(value);
    }
  }

  settingsAck(): void {
    this.reserve(HEAD_BYTES);
    this.head(0, FRAME.settings, FLAG.ack, 0);
  }

  /** @param payload 8 bytes */
  ping(payload: Uint8Array, flags: number): void {
    this.reserve(HEAD_BYTES + 8);
    this.head(8, FRAME.ping, flags, 0);
    this.bytes(payload);
  }

  windowUpdate(stream: number, increment: number): void {
    this.reserve(HEAD_BYTES + 4);
    this.head(4, FRAME.windowUpdate, 0, stream);
    this.uint32(increment);
  }

  rstStream(stream: number, code: number): void {
    this.reserve(HEAD_BYTES + 4);
    this.head(4, FRAME.rstStream, 0, stream);
    this.uint32(code);
  }

  /** A client has processed no streams of the peer, hence the 0. */
  goaway(code: number): void {
    this.reserve(HEAD_BYTES + 8);
    this.head(8, FRAME.goaway, 0, 0);
    this.uint32(0);
    this.uint32(code);
  }

  /** A request's whole body as its only frame. */
  wholeData(stream: number, body: Buffer | SplicedBody): void {
    this.reserve(HEAD_BYTES + body.length);
    this.head(body.length, FRAME.data, FLAG.endStream, stream);
    if (body instanceof SplicedBody) body.copyTo(this.buffer, this.at);
    else this.buffer.set(body, this.at);
    this.at += body.length;
  }

  data(stream: number, body: Buffer, start: number, end: number, isLast: boolean): void {
    this.reserve(HEAD_BYTES + end - start);
    this.head(end - start, FRAME.data, isLast ? FLAG.endStream : 0, stream);
    this.bytes(start === 0 && end === body.length ? body : body.subarray(start, end));
  }
}
