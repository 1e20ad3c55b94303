import { bytesOf } from '../spliced-body.js';
import type { TransportRequest } from '../transport.js';
import { ConnectionError, ERROR } from './errors.js';
import { widened } from './flow.js';
import { DEFAULT_MAX_FRAME_BYTES, DEFAULT_WINDOW_BYTES, FLAG, FRAME, type FrameWriter, HEAD_BYTES } from './frames.js';
import type { HpackEncoder } from './hpack-encoder.js';
import type { StreamTable, WireStream } from './stream-table.js';

/** What most header blocks need; longer ones make the buffer grow. */
export const HEADERS_ROOM_BYTES = 1_024;

/** Headers that a caller may not set: of the connection, or said otherwise in HTTP/2. */
const FORBIDDEN = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
/** Headers that this side sets itself, or replaces by `:authority`. */
const OWN = new Set(['content-length', 'host']);
const ALWAYS_SENSITIVE = new Set(['authorization', 'proxy-authorization', 'cookie']);

type NameRule = 'forbidden' | 'own' | 'sensitive' | 'te' | undefined;

function ruleOf(name: string): NameRule {
  if (FORBIDDEN.has(name)) return 'forbidden';
  if (OWN.has(name)) return 'own';
  if (ALWAYS_SENSITIVE.has(name)) return 'sensitive';
  return name === 'te' ? 'te' : undefined;
}

/** Writes requests as frames, as far as the peer's windows permit, and goes on when they widen or the socket has room. */
export class RequestWriter {
  private readonly scheme: 'https' | 'http';
  /** Bytes of DATA that the peer takes on the connection. */
  private window = DEFAULT_WINDOW_BYTES;
  /** The same, on each new stream. */
  private initialWindow = DEFAULT_WINDOW_BYTES;
  private maxFrameBytes = DEFAULT_MAX_FRAME_BYTES;
  /** Streams whose body is not all out, in the order in which they go on. */
  private waiting: WireStream[] = [];
  private readonly rules = new Map<string, NameRule>();

  constructor(
    private readonly out: FrameWriter,
    private readonly encoder: HpackEncoder,
    private readonly streams: StreamTable,
    protocol: string,
    private readonly authority: string,
  ) {
    this.scheme = protocol === 'http:' ? 'http' : 'https';
  }

  /** Whether a new request's body would find any room at all. */
  get hasWindow(): boolean {
    return this.window > 0;
  }

  get streamWindow(): number {
    return this.initialWindow;
  }

  set frameLimit(bytes: number) {
    this.maxFrameBytes = bytes;
  }

  /**
   * Writes a request; {@link HEADERS_ROOM_BYTES} must be reserved.
   *
   * @returns false when HTTP/2 forbids one of its headers; nothing is written then
   */
  write(stream: WireStream, request: TransportRequest): boolean {
    const { out, encoder } = this;
    const start = out.at;
    const { body } = request;
    out.at += HEAD_BYTES;
    encoder.begin(request.method, this.scheme, this.authority, request.path);
    if (!this.fields(request)) {
      out.at = start;
      encoder.reset();
      return false;
    }
    if (body !== undefined) encoder.contentLength(body.length);
    const isEnd = body === undefined || body.length === 0;
    this.finishHeaders(stream.id, start, isEnd);
    if (isEnd) return true;
    if (body.length <= this.window && body.length <= stream.sendWindow && body.length <= this.maxFrameBytes) {
      this.window -= body.length;
      stream.sendWindow -= body.length;
      out.wholeData(stream.id, body);
      return true;
    }
    stream.pending = bytesOf(body);
    if (!this.proceed(stream)) this.waiting.push(stream);
    return true;
  }

  private fields({ headers, sensitive }: TransportRequest): boolean {
    const { encoder, rules } = this;
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined) continue;
      let rule = rules.get(name);
      if (rule === undefined && !rules.has(name)) {
        rule = ruleOf(name);
        if (rules.size < 256) rules.set(name, rule);
      }
      if (rule === 'own') continue;
      if (rule === 'forbidden' || (rule === 'te' && value !== 'trailers')) return false;
      encoder.field(name, value, rule === 'sensitive' || (sensitive?.includes(name) ?? false));
    }
    return true;
  }

  private finishHeaders(stream: number, start: number, isEnd: boolean): void {
    const { out } = this;
    const bytes = out.at - start - HEAD_BYTES;
    const endStream = isEnd ? FLAG.endStream : 0;
    if (bytes <= this.maxFrameBytes) {
      out.headAt(start, bytes, FRAME.headers, FLAG.endHeaders | endStream, stream);
      return;
    }
    const block = Buffer.from(out.buffer.subarray(start + HEAD_BYTES, out.at));
    out.at = start;
    out.ensure(bytes + HEAD_BYTES * Math.ceil(bytes / this.maxFrameBytes));
    for (let at = 0; at < bytes; at += this.maxFrameBytes) {
      const part = block.subarray(at, at + this.maxFrameBytes);
      const isLast = at + part.length === bytes;
      const flags = (isLast ? FLAG.endHeaders : 0) | (at === 0 ? endStream : 0);
      out.head(part.length, at === 0 ? FRAME.headers : FRAME.continuation, flags, stream);
      out.bytes(part);
    }
  }

  /** Sends what the windows and the socket permit; @returns whether that was all */
  private proceed(stream: WireStream): boolean {
    const { pending } = stream;
    while (pending !== undefined && stream.pendingAt < pending.length) {
      const left = pending.length - stream.pendingAt;
      const bytes = Math.min(left, this.window, stream.sendWindow, this.maxFrameBytes);
      if (bytes <= 0 || this.out.isFull) return false;
      this.window -= bytes;
      stream.sendWindow -= bytes;
      this.out.data(stream.id, pending, stream.pendingAt, stream.pendingAt + bytes, bytes === left);
      stream.pendingAt += bytes;
    }
    stream.pending = undefined;
    return true;
  }

  /** Goes on with what waited for a window or the socket. */
  resume(): void {
    if (this.waiting.length > 0) this.waiting = this.waiting.filter((stream) => !this.proceed(stream));
  }

  /** The stream ends before its request is out. */
  forget(stream: WireStream): void {
    if (stream.pending !== undefined) this.waiting = this.waiting.filter((other) => other !== stream);
  }

  /** @throws ConnectionError when the window would be too wide */
  widenConnection(increment: number): void {
    const wider = widened(this.window, increment);
    if (wider === undefined) throw new ConnectionError(ERROR.flowControl, 'connection window too wide');
    this.window = wider;
    this.resume();
  }

  /** @returns false when the window would be too wide */
  widenStream(stream: WireStream, increment: number): boolean {
    const wider = widened(stream.sendWindow, increment);
    if (wider === undefined) return false;
    stream.sendWindow = wider;
    if (stream.pending !== undefined) this.resume();
    return true;
  }

  /**
   * SETTINGS_INITIAL_WINDOW_SIZE, which moves the windows of open streams too; they may become negative.
   * Sends nothing: the peer counts on the new value only when it has the acknowledgement.
   */
  setInitialWindow(bytes: number): void {
    const difference = bytes - this.initialWindow;
    this.initialWindow = bytes;
    for (const stream of this.streams.all()) {
      const wider = widened(stream.sendWindow, difference);
      if (wider === undefined) throw new ConnectionError(ERROR.flowControl, 'stream window too wide');
      stream.sendWindow = wider;
    }
  }
}
