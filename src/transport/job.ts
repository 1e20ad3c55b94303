import type { DeadlineWheel, Expirable } from './deadline-wheel.js';
import type { TransportRequest, TransportResult } from './transport.js';

/**
 * Why a request certainly did not reach the peer's application.
 *
 * - `queue_full`, `queue_timeout`: no stream became free
 * - `connection_limit`: too many connections to other origins are busy
 * - `dns`, `address_refused`, `connect`, `connect_timeout`, `tls`, `no_h2`: no connection could be made
 * - `insecure`, `invalid_origin`, `invalid_request`: refused by the transport itself
 * - `refused_stream`, `goaway`: the peer said so
 * - `unsent`: the connection died before a byte of it was written
 * - `shutdown`: the transport is closing
 */
export type NotProcessedReason =
  | 'queue_full'
  | 'queue_timeout'
  | 'connection_limit'
  | 'dns'
  | 'address_refused'
  | 'connect'
  | 'connect_timeout'
  | 'tls'
  | 'no_h2'
  | 'insecure'
  | 'invalid_origin'
  | 'invalid_request'
  | 'refused_stream'
  | 'goaway'
  | 'unsent'
  | 'shutdown';

/** Why it is not known what the peer did: no answer in time; the stream or connection was reset; it was closed. */
export type AmbiguousReason = 'timeout' | 'reset' | 'closed';

/** Whoever has a job: the pool while it waits, then the stream it went out on. */
export interface JobHolder {
  /** The job's time is up: end it. */
  expireJob(job: Job): void;
}

export function notProcessed(reason: NotProcessedReason): TransportResult {
  return { kind: 'not_processed', reason };
}

export function ambiguous(reason: AmbiguousReason): TransportResult {
  return { kind: 'ambiguous', reason };
}

/** One request on its way, from `Transport.request` to `settle`. */
export class Job implements Expirable {
  holder: JobHolder | undefined;
  /** The connection that did not process it: the repeat must go elsewhere. Set at most once. */
  refusedBy: string | undefined;
  earlier: Expirable | undefined;
  later: Expirable | undefined;
  private settle: ((result: TransportResult) => void) | undefined;

  constructor(
    readonly request: TransportRequest,
    settle: (result: TransportResult) => void,
    private readonly wheel: DeadlineWheel,
    /** On the monotonic clock. */
    readonly deadlineMs: number,
  ) {
    this.settle = settle;
    wheel.add(this, deadlineMs);
  }

  get isSettled(): boolean {
    return this.settle === undefined;
  }

  /** Ends the request. Later calls do nothing, so that every path may call it without asking. */
  finish(result: TransportResult): void {
    const settle = this.settle;
    if (settle === undefined) return;
    this.settle = undefined;
    this.holder = undefined;
    this.wheel.remove(this);
    callSafely(settle, result);
  }

  expire(): void {
    this.holder?.expireJob(this);
  }
}

/** A caller that throws is a bug to surface, but must not leave the connection that called it half updated. */
export function callSafely(settle: (result: TransportResult) => void, result: TransportResult): void {
  try {
    settle(result);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
