import { createHash } from 'node:crypto';
import { type Clock, systemClock } from '../lib/clock.js';
import type { Connection, ConnectionFactory } from './connection.js';
import { parseTarget, type Resolve, resolveBySystem } from './connector.js';
import { DeadlineWheel } from './deadline-wheel.js';
import { Http1Connection } from './http1-connection.js';
import { callSafely, Job, notProcessed } from './job.js';
import { Pool, type PoolRegistry, type PoolSettings } from './pool.js';
import type { Origin, Transport, TransportRequest, TransportResult } from './transport.js';
import { wireConnections } from './wire/wire-connection.js';

/** All optional; the defaults are what production uses. */
export interface TransportOptions {
  clock?: Clock;
  /** Uniform in [0, 1). */
  random?: () => number;
  /** Replaces DNS. */
  resolve?: Resolve;
  maxConnectionsPerOrigin?: number;
  /** Over all origins. At the limit the longest idle connection makes room. */
  maxConnections?: number;
  maxStreamsPerConnection?: number;
  /** Requests that may wait for a stream, for each origin. */
  maxWaiting?: number;
  pingIdleMs?: number;
  pingBusyMs?: number;
  pingTimeoutMs?: number;
  connectTimeoutMs?: number;
  idleCloseMs?: number;
  maxBodyBytes?: number;
  /** Speaks HTTP/2 on a connected socket; absent: our own framing. {@link nodeConnections} are the alternative. */
  http2?: ConnectionFactory;
}

/** At 100 streams each and 100 ms latency 32,000 requests per second; `npm run bench` shows how many are opened when. */
const DEFAULT_MAX_CONNECTIONS_PER_ORIGIN = 32;
const DEFAULT_GRACE_MS = 10_000;

function poolSettings(options: TransportOptions): PoolSettings {
  const pingIdleMs = options.pingIdleMs ?? 60_000;
  return {
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    resolve: options.resolve ?? resolveBySystem,
    maxConnections: options.maxConnectionsPerOrigin ?? DEFAULT_MAX_CONNECTIONS_PER_ORIGIN,
    maxStreams: options.maxStreamsPerConnection ?? 1_000,
    maxWaiting: options.maxWaiting ?? 5_000,
    pingIdleMs,
    pingBusyMs: options.pingBusyMs ?? Math.min(2_000, pingIdleMs),
    pingTimeoutMs: options.pingTimeoutMs ?? 5_000,
    timeoutMs: options.connectTimeoutMs ?? 5_000,
    idleCloseMs: options.idleCloseMs ?? 15 * 60_000,
    maxBodyBytes: options.maxBodyBytes ?? 16_384,
    http2: options.http2 ?? wireConnections,
    http1: (connected, settings, owner) => new Http1Connection(connected, settings, owner),
  };
}

/** Everything that two origins must have in common to share connections. */
function poolKey(origin: Origin, url: string): string {
  const hash = createHash('sha256');
  for (const part of [origin.ca, origin.cert, origin.certKey]) hash.update(`${part ?? ''}\0`);
  // A connection that was made without an address check must not serve an origin that asks for one.
  const flags = `${origin.requireHttp2}|${origin.allowAddress !== undefined}`;
  return [url, origin.key, flags, hash.digest('hex')].join('\0');
}

/** {@link Transport} over pools of warm connections: HTTP/2 where the peer offers it, else HTTP/1.1. */
export class PooledTransport implements Transport, PoolRegistry {
  private readonly settings: PoolSettings;
  private readonly wheel: DeadlineWheel;
  private readonly pools = new Map<string, Pool>();
  /** Callers keep their origin objects: the key of one is worked out once. */
  private readonly keys = new WeakMap<Origin, string>();
  private readonly connections = new Map<string, Connection>();
  private readonly lastValues = new Map<string, string>();
  /** Of the request that was found well-formed last. */
  private lastHeaders: TransportRequest['headers'] | undefined;
  private lastPath = '';
  private readonly maxConnections: number;
  private readonly checkMs: number;
  private checkTimer: NodeJS.Timeout | undefined;
  private lastId = 0;
  private isClosing = false;
  private onEmpty: (() => void) | undefined;

  constructor(options: TransportOptions = {}) {
    this.settings = poolSettings(options);
    this.maxConnections = options.maxConnections ?? 1_000;
    const { pingIdleMs, pingBusyMs, pingTimeoutMs } = this.settings;
    this.checkMs = Math.min(500, Math.max(10, Math.min(pingIdleMs, pingBusyMs, pingTimeoutMs) / 4));
    this.wheel = new DeadlineWheel(this.settings.clock);
  }

  request(origin: Origin, request: TransportRequest, settle: (result: TransportResult) => void): void {
    const pool = this.isClosing ? 'shutdown' : this.isWellFormed(request) ? this.poolOf(origin) : 'invalid_request';
    if (typeof pool === 'string') {
      setImmediate(callSafely, settle, notProcessed(pool));
      return;
    }
    const deadlineMs = this.settings.clock.monotonicMs() + request.timeoutMs;
    const job = new Job(request, settle, this.wheel, deadlineMs);
    if (!pool.submit(job, origin)) setImmediate(() => job.finish(notProcessed('queue_full')));
  }

  warm(origin: Origin): void {
    const found = this.isClosing ? 'shutdown' : this.poolOf(origin);
    if (typeof found !== 'string') found.warm(origin);
  }

  retire(connection: string): void {
    this.connections.get(connection)?.drain();
  }

  stats(): { origin: string; connections: number; inFlight: number; waiting: number }[] {
    return [...this.pools].map(([key, pool]) => ({
      origin: `${pool.target.url} ${key.split('\0')[1] ?? ''}`.trim(),
      connections: pool.connections,
      inFlight: pool.inFlight,
      waiting: pool.waiting,
    }));
  }

  async close(graceMs: number = DEFAULT_GRACE_MS): Promise<void> {
    this.isClosing = true;
    for (const pool of this.pools.values()) pool.close();
    await this.untilEmpty(graceMs);
    for (const pool of this.pools.values()) pool.destroy();
    await this.untilEmpty(1_000);
    clearInterval(this.checkTimer);
    this.checkTimer = undefined;
    this.pools.clear();
  }

  private isWellFormed(request: TransportRequest): boolean {
    // Where every device's request has the same path and headers, they are the same objects.
    if (request.headers === this.lastHeaders && request.path === this.lastPath) return true;
    if (!isWellFormed(request, this.lastValues)) return false;
    this.lastHeaders = request.headers;
    this.lastPath = request.path;
    return true;
  }

  private untilEmpty(withinMs: number): Promise<void> {
    if (this.connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private poolOf(origin: Origin): Pool | 'insecure' | 'invalid_origin' {
    const known = this.keys.get(origin);
    const pool = known === undefined ? undefined : this.pools.get(known);
    if (pool !== undefined) return pool;
    const target = parseTarget(origin.url);
    if (target === undefined) return 'invalid_origin';
    if (target.protocol === 'http:' && origin.allowInsecure !== true) return 'insecure';
    const key = poolKey(origin, target.url);
    this.keys.set(origin, key);
    const existing = this.pools.get(key);
    if (existing !== undefined) return existing;
    const created = new Pool(target, origin, this.settings, this);
    this.pools.set(key, created);
    this.checkTimer ??= setInterval(() => this.check(), this.checkMs).unref();
    return created;
  }

  private check(): void {
    const nowMs = this.settings.clock.monotonicMs();
    for (const [key, pool] of this.pools) {
      pool.check(nowMs);
      if (pool.isUnused(nowMs)) this.pools.delete(key);
    }
    if (this.pools.size > 0) return;
    clearInterval(this.checkTimer);
    this.checkTimer = undefined;
  }

  claimId(): string | undefined {
    if (this.connections.size >= this.maxConnections && !this.closeLongestIdle()) return undefined;
    this.lastId += 1;
    return `c${this.lastId}`;
  }

  private closeLongestIdle(): boolean {
    let longest: Connection | undefined;
    for (const connection of this.connections.values()) {
      if (connection.open > 0) continue;
      if (longest === undefined || connection.lastUsedAtMs < longest.lastUsedAtMs) longest = connection;
    }
    if (longest === undefined) return false;
    this.connections.delete(longest.id);
    longest.drain();
    return true;
  }

  opened(connection: Connection): void {
    this.connections.set(connection.id, connection);
  }

  gone(connection: Connection): void {
    this.connections.delete(connection.id);
    if (this.connections.size === 0) this.onEmpty?.();
  }
}

/** Header names that are remembered; callers use a handful. */
const MAX_LAST_VALUES = 256;

/**
 * Nothing in it could end a header line or, in Node's own encoding, begin another header.
 *
 * @param lastValues the value of each header that was found well-formed last: most are the same in the next request
 */
function isWellFormed(request: TransportRequest, lastValues: Map<string, string>): boolean {
  if (!/^\/[\x21-\x7e]*$/.test(request.path)) return false;
  for (const name in request.headers) {
    const value = request.headers[name] ?? '';
    const lastValue = lastValues.get(name);
    if (lastValue === value) continue;
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return false;
    if (lastValue === undefined && !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) return false;
    if (lastValue !== undefined || lastValues.size < MAX_LAST_VALUES) lastValues.set(name, value);
  }
  return true;
}
