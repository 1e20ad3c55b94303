import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '../../src/lib/clock.js';
import type { Connection, ConnectionOwner, ConnectionSettings } from '../../src/transport/connection.js';
import { DeadlineWheel } from '../../src/transport/deadline-wheel.js';
import { Job, type NotProcessedReason, notProcessed } from '../../src/transport/job.js';
import type { TransportRequest, TransportResult } from '../../src/transport/transport.js';
import { WireConnection } from '../../src/transport/wire/wire-connection.js';
import { frame } from './transport-wire-peer.js';
import { RECORDINGS } from './transport-wire-recordings.js';

/** In each conversation, the requests of streams 1, 3, 5, … */
const REQUESTS: readonly TransportRequest[] = [
  { method: 'GET', path: '/large.bin', headers: {} },
  { method: 'POST', path: '/one', headers: { authorization: 'bearer secret' }, body: Buffer.from('{"one":1}') },
  { method: 'POST', path: '/two', headers: { 'x-fixed': 'fixed' }, body: Buffer.alloc(300, 'two ') },
  { method: 'GET', path: '/missing', headers: {} },
  { method: 'POST', path: '/three', headers: { 'x-fixed': 'fixed' }, body: Buffer.from('3') },
  { method: 'POST', path: '/four', headers: { 'x-fixed': 'fixed' }, body: Buffer.alloc(2_000, 'four ') },
].map((request) => ({ timeoutMs: 9_000_000, ...request }) as TransportRequest);

/** What servers say seldom: settings under way, a split block, RST_STREAM, two GOAWAYs, frames to be ignored. */
const SELDOM = Buffer.concat([
  frame(4, 0, 0, '000300000064000400000010'),
  frame(8, 0, 0, '00010000'),
  frame(6, 0, 0, '0102030405060708'),
  frame(4, 1, 0),
  frame(1, 0x24, 1, '80000000108840017801'.concat('79')),
  frame(0, 0, 1, Buffer.alloc(400, 'x')),
  frame(4, 0, 0, '000100000000000400007fff000500008000'),
  frame(2, 0, 3, '0000000110'),
  frame(1, 0, 3, '88'),
  frame(9, 0, 3, 'be'),
  frame(9, 4, 3),
  frame(0xa, 0, 0, '0000'),
  frame(0, 0x9, 3, '03616263000000'),
  frame(3, 0, 5, '00000007'),
  frame(3, 0, 7, '00000008'),
  frame(7, 0, 0, '7fffffff00000000'),
  frame(4, 0, 0, '000100001000000300000001'),
  frame(8, 0, 9, '00000100'),
  frame(7, 0, 0, '000000090000000064656275'),
  frame(0, 1, 1, Buffer.alloc(800, 'y')),
  frame(1, 5, 9, '8d'),
]);

export const CONVERSATIONS: readonly Buffer[] = [...Object.values(RECORDINGS), SELDOM];

/** A socket that only remembers how much was written to it. */
class FakeSocket extends EventEmitter {
  writable = true;
  readonly writableLength = 0;
  isDestroyed = false;
  private isClosed = false;

  write(_bytes: Buffer, done: () => void): boolean {
    setImmediate(done);
    return true;
  }

  end(): void {
    this.writable = false;
  }

  destroy(): void {
    this.writable = false;
    this.isDestroyed = true;
  }

  close(error?: NodeJS.ErrnoException): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.writable = false;
    if (error !== undefined) this.emit('error', error);
    this.emit('close');
  }
}

const wheel = new DeadlineWheel({ now: () => new Date(0), monotonicMs: () => 1_000 });
const SETTINGS: Omit<ConnectionSettings, 'clock'> = {
  maxStreams: 100,
  maxBodyBytes: 1_000,
  pingIdleMs: 60_000,
  pingBusyMs: 60_000,
  pingTimeoutMs: 60_000,
  idleCloseMs: 60_000,
};

/** A connection without a network, with {@link REQUESTS} under way. */
export class Replay implements ConnectionOwner {
  readonly results: (TransportResult | undefined)[] = REQUESTS.map(() => undefined);
  /** How often the connection ended each request. */
  readonly ends: number[] = REQUESTS.map(() => 0);
  readonly connection: Connection;
  deaths = 0;
  /** On the monotonic clock. */
  nowMs = 1_000;
  private readonly socket = new FakeSocket();
  private readonly jobs: Job[] = [];

  constructor() {
    const clock: Clock = { now: () => new Date(this.nowMs), monotonicMs: () => this.nowMs };
    const connected = {
      id: 'c1',
      socket: this.socket as unknown as Socket,
      protocol: 'http:',
      authority: 'localhost',
      initialStreams: 10,
    };
    this.connection = new WireConnection(connected, { ...SETTINGS, clock }, this);
    REQUESTS.forEach((request, index) => {
      const job = new Job(request, (result) => this.results.splice(index, 1, result), wheel, 9_000_000);
      const { finish } = job;
      job.finish = (result) => {
        this.ends[index] = (this.ends[index] ?? 0) + 1;
        finish.call(job, result);
      };
      this.jobs.push(job);
      this.connection.start(job);
    });
  }

  get isDestroyed(): boolean {
    return this.socket.isDestroyed;
  }

  /** The requests leave this side; without it they are still to be written. */
  send(): void {
    this.socket.emit('drain');
  }

  /** What the peer sends; nothing more arrives at a socket that was destroyed. */
  feed(chunk: Buffer): void {
    if (!this.socket.isDestroyed) this.socket.emit('data', chunk);
  }

  /** The deadline of one request passes. */
  expire(index: number): void {
    this.jobs[index]?.expire();
  }

  close(how: 'end' | 'reset' | 'close'): void {
    if (how === 'end') this.socket.emit('end');
    this.socket.close(how === 'reset' ? Object.assign(new Error('reset'), { code: 'ECONNRESET' }) : undefined);
  }

  onRoom(): void {}

  onDraining(): void {}

  onDead(): void {
    this.deaths += 1;
  }

  onNotProcessed(job: Job, _connection: Connection, reason: NotProcessedReason): void {
    job.finish(notProcessed(reason));
  }
}
