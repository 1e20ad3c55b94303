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
import type { TransportResult } from '../transport.js';
import { ConnectionError, ERROR } from './errors.js';
import { type FrameHandler, FrameReader } from './frame-reader.js';
import { DEFAULT_WINDOW_BYTES, FLAG, FrameWriter, MAX_STREAM_ID, SETTING } from './frames.js';
import { HpackDecoder } from './hpack-decoder.js';
import { HpackEncoder } from './hpack-encoder.js';
import { applySettings } from './peer-settings.js';
import { HEADERS_ROOM_BYTES, RequestWriter } from './request-writer.js';
import { MAX_HEADER_LIST_BYTES, ResponseHeads } from './response-head.js';
import { Responses, type ResponsesOwner } from './responses.js';
import { StreamTable, WireStream } from './stream-table.js';

/** Milliseconds that a connection with nothing in flight may take to close. */
const CLOSE_PATIENCE_MS = 2_000;
/** Bytes of all responses together that the peer may send ahead. */
const RECEIVE_WINDOW_BYTES = 16 * 2 ** 20;
/** Bytes that the socket has not taken; only a peer that asks for acknowledgements and reads none gets this far. */
const MAX_UNTAKEN_BYTES = 4 * 2 ** 20;
const PING_PAYLOAD = Buffer.from('carillon');

/** HTTP/2 written and read by ourselves: many small requests at a fraction of what `node:http2` costs. */
export class WireConnection implements Connection, FrameHandler, ResponsesOwner {
  readonly id: string;
  lastUsedAtMs: number;
  private readonly openedAtMs: number;
  private readonly out: FrameWriter;
  private readonly reader: FrameReader;
  private readonly streams: StreamTable;
  private readonly encoder: HpackEncoder;
  private readonly requests: RequestWriter;
  private readonly responses: Responses;
  private readonly heartbeat: Heartbeat;
  private maxStreams: number;
  private hasSettings = false;
  private nextId: number;
  /** Streams above have no byte at the socket yet. */
  private sentThrough = 0;
  private hasAnswered = false;
  /** Within the chunk that is being read. */
  private isAnswered = false;
  private drainedAtMs: number | undefined;
  private isReady = false;
  /** The socket has enough to do. */
  private isBlocked = false;
  private blockedAtMs = 0;
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
    this.nextId = firstId;
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
    this.streams = new StreamTable(() => new WireStream(streamWindow, (stream) => this.onExpired(stream)));
    this.encoder = new HpackEncoder(this.out);
    const { protocol, authority } = connected;
    this.requests = new RequestWriter(this.out, this.encoder, this.streams, protocol, authority);
    const heads = new ResponseHeads(new HpackDecoder());
    const { maxBodyBytes } = settings;
    this.responses = new Responses(this.id, maxBodyBytes, RECEIVE_WINDOW_BYTES, heads, this.streams, this.out, this);
    this.reader = new FrameReader(this);
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

  private send(bytes: Buffer, done: () => void): void {
    const { socket } = this.connected;
    // The end of the socket is about to be told; until then its requests count as unsent, which they are.
    if (!socket.writable) {
      done();
      return;
    }
    this.sentThrough = this.nextId - 2;
    this.lastUsedAtMs = this.settings.clock.monotonicMs();
    if (!socket.write(bytes, done) && !this.isBlocked) {
      this.isBlocked = true;
      this.blockedAtMs = this.lastUsedAtMs;
    }
    if (socket.writableLength > MAX_UNTAKEN_BYTES) this.destroy();
  }

  private onFlushDue(): void {
    if (this.isDead) return;
    if (!this.isReady) {
      this.isReady = true;
      this.owner.onRoom();
    }
    if (!this.isBlocked) this.out.flush();
  }

  private onDrain(): void {
    this.isBlocked = false;
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
    if (!this.isReady || this.isDraining || this.isBlocked || this.isDead || !this.requests.hasWindow) return 0;
    return this.heartbeat.isTrusted(nowMs, this.streams.size === 0) ? this.maxStreams - this.streams.size : 0;
  }

  isSettling(nowMs: number): boolean {
    // APNs allows one stream until it has seen a valid token, then a thousand: not a reason for eight connections.
    if (!this.hasAnswered && nowMs - this.openedAtMs < SETTLE_MS) return true;
    return this.heartbeat.isAsking(nowMs) || (this.isBlocked && nowMs - this.blockedAtMs < SETTLE_MS);
  }

  endedWell(nowMs: number): boolean {
    return this.hasAnswered || this.isRetired || nowMs - this.openedAtMs >= USEFUL_AFTER_MS;
  }

  start(job: Job): void {
    this.heartbeat.requested(this.streams.size === 0);
    this.out.reserve(HEADERS_ROOM_BYTES);
    const stream = this.streams.open(this.nextId, job, this.requests.streamWindow);
    this.nextId += 2;
    if (!this.requests.write(stream, job.request)) {
      this.nextId -= 2;
      this.streams.release(stream);
      setImmediate(() => job.finish(notProcessed('invalid_request')));
    } else if (this.nextId > MAX_STREAM_ID) this.markDraining();
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
    if (stream.pending !== undefined) this.requests.forget(stream);
    this.streams.release(stream);
    return job;
  }

  /** The peer certainly did not process it. */
  private handBack(stream: WireStream, reason: 'unsent' | 'goaway' | 'refused_stream'): void {
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

  expectKnown(stream: number): void {
    if (stream % 2 === 1 && stream < this.nextId) return;
    throw new ConnectionError(ERROR.protocol, 'frame on a stream that was never opened');
  }

  onHeaders(stream: number, isEnd: boolean, source: Buffer, start: number, end: number): void {
    this.responses.onHeaders(stream, isEnd, source, start, end);
  }

  onData(id: number, isEnd: boolean, source: Buffer, start: number, end: number, countedBytes: number): void {
    this.responses.onData(id, isEnd, source, start, end, countedBytes);
  }

  onReset(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream === undefined) this.expectKnown(id);
    else if (code === ERROR.refusedStream && stream.head === undefined) this.handBack(stream, 'refused_stream');
    else this.complete(stream, ambiguous('reset'), undefined);
  }

  onSettings(source: Buffer, start: number, count: number): void {
    const maxStreams = applySettings(source, start, count, this.encoder, this.requests);
    if (maxStreams !== undefined) this.maxStreams = Math.min(maxStreams, this.settings.maxStreams);
    // Without the parameter there is no limit.
    else if (!this.hasSettings) this.maxStreams = this.settings.maxStreams;
    this.hasSettings = true;
    this.out.settingsAck();
  }

  onPing(payload: Buffer): void {
    this.out.ping(payload, FLAG.ack);
  }

  onWindowUpdate(id: number, increment: number): void {
    const stream = this.streams.get(id);
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(ERROR.protocol, 'WINDOW_UPDATE of nothing');
      this.requests.widenConnection(increment);
    } else if (stream === undefined) this.expectKnown(id);
    else if (increment === 0) this.onFaulty(stream, ERROR.protocol);
    else if (!this.requests.widenStream(stream, increment)) this.onFaulty(stream, ERROR.flowControl);
  }

  onGoaway(lastStream: number): void {
    this.markDraining();
    for (const stream of this.streams.all()) {
      if (stream.id <= lastStream) continue;
      if (stream.head === undefined) this.handBack(stream, 'goaway');
      else this.complete(stream, ambiguous('reset'), undefined);
    }
  }

  private markDraining(): void {
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
    this.connected.socket.destroySoon();
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

/** HTTP/2 connections for `new NodeTransport({ http2: wireConnections })`. */
export const wireConnections: ConnectionFactory = (connected, settings, owner) =>
  new WireConnection(connected, settings, owner);
