import type { Lane, ProviderName } from '../lib/names.js';

/** At most so many deliveries share a lease, a checkpoint and a retry. */
export const MAX_BATCH_SIZE = 1000;

/** What the checkpoint writes for one delivery: one character of `dispatch_batch.result`. */
export const RESULT = {
  pending: '0',
  accepted: '1',
  failed: '2',
  moved: '3',
  expired: '4',
  cancelled: '5',
  suppressed: '6',
  unknown: '7',
  /** Marked before its send: if the worker dies, nobody knows whether it went out. */
  intent: '8',
  /** An intent that was already open at one crash. */
  intentAfterCrash: '9',
} as const;

export type ResultName = keyof typeof RESULT;
/** How a delivery can end. */
export type TerminalStatus = 'accepted' | 'failed' | 'expired' | 'cancelled' | 'suppressed' | 'unknown';

/** A group of device ids of one provider, as the audience walk returns it. */
export interface DeviceGroup {
  provider: ProviderName;
  /** A Postgres array literal such as `{1,2,3}`, ascending; never parsed on the way from the device table to the batch. */
  deviceIds: string;
  n: number;
  firstId: number;
  lastId: number;
}

/** A batch to be written for (a part of) a notification's audience. */
export interface NewRoot {
  notification: { id: string; applicationId: string; lane: Lane; expiresAt: Date };
  group: DeviceGroup;
  /** The caller puts it on Bull itself right after the commit; when that fails, it becomes due after so many milliseconds. */
  queuedMs?: number;
  /** It becomes due after so many milliseconds. */
  delayMs?: number;
}

/** A batch that this worker holds the lease of. */
export interface ClaimedBatch {
  notificationId: string;
  batchNo: number;
  applicationId: string;
  provider: ProviderName;
  lane: Lane;
  step: number;
  /** How often it was claimed since its last checkpoint: above 2, something in it may be killing workers. */
  claims: number;
  epoch: number;
  deviceIds: number[];
  result: string;
  expiresAt: Date;
  /** The database's time of the claim. */
  claimedAt: Date;
}

/** Sums over a notification's batches. `open`: batches that are not done. */
export interface BatchProgress {
  planned: number;
  accepted: number;
  failed: number;
  expired: number;
  cancelled: number;
  suppressed: number;
  unknown: number;
  moved: number;
  open: number;
  firstAttemptAt: Date | null;
}

/** Where a batch stands, as its worker sees it. */
export interface BatchCheckpoint {
  notificationId: string;
  batchNo: number;
  epoch: number;
  /** One character per delivery, see `RESULT`. */
  result: string;
  /** Nothing pending and nothing moved: the batch ends with this checkpoint. */
  isDone: boolean;
}

/** Upper bounds of the latency histogram's buckets in `attempt_stat`, milliseconds; a last bucket holds what took longer. */
export const LATENCY_BOUNDS_MS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000] as const;

/** One entry of the delivery log. */
export interface Attempt {
  /** Index into the checkpoint's batches. */
  batch: number;
  deviceId: number;
  /** False: the delivery ended without a provider call. */
  isCall: boolean;
  outcome: string;
  code: string;
  statusAfter: string;
  /** Milliseconds from the answer until the next try; null when there is none. */
  retryInMs: number | null;
  providerMessageId: string | null;
  latencyMs: number | null;
  detail: string | null;
  /** Milliseconds since the answer came. */
  ageMs: number;
}
