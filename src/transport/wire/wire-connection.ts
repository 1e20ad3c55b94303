import {
  type ConnectedSocket,
  type Connection,
  type ConnectionFactory,
  type ConnectionOwner,
  type ConnectionSettings,
  SETTLE_MS,
  USEFUL_AFTER_MS,
} from '../connection.js';
import { Heartbeat } from '../heartbeat.js';
import { type AmbiguousReason, ambiguous, type Job, notProcessed } from '../job.js';
import { Latency } from '../latency.js';
import type { TransportResult } from '../transport.js';
import { ConnectionError, ERROR } from './errors.js';
import { FrameReader } from './frame-reader.js';
import { DEFAULT_WINDOW_BYTES, FrameWriter, SETTING } from './frames.js';
import { HpackDecoder } from './hpack-decoder.js';
import { HpackEncoder } from './hpack-encoder.js';
import { PeerFrames, type PeerFramesOwner } from './peer-frames.js';
import { HEADERS_ROOM_BYTES, RequestWriter } from './request-writer.js';
import { MAX_HEADER_LIST_BYTES, ResponseHeads } from './response-head.js';
import { Responses } from './responses.js';
import { StreamTable, WireStream } from './stream-table.js';

/** Milliseconds that a connection with nothing in flight may take to close. */
const CLOSE_PATIENCE_MS = 2_000;
/** Bytes of all responses together that the peer may send ahead. */
const RECEIVE_WINDOW_BYTES = 16 * 2 ** 20;
/** Bytes that the socket has not taken; only a peer that asks for acknowledgements and reads none gets this far. */
const MAX_UNTAKEN_BYTES = 4 * 2 ** 20;
const PING_PAYLOAD = Buffer.from('carillon');

/** HTTP/2 written and read by ourselves: many small requests at a fraction of what `node:http2` costs. */
export class WireConnection implements Connection, PeerFramesOwner {
  readonly id: string;
  lastUsedAtMs: number;
  private readonly openedAtMs: number;
  private readonly out: FrameWriter;
  private readonly reader: FrameReader;
  private readonly streams: StreamTable;
  private readonly requests: RequestWriter;
  private readonly heartbeat: Heartbeat;
  private readonly latency = new Latency();
  private maxStreams: number;
  /** Streams above have no byte at the socket yet. */
  private sentThrough = 0;
  private hasAnswered = false;
  /** Within the chunk that is being read. */
  private isAnswered = false;
  private drainedAtMs: number | undefined;
  private isReady = false;
  /** Since when the socket or the peer's window has had no room. */
  private fullSinceMs: number | undefined;
  private isDraining = false;
  private isRetired = false;
  private isDead = false;
  private wasReset = false;

  /** @param firstId of the streams; only tests start high */
  constructor(
    private readonly connected: ConnectedSocket,
    private readonly settings: ConnectionSettings,
    private readonly owner: ConnectionOwner,
    firstId = 1,
  ) {
    this.id = connected.id;
    this.openedAtMs = settings.clock.monotonicMs();
    this.lastUsedAtMs = this.openedAtMs;
    this.maxStreams = Math.min(connected.initialStreams, settings.maxStreams);
    this.heartbeat = new Heartbeat(settings, () => this.out.ping(PING_PAYLOAD, 0));
    // Twice what is kept of a body, so that no response has to wait for a grant.
    const streamWindow = Math.max(DEFAULT_WINDOW_BYTES, 2 * settings.maxBodyBytes);
    this.out = new FrameWriter(
      (bytes, done) => this.send(bytes, done),
      () => this.onFlushDue(),
    );
    this.streams = new StreamTable(() => new WireStream(streamWindow, (stream) => this.onExpired(stream)), firstId);
    const encoder = new HpackEncoder(this.out);
    this.requests = new RequestWriter(this.out, encoder, this.streams, connected.protocol, connected.authority);
    const heads = new ResponseHeads(new HpackDecoder());
    const { maxBodyBytes } = settings;
    const responses = new Responses(this.id, maxBodyBytes, RECEIVE_WINDOW_BYTES, heads, this.streams, this.out, this);
    this.reader = new FrameReader(new PeerFrames(responses, this.requests, encoder, this.streams, this.out, this));
    this.listen();
    this.out.preface([
      [SETTING.enablePush, 0],
      [SETTING.initialWindowSize, streamWindow],
      [SETTING.maxHeaderListSize, MAX_HEADER_LIST_BYTES],
    ]);
    this.out.windowUpdate(0, RECEIVE_WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
  }

  private listen(): void {
    const { socket } = this.connected;
    socket.on('data', (chunk: Buffer) => this.onChunk(chunk));
    socket.on('drain', () => this.onDrain());
    socket.once('error', (error: NodeJS.ErrnoException) => {
      this.wasReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
    });
    socket.once('end', () => this.die());
    socket.once('close', () => this.die());
  }

  private send(bytes: Buffer, done: () => void): boolean {
    const { socket } = this.connected;
    // The end of the socket is about to be told; until then its requests count as unsent, which they are.
    if (!socket.writable) {
      done();
      return true;
    }
    this.sentThrough = this.streams.lastId;
    this.lastUsedAtMs = this.settings.clock.monotonicMs();
    const hasRoom = socket.write(bytes, done);
    if (socket.writableLength > MAX_UNTAKEN_BYTES) this.destroy();
    return hasRoom;
  }

  private onFlushDue(): void {
    if (this.isDead) return;
    if (!this.isReady) {
      this.isReady = true;
      this.owner.onRoom();
    }
    if (!this.out.isFull) this.out.flush();
  }

  private onDrain(): void {
    this.out.isFull = false;
    this.requests.resume();
    this.out.flush();
    if (!this.isDead) this.owner.onRoom();
  }

  private onChunk(chunk: Buffer): void {
    this.heartbeat.heard();
    const openBefore = this.streams.size;
    try {
      this.reader.read(chunk);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.fail(error.code);
    }
    if (this.isAnswered) {
      this.isAnswered = false;
      this.heartbeat.responded();
    }
    if (this.streams.size < openBefore) this.lastUsedAtMs = this.settings.clock.monotonicMs();
    this.onFreed();
  }

  /** Streams may have ended. */
  private onFreed(): void {
    if (this.isDead) return;
    if (this.isDraining) this.closeWhenUnused();
    else this.owner.onRoom();
  }

  get open(): number {
    return this.streams.size;
  }

  room(nowMs: number): number {
    if (!this.isReady || this.isDraining || this.isDead) return 0;
    if (this.out.isFull || !this.requests.hasWindow) {
      this.fullSinceMs ??= nowMs;
      return 0;
    }
    this.fullSinceMs = undefined;
    return this.heartbeat.isTrusted(nowMs, this.streams.size === 0) ? this.maxStreams - this.streams.size : 0;
  }

  isSettling(nowMs: number): boolean {
    // APNs allows one stream until it has seen a valid token, then a thousand: not a reason for more connections.
    if (!this.hasAnswered && nowMs - this.openedAtMs < SETTLE_MS) return true;
    if (this.latency.isQuick(nowMs)) return true;
    return this.heartbeat.isAsking(nowMs) || (this.fullSinceMs !== undefined && nowMs - this.fullSinceMs < SETTLE_MS);
  }

  endedWell(nowMs: number): boolean {
    return this.hasAnswered || this.isRetired || nowMs - this.openedAtMs >= USEFUL_AFTER_MS;
  }

  start(job: Job): void {
    this.heartbeat.requested(this.streams.size === 0);
    this.out.reserve(HEADERS_ROOM_BYTES);
    const stream = this.streams.open(job, this.requests.streamWindow);
    this.latency.started(stream.id, this.settings.clock);
    if (!this.requests.write(stream, job.request)) {
      this.streams.takeBack(stream);
      setImmediate(() => job.finish(notProcessed('invalid_request')));
    } else if (this.streams.isUsedUp) this.markDraining();
  }

  private onExpired(stream: WireStream): void {
    this.complete(stream, ambiguous('timeout'), ERROR.cancel);
    this.onFreed();
  }

  complete(stream: WireStream, result: TransportResult, resetCode: number | undefined): void {
    if (resetCode !== undefined) this.out.rstStream(stream.id, resetCode);
    this.release(stream)?.finish(result);
  }

  private release(stream: WireStream): Job | undefined {
    const { job } = stream;
    this.latency.ended(stream.id, this.settings.clock);
    if (stream.pending !== undefined) this.requests.forget(stream);
    this.streams.release(stream);
    return job;
  }

  /** The peer certainly did not process it. */
  handBack(stream: WireStream, reason: 'unsent' | 'goaway' | 'refused_stream'): void {
    const job = this.release(stream);
    if (job !== undefined) this.owner.onNotProcessed(job, this, reason);
  }

  onAnswer(): void {
    this.hasAnswered = true;
    this.isAnswered = true;
  }

  onFaulty(stream: WireStream, code: number): void {
    this.complete(stream, ambiguous('reset'), code);
  }

  onMaxStreams(count: number): void {
    this.maxStreams = Math.min(count, this.settings.maxStreams);
  }

  markDraining(): void {
    if (this.isDraining || this.isDead) return;
    this.isDraining = true;
    this.owner.onDraining(this);
  }

  /** Ends the connection because the peer broke the protocol. */
  private fail(code: number): void {
    this.isDraining = true;
    this.reader.stop();
    this.out.discard();
    this.endStreams('closed');
    this.owner.onDraining(this);
    this.close(code);
  }

  private close(code: number): void {
    this.drainedAtMs = this.settings.clock.monotonicMs();
    this.out.goaway(code);
    this.out.flush();
    // Not destroyed yet: with bytes of the peer unread that would be a reset, and the peer might not see the GOAWAY.
    this.connected.socket.end();
  }

  private endStreams(reason: AmbiguousReason): void {
    for (const stream of this.streams.all()) {
      if (stream.id > this.sentThrough) this.handBack(stream, 'unsent');
      else this.complete(stream, ambiguous(reason), undefined);
    }
  }

  private die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.reader.stop();
    this.out.discard();
    this.endStreams(this.wasReset ? 'reset' : 'closed');
    this.connected.socket.destroy();
    this.owner.onDead(this);
  }

  drain(): void {
    this.isRetired = true;
    this.markDraining();
    this.closeWhenUnused();
  }

  private closeWhenUnused(): void {
    if (this.streams.size === 0 && this.drainedAtMs === undefined) this.close(ERROR.none);
  }

  destroy(): void {
    this.markDraining();
    this.connected.socket.destroy();
  }

  check(nowMs: number): void {
    if (this.isDead) return;
    if (this.isDraining) {
      if (this.drainedAtMs !== undefined && nowMs - this.drainedAtMs >= CLOSE_PATIENCE_MS) this.destroy();
    } else if (this.streams.size === 0 && nowMs - this.lastUsedAtMs >= this.settings.idleCloseMs) this.drain();
    else if (this.heartbeat.check(nowMs, this.streams.size === 0)) this.destroy();
  }
}

/** HTTP/2 by our own framing, as a {@link ConnectionFactory}. */
export const wireConnections: ConnectionFactory = (connected, settings, owner) =>
  new WireConnection(connected, settings, owner);
