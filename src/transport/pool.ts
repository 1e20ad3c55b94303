import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Connection, ConnectionFactory, ConnectionOwner, ConnectionSettings } from './connection.js';
import { type ConnectSettings, openSocket, secureContextOf, type Target } from './connector.js';
import { type Job, type JobHolder, type NotProcessedReason, notProcessed } from './job.js';
import { JobQueue } from './job-queue.js';
import type { Origin } from './transport.js';

/** Milliseconds before the second try after a failed connect; doubles with every further failure. */
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** Milliseconds between looks whether another connection is needed. */
const SEEK_EVERY_MS = 2;
/** Streams until the peer's SETTINGS are read, a moment after the handshake. More would be refused by a peer that allows few. */
const DEFAULT_INITIAL_STREAMS = 10;

export interface PoolSettings extends ConnectionSettings, ConnectSettings {
  maxConnections: number;
  maxWaiting: number;
  /** Uniform in [0, 1). */
  random: () => number;
  http2: ConnectionFactory;
  http1: ConnectionFactory;
}

/** What a pool needs of the transport around it. */
export interface PoolRegistry {
  /** @returns the new connection's id, or `undefined` when there are too many connections */
  claimId(): string | undefined;
  opened(connection: Connection): void;
  gone(connection: Connection): void;
}

/** The connections to one origin with one key, and the requests that wait for a stream on them. */
export class Pool implements ConnectionOwner, JobHolder {
  /** May get new requests, if they have room. */
  private live: readonly Connection[] = [];
  /** Finish what they have. */
  private readonly draining = new Set<Connection>();
  private readonly queue = new JobQueue();
  private queued = 0;
  /** Jobs to send once more, each on another connection than its first. Before the queue: they waited already. */
  private repeats: Job[] = [];
  private abortConnect: (() => void) | undefined;
  private backoffTimer: NodeJS.Timeout | undefined;
  private failures = 0;
  private nextConnectAtMs = 0;
  /** When it was last considered whether another connection is needed. */
  private soughtAtMs = Number.NEGATIVE_INFINITY;
  private secureContext: SecureContext | undefined;
  private isClosing = false;
  private isPumping = false;

  constructor(
    readonly target: Target,
    /** The origin of the latest request: its address check counts. */
    private origin: Origin,
    private readonly settings: PoolSettings,
    private readonly registry: PoolRegistry,
  ) {}

  get waiting(): number {
    return this.queued + this.repeats.length;
  }

  get connections(): number {
    return this.live.length + this.draining.size;
  }

  get inFlight(): number {
    let open = 0;
    for (const connection of this.live) open += connection.open;
    for (const connection of this.draining) open += connection.open;
    return open;
  }

  /** Whether nothing would be lost by forgetting the pool, its backoff included. */
  isUnused(nowMs: number): boolean {
    const isQuiet = this.connections === 0 && this.waiting === 0 && this.abortConnect === undefined;
    return isQuiet && nowMs >= this.nextConnectAtMs + BACKOFF_MAX_MS;
  }

  /** @returns false when the queue is full; the job is not taken then */
  submit(job: Job, origin: Origin): boolean {
    this.origin = origin;
    const connection = this.waiting === 0 ? this.pick() : undefined;
    if (connection !== undefined) {
      connection.start(job);
      return true;
    }
    if (this.queued >= this.settings.maxWaiting) return false;
    job.holder = this;
    this.queue.push(job);
    this.queued += 1;
    this.pump();
    return true;
  }

  warm(origin: Origin): void {
    this.origin = origin;
    if (this.live.length === 0) this.connect();
  }

  expireJob(job: Job): void {
    if (this.repeats.includes(job)) this.repeats = this.repeats.filter((other) => other !== job);
    else this.queued -= 1;
    job.finish(notProcessed('queue_timeout'));
  }

  /** The least busy connection with room: a half-open one, whose requests never end, so gets no more of them. */
  private pick(except?: string): Connection | undefined {
    const nowMs = this.settings.clock.monotonicMs();
    let best: Connection | undefined;
    // By index, as iterators would be garbage for every request.
    for (let i = 0; i < this.live.length; i += 1) {
      const connection = this.live[i] as Connection;
      if (connection.id === except || (best !== undefined && connection.open >= best.open)) continue;
      if (connection.room(nowMs) > 0) best = connection;
    }
    return best;
  }

  private pump(): void {
    // Starting a job can fail at once and lead back here.
    if (this.isPumping) return;
    this.isPumping = true;
    if (this.repeats.length > 0) this.pumpRepeats();
    while (this.queued > 0) {
      const connection = this.pick();
      if (connection === undefined) break;
      const job = this.queue.shift();
      if (job === undefined) break;
      this.queued -= 1;
      this.start(job, connection);
    }
    this.isPumping = false;
    if (this.waiting > 0) this.connect();
  }

  /**
   * A process that was stopped for a while hears of room before it hears of its deadlines; what is late then must not go out,
   * since by now it may be another process's business.
   */
  private start(job: Job, connection: Connection): void {
    if (job.deadlineMs > this.settings.clock.monotonicMs()) connection.start(job);
    else setImmediate(() => job.finish(notProcessed('queue_timeout')));
  }

  private isSettling(): boolean {
    const nowMs = this.settings.clock.monotonicMs();
    return this.repeats.length === 0 && this.live.some((connection) => connection.isSettling(nowMs));
  }

  private pumpRepeats(): void {
    const jobs = this.repeats;
    this.repeats = [];
    const mayOpenAnother = this.live.length < this.settings.maxConnections;
    for (const job of jobs) {
      if (job.isSettled) continue;
      const connection = this.pick(job.refusedBy);
      if (connection !== undefined) this.start(job, connection);
      else if (mayOpenAnother || this.live.some(({ id }) => id !== job.refusedBy)) this.repeats.push(job);
      else job.finish(notProcessed('refused_stream'));
    }
  }

  private connect(): void {
    if (this.isClosing || this.abortConnect !== undefined || this.live.length >= this.settings.maxConnections) return;
    const nowMs = this.settings.clock.monotonicMs();
    // Asked for every request that waits, which under load is every request.
    if (this.live.length > 0 && nowMs - this.soughtAtMs < SEEK_EVERY_MS) return;
    this.soughtAtMs = nowMs;
    if (this.isSettling()) return;
    const delayMs = this.nextConnectAtMs - nowMs;
    if (delayMs > 0) {
      this.backoffTimer ??= setTimeout(() => this.onBackoffEnd(), delayMs).unref();
      return;
    }
    const id = this.registry.claimId();
    if (id === undefined) {
      this.failSoon('connection_limit');
      return;
    }
    try {
      if (this.target.protocol === 'https:') this.secureContext ??= secureContextOf(this.origin);
    } catch {
      this.failSoon('tls');
      return;
    }
    this.abortConnect = openSocket(this.target, this.origin, this.secureContext, this.settings, (result) => {
      this.abortConnect = undefined;
      if ('failure' in result) this.onConnectFailed(result.failure);
      else this.onConnected(id, result);
    });
  }

  /** Like a connect that fails at once, but not within `request`: its caller may send the next request from `settle`. */
  private failSoon(reason: NotProcessedReason): void {
    const failing = setImmediate(() => {
      this.abortConnect = undefined;
      this.onConnectFailed(reason);
    });
    this.abortConnect = () => clearImmediate(failing);
  }

  private onBackoffEnd(): void {
    this.backoffTimer = undefined;
    this.pump();
  }

  private onConnectFailed(reason: NotProcessedReason): void {
    // The limit is this side's: the next moment may have room.
    if (reason !== 'connection_limit') this.backOff();
    // With another connection alive, the requests have somewhere to wait for.
    if (this.live.length === 0) this.failWaiting(reason);
  }

  private onConnected(id: string, result: { socket: Socket; alpn: string }): void {
    const { http2, http1 } = this.settings;
    const { protocol, authority } = this.target;
    const initialStreams = this.origin.initialStreams ?? DEFAULT_INITIAL_STREAMS;
    const factory = result.alpn === 'h2' ? http2 : http1;
    const connection = factory({ id, socket: result.socket, protocol, authority, initialStreams }, this.settings, this);
    this.live = [...this.live, connection];
    this.registry.opened(connection);
  }

  private backOff(): void {
    const { random, clock } = this.settings;
    const ceilingMs = Math.min(BACKOFF_BASE_MS * 2 ** this.failures, BACKOFF_MAX_MS);
    this.failures = Math.min(this.failures + 1, 16);
    this.nextConnectAtMs = clock.monotonicMs() + ceilingMs * (0.5 + random() / 2);
  }

  private failWaiting(reason: NotProcessedReason): void {
    const jobs = this.repeats;
    this.repeats = [];
    for (let job = this.queue.shift(); job !== undefined; job = this.queue.shift()) jobs.push(job);
    this.queued = 0;
    for (const job of jobs) job.finish(notProcessed(reason));
  }

  onRoom(): void {
    this.pump();
  }

  onDraining(connection: Connection): void {
    if (!this.live.includes(connection)) return;
    this.removeLive(connection);
    this.draining.add(connection);
    if (this.waiting > 0) this.pump();
  }

  onDead(connection: Connection): void {
    this.removeLive(connection);
    this.draining.delete(connection);
    this.registry.gone(connection);
    // A peer that accepts connections only to drop them is as good as unreachable.
    if (connection.endedWell(this.settings.clock.monotonicMs())) this.failures = 0;
    else this.backOff();
    if (this.waiting > 0) this.pump();
  }

  private removeLive(connection: Connection): void {
    this.live = this.live.filter((other) => other !== connection);
  }

  onNotProcessed(job: Job, connection: Connection, reason: NotProcessedReason): void {
    if (job.refusedBy !== undefined || this.isClosing) {
      job.finish(notProcessed(reason));
      return;
    }
    job.refusedBy = connection.id;
    job.holder = this;
    this.repeats.push(job);
    this.pump();
  }

  /** Regular upkeep; also lets requests go on whose connection stopped answering meanwhile. */
  check(nowMs: number): void {
    for (const connection of [...this.live, ...this.draining]) connection.check(nowMs);
    if (this.waiting > 0) this.pump();
  }

  /** Nothing waiting is sent any more; what is in flight may end. */
  close(): void {
    this.isClosing = true;
    clearTimeout(this.backoffTimer);
    this.abortConnect?.();
    this.abortConnect = undefined;
    this.failWaiting('shutdown');
    for (const connection of this.live) connection.drain();
  }

  destroy(): void {
    for (const connection of [...this.live, ...this.draining]) connection.destroy();
  }
}
