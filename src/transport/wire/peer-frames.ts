import { type AmbiguousReason, ambiguous } from '../job.js';
import { ConnectionError, ERROR } from './errors.js';
import type { FrameHandler } from './frame-reader.js';
import { DEFAULT_MAX_FRAME_BYTES, FLAG, type FrameWriter, MAX_WINDOW_BYTES, SETTING } from './frames.js';
import type { HpackEncoder } from './hpack-encoder.js';
import type { RequestWriter } from './request-writer.js';
import type { Responses, ResponsesOwner } from './responses.js';
import type { StreamTable, WireStream } from './stream-table.js';

/** https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
const LARGEST_MAX_FRAME_BYTES = 2 ** 24 - 1;
const RESET: AmbiguousReason = 'reset';

/** What {@link PeerFrames} needs of the connection around it. */
export interface PeerFramesOwner extends ResponsesOwner {
  /** Streams that the peer allows at a time. */
  onMaxStreams(count: number): void;
  /** Nothing new may start. */
  markDraining(): void;
  /** The peer certainly did not process it. */
  handBack(stream: WireStream, reason: 'goaway' | 'refused_stream'): void;
}

/** Acts on each frame of the peer. */
export class PeerFrames implements FrameHandler {
  private hasSettings = false;

  constructor(
    private readonly responses: Responses,
    private readonly requests: RequestWriter,
    private readonly encoder: HpackEncoder,
    private readonly streams: StreamTable,
    private readonly out: FrameWriter,
    private readonly owner: PeerFramesOwner,
  ) {}

  onHeaders(stream: number, isEnd: boolean, source: Buffer, start: number, end: number): void {
    this.responses.onHeaders(stream, isEnd, source, start, end);
  }

  onData(stream: number, isEnd: boolean, source: Buffer, start: number, end: number, countedBytes: number): void {
    this.responses.onData(stream, isEnd, source, start, end, countedBytes);
  }

  onReset(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) this.streams.expectKnown(id);
    else if (code === ERROR.refusedStream && stream.head === undefined) this.owner.handBack(stream, 'refused_stream');
    else this.owner.complete(stream, ambiguous(RESET), undefined);
  }

  onGoaway(lastStream: number): void {
    this.owner.markDraining();
    for (const stream of this.streams.all()) {
      if (stream.id <= lastStream) continue;
      if (stream.head === undefined) this.owner.handBack(stream, 'goaway');
      else this.owner.complete(stream, ambiguous(RESET), undefined);
    }
  }

  onPing(payload: Buffer): void {
    this.out.ping(payload, FLAG.ack);
  }

  onWindowUpdate(id: number, increment: number): void {
    const stream = this.streams.get(id);
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(ERROR.protocol, 'WINDOW_UPDATE of nothing');
      this.requests.widenConnection(increment);
    } else if (stream === undefined) this.streams.expectKnown(id);
    else if (increment === 0) this.owner.onFaulty(stream, ERROR.protocol);
    else if (!this.requests.widenStream(stream, increment)) this.owner.onFaulty(stream, ERROR.flowControl);
  }

  onSettings(source: Buffer, start: number, count: number): void {
    // Until a first value there is no limit, and a later absence changes nothing.
    if (!this.hasSettings) this.owner.onMaxStreams(Number.POSITIVE_INFINITY);
    this.hasSettings = true;
    for (let at = start; at < start + 6 * count; at += 6) {
      this.setting(source.readUInt16BE(at), source.readUInt32BE(at + 2));
    }
    this.out.settingsAck();
    this.requests.resume();
  }

  /** Parameters without a meaning are ignored, says the RFC. */
  private setting(id: number, value: number): void {
    switch (id) {
      case SETTING.headerTableSize:
        this.encoder.limitTable(value);
        break;
      case SETTING.enablePush:
        if (value !== 0) throw new ConnectionError(ERROR.protocol, 'a server cannot be pushed to');
        break;
      case SETTING.maxConcurrentStreams:
        this.owner.onMaxStreams(value);
        break;
      case SETTING.initialWindowSize:
        if (value > MAX_WINDOW_BYTES) throw new ConnectionError(ERROR.flowControl, 'initial window too wide');
        this.requests.setInitialWindow(value);
        break;
      case SETTING.maxFrameSize:
        if (value < DEFAULT_MAX_FRAME_BYTES || value > LARGEST_MAX_FRAME_BYTES)
          throw new ConnectionError(ERROR.protocol, 'no such frame size');
        this.requests.frameLimit = value;
        break;
    }
  }
}
