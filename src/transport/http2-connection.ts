import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  sensitiveHeaders,
} from 'node:http2';
import {
  type ConnectedSocket,
  type Connection,
  type ConnectionFactory,
  type ConnectionOwner,
  type ConnectionSettings,
  SETTLE_MS,
  USEFUL_AFTER_MS,
} from './connection.js';
import { Heartbeat } from './heartbeat.js';
import { Http2Exchange } from './http2-exchange.js';
import { type Job, notProcessed } from './job.js';
import { bytesOf } from './spliced-body.js';

/** Milliseconds that a connection with nothing in flight may take to close. */
const CLOSE_PATIENCE_MS = 2_000;

/** One `node:http2` session, with the bookkeeping that Node leaves to its users. */
export class Http2Connection implements Connection {
  readonly id: string;
  lastUsedAtMs: number;
  private readonly openedAtMs: number;
  private hasAnswered = false;
  /** Streams above were not processed, says the peer's GOAWAY. */
  private lastStreamId = Number.POSITIVE_INFINITY;
  private goawayCode: number | undefined;
  private readonly exchanges = new Set<Http2Exchange>();
  private readonly session: ClientHttp2Session;
  private maxStreams: number;
  private readonly heartbeat: Heartbeat;
  private drainedAtMs: number | undefined;
  private isReady = false;
  private isDraining = false;
  private isRetired = false;
  private isDead = false;
  private wasReset = false;

  constructor(
    private readonly connected: ConnectedSocket,
    readonly settings: ConnectionSettings,
    readonly owner: ConnectionOwner,
  ) {
    this.id = connected.id;
    this.openedAtMs = settings.clock.monotonicMs();
    this.lastUsedAtMs = this.openedAtMs;
    this.heartbeat = new Heartbeat(settings, () => this.ping());
    this.maxStreams = Math.min(connected.initialStreams, settings.maxStreams);
    this.session = connect(`${connected.protocol}//${connected.authority}`, {
      createConnection: () => connected.socket,
      settings: { enablePush: false },
      // nghttp2 must never hold a stream back on its own: it would look sent, and is not.
      peerMaxConcurrentStreams: this.maxStreams,
      maxSessionMemory: 64,
    });
    this.listen();
  }

  private listen(): void {
    const { session } = this;
    session.on('error', () => {});
    session.once('connect', () => {
      this.isReady = true;
      this.owner.onRoom();
    });
    session.on('remoteSettings', (remote) => {
      this.heartbeat.heard();
      this.maxStreams = Math.min(remote.maxConcurrentStreams ?? Number.POSITIVE_INFINITY, this.settings.maxStreams);
      this.owner.onRoom();
    });
    session.on('goaway', (code, lastStreamId) => this.onGoaway(code, lastStreamId));
    session.once('close', () => this.onClose());
    this.connected.socket.once('error', (error: NodeJS.ErrnoException) => {
      this.wasReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
    });
    // After the session's own handlers, which may still deliver what arrived before the end.
    this.connected.socket.once('close', () => setImmediate(() => this.onClose()));
  }

  private onGoaway(code: number, lastStreamId: number): void {
    this.heartbeat.heard();
    this.lastStreamId = Math.min(this.lastStreamId, lastStreamId);
    this.goawayCode = code;
    // For any code but NO_ERROR Node destroys the session right after this event, and with it the streams up to
    // `lastStreamId` that the peer still answers. Closing instead lets them finish.
    if (code !== constants.NGHTTP2_NO_ERROR && this.exchanges.size > 0) {
      const { session } = this;
      const destroy = session.destroy;
      session.destroy = () => {
        session.destroy = destroy;
        session.close();
      };
    }
    this.markDraining();
  }

  private markDraining(): void {
    if (this.isDraining || this.isDead) return;
    this.isDraining = true;
    this.owner.onDraining(this);
  }

  private onClose(): void {
    if (this.isDead) return;
    this.isDead = true;
    for (const exchange of [...this.exchanges]) exchange.onStreamClosed();
    this.connected.socket.destroy();
    this.owner.onDead(this);
  }

  get open(): number {
    return this.exchanges.size;
  }

  get isClosed(): boolean {
    return this.isDead || this.session.destroyed;
  }

  /** Whether the end of the connection was a reset rather than a close. */
  get isReset(): boolean {
    return this.wasReset;
  }

  /** Bytes handed to the socket so far: equal before and after means that nothing in between was written. */
  get writtenBytes(): number {
    return this.connected.socket.bytesWritten;
  }

  room(nowMs: number): number {
    if (!this.isReady || this.isDraining || this.isClosed || this.session.closed) return 0;
    return this.heartbeat.isTrusted(nowMs, this.exchanges.size === 0) ? this.maxStreams - this.exchanges.size : 0;
  }

  isSettling(nowMs: number): boolean {
    // APNs allows one stream until it has seen a valid token, then a thousand: not a reason for more connections.
    return this.heartbeat.isAsking(nowMs) || (!this.hasAnswered && nowMs - this.openedAtMs < SETTLE_MS);
  }

  endedWell(nowMs: number): boolean {
    return this.hasAnswered || this.isRetired || nowMs - this.openedAtMs >= USEFUL_AFTER_MS;
  }

  start(job: Job): void {
    this.lastUsedAtMs = this.settings.clock.monotonicMs();
    this.heartbeat.requested(this.exchanges.size === 0);
    const { request } = job;
    const writtenBefore = this.writtenBytes;
    let stream: ClientHttp2Stream;
    try {
      stream = this.session.request(this.headersOf(job), { endStream: request.body === undefined });
    } catch {
      setImmediate(() => job.finish(notProcessed(this.isClosed ? 'unsent' : 'invalid_request')));
      return;
    }
    this.exchanges.add(new Http2Exchange(stream, job, this, writtenBefore));
    if (request.body !== undefined) stream.end(bytesOf(request.body));
  }

  private headersOf(job: Job): OutgoingHttpHeaders {
    const { request } = job;
    const headers: OutgoingHttpHeaders & { [sensitiveHeaders]?: string[] } = {
      ':method': request.method,
      ':path': request.path,
      ':scheme': this.connected.protocol.slice(0, -1),
      ':authority': this.connected.authority,
      ...request.headers,
    };
    if (request.body !== undefined) headers['content-length'] = String(request.body.length);
    if (request.sensitive !== undefined) headers[sensitiveHeaders] = [...request.sensitive];
    return headers;
  }

  onAnswer(): void {
    this.heartbeat.responded();
    this.hasAnswered = true;
  }

  /** What a stream without a response died of: whether the peer can have seen its request. */
  unprocessedReason(
    stream: ClientHttp2Stream,
    writtenBefore: number,
  ): 'goaway' | 'refused_stream' | 'unsent' | undefined {
    if (stream.id === undefined) return 'unsent';
    if (stream.id > this.lastStreamId) return 'goaway';
    // Node copies a GOAWAY's code into the streams that it destroys: only a code of the stream's own counts.
    const isOwnCode = !this.isClosed && this.goawayCode !== constants.NGHTTP2_REFUSED_STREAM;
    if (isOwnCode && stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return 'refused_stream';
    if (!this.isClosed || this.writtenBytes !== writtenBefore) return undefined;
    // A session that was destroyed may still flush what it holds: only without a socket it certainly does not.
    this.connected.socket.destroy();
    return this.writtenBytes === writtenBefore ? 'unsent' : undefined;
  }

  release(exchange: Http2Exchange): void {
    if (!this.exchanges.delete(exchange)) return;
    if (this.isDead) return;
    this.lastUsedAtMs = this.settings.clock.monotonicMs();
    if (this.isDraining) this.closeWhenUnused();
    else this.owner.onRoom();
  }

  private ping(): void {
    if (this.session.destroyed) return;
    this.session.ping((error) => {
      if (error !== null || this.isDead) return;
      this.heartbeat.heard();
      this.owner.onRoom();
    });
  }

  drain(): void {
    this.isRetired = true;
    this.markDraining();
    this.closeWhenUnused();
  }

  private closeWhenUnused(): void {
    if (this.exchanges.size > 0 || this.drainedAtMs !== undefined) return;
    this.drainedAtMs = this.settings.clock.monotonicMs();
    this.session.close();
  }

  destroy(): void {
    this.markDraining();
    this.session.destroy();
    // The session would wait for the socket to take its last bytes, which a dead peer never acknowledges.
    this.connected.socket.destroy();
  }

  check(nowMs: number): void {
    if (this.isDead) return;
    if (this.isDraining) {
      // A stream whose time ran out stays open while a dead peer takes no bytes.
      if (![...this.exchanges].some((exchange) => exchange.isPending)) this.drainedAtMs ??= nowMs;
      if (this.drainedAtMs !== undefined && nowMs - this.drainedAtMs >= CLOSE_PATIENCE_MS) this.destroy();
    } else if (this.exchanges.size === 0 && nowMs - this.lastUsedAtMs >= this.settings.idleCloseMs) this.drain();
    else if (this.heartbeat.check(nowMs, this.exchanges.size === 0)) this.destroy();
  }
}

export type ResponseHeaders = IncomingHttpHeaders & { ':status'?: number };

/** HTTP/2 by `node:http2`: about ten times the CPU of our own framing, and an independent opinion when in doubt. */
export const nodeConnections: ConnectionFactory = (connected, settings, owner) =>
  new Http2Connection(connected, settings, owner);
