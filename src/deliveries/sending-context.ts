import type { TerminalStatus } from '../batches/batch.js';
import type { SendTiming } from '../providers/provider.js';
import type { BatchRun } from './batch-run.js';

/** What one job needs of the rest of the worker. */
export interface SendingContext {
  /** Deliveries in flight or not yet checkpointed, at most. */
  readonly window: number;
  /** The monotonic clock. */
  nowMs(): number;
  random(): number;
  /** Milliseconds until the TTL ends this batch, by the database's clock. */
  remainingMs(run: BatchRun): number;
  timing(run: BatchRun): SendTiming;
  /** How a delivery ends that must not be sent any more; undefined when it may be. */
  endWithoutCall(run: BatchRun, position: number): { status: TerminalStatus; code: string } | undefined;
  /** Re-reads the notifications' states and the gates. */
  refresh(runs: readonly BatchRun[]): Promise<void>;
  /** Extends the leases, fences what is lost; the new deadline on the monotonic clock. */
  renew(runs: readonly BatchRun[]): Promise<number>;
  release(run: BatchRun, delayMs: number): Promise<void>;
  finish(run: BatchRun): Promise<void>;
  /** The rest of this notification and provider fails unsent. */
  stopProvider(run: BatchRun, code: string): Promise<void>;
  /** The notification's counts are to be summed up again. */
  markChanged(run: BatchRun): void;
  warn(event: string, error: unknown): void;
}
