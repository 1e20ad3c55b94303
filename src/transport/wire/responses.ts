import type { TransportResult } from '../transport.js';
import { ERROR } from './errors.js';
import { ReceiveWindow } from './flow.js';
import type { FrameWriter } from './frames.js';
import type { ResponseHead, ResponseHeads } from './response-head.js';
import type { StreamTable, WireStream } from './stream-table.js';

/** What {@link Responses} needs of the connection around it. */
export interface ResponsesOwner {
  /** A response has begun. */
  onAnswer(): void;
  /** Ends the stream with its result; with a code also towards the peer. */
  complete(stream: WireStream, result: TransportResult, resetCode: number | undefined): void;
  /** The peer broke the protocol on this stream. */
  onFaulty(stream: WireStream, code: number): void;
}

/** Puts responses together from their frames. */
export class Responses {
  private readonly window: ReceiveWindow;

  constructor(
    private readonly connectionId: string,
    private readonly maxBodyBytes: number,
    windowBytes: number,
    private readonly heads: ResponseHeads,
    private readonly streams: StreamTable,
    private readonly out: FrameWriter,
    private readonly owner: ResponsesOwner,
  ) {
    this.window = new ReceiveWindow(windowBytes);
  }

  onHeaders(id: number, isEnd: boolean, source: Buffer, start: number, end: number): void {
    // Also for a stream that was given up: the block belongs to the compression of all.
    const head = this.heads.read(source, start, end);
    const stream = this.streams.get(id);
    if (stream === undefined) {
      this.streams.expectKnown(id);
      return;
    }
    if (head.fault === 'too_large') this.owner.onFaulty(stream, ERROR.enhanceYourCalm);
    else if (!isInPlace(head, stream, isEnd)) this.owner.onFaulty(stream, ERROR.protocol);
    else if (stream.head !== undefined) this.respond(stream);
    else if (head.status >= 200) {
      stream.head = head;
      this.owner.onAnswer();
      if (isEnd) this.respond(stream);
    }
  }

  onData(id: number, isEnd: boolean, source: Buffer, start: number, end: number, countedBytes: number): void {
    const grant = this.window.take(countedBytes);
    if (grant > 0) this.out.windowUpdate(0, grant);
    const stream = this.streams.get(id);
    if (stream === undefined) {
      this.streams.expectKnown(id);
      return;
    }
    if (stream.head === undefined) {
      this.owner.onFaulty(stream, ERROR.protocol);
      return;
    }
    const streamGrant = stream.receiveWindow.take(countedBytes);
    stream.bodyBytes += end - start;
    this.keep(stream, source, start, end);
    if (stream.bodyBytes > this.maxBodyBytes) {
      this.owner.complete(stream, this.resultOf(stream, stream.head), isEnd ? undefined : ERROR.cancel);
    } else if (isEnd) this.respond(stream);
    else if (streamGrant > 0) this.out.windowUpdate(id, streamGrant);
  }

  /** A copy: the chunk that the bytes came in is hundreds of times larger, and the caller may keep the body. */
  private keep(stream: WireStream, source: Buffer, start: number, end: number): void {
    const earlier = stream.body;
    const bytes = Math.min(end - start, this.maxBodyBytes - earlier.length);
    if (bytes <= 0) return;
    const body = Buffer.allocUnsafe(earlier.length + bytes);
    if (earlier.length > 0) body.set(earlier, 0);
    source.copy(body, earlier.length, start, start + bytes);
    stream.body = body;
  }

  private respond(stream: WireStream): void {
    const { head } = stream;
    if (head === undefined) return;
    const isWhole = head.contentLength < 0 || head.contentLength === stream.bodyBytes || head.status === 304;
    if (!isWhole) this.owner.onFaulty(stream, ERROR.protocol);
    // The peer may answer before it has the whole request, and then does not want the rest.
    else
      this.owner.complete(stream, this.resultOf(stream, head), stream.pending === undefined ? undefined : ERROR.cancel);
  }

  private resultOf(stream: WireStream, head: ResponseHead): TransportResult {
    const { body } = stream;
    return { kind: 'response', status: head.status, headers: head.headers, body, connection: this.connectionId };
  }
}

/** Whether the block may stand here: a status first, informational ones before it, and trailers only at the very end. */
function isInPlace(head: ResponseHead, stream: WireStream, isEnd: boolean): boolean {
  if (head.fault !== undefined) return false;
  if (stream.head !== undefined) return isEnd && head.status === 0;
  return head.status >= 200 || (head.status >= 100 && head.status !== 101 && !isEnd);
}
