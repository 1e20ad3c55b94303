import { RESULT, type TerminalStatus } from '../batches/batch.js';
import type { ProviderName } from '../lib/names.js';
import type { OutcomeKind } from '../providers/provider.js';
import type { AttemptExplanation, Explanation } from './explanation.js';

export const DELIVERY_STATUSES = [
  'pending',
  'accepted',
  'failed',
  'expired',
  'cancelled',
  'suppressed',
  'unknown',
] as const;
/** `accepted` means that the provider took it; what the device did with it is in the receipts. */
export type DeliveryStatus = 'pending' | TerminalStatus;

export const RECEIPT_TYPES = ['delivered', 'displayed', 'opened', 'dismissed'] as const;
export type ReceiptType = (typeof RECEIPT_TYPES)[number];

/** One notification for one device, with everything that happened to it. */
export interface Delivery {
  notificationId: string;
  /** Public id; null when the device has been deleted since. */
  deviceId: string | null;
  /** Whose device it is today. */
  userId: string | null;
  provider: ProviderName;
  status: DeliveryStatus;
  /** Oldest first. */
  attempts: Attempt[];
  /** When it is due again; null when it has ended or is being sent right now. */
  nextAttemptAt: Date | null;
  receipts: Receipt[];
  explanation: Explanation;
}

/** One entry of the log. */
export interface Attempt {
  /** Provider calls counted from 1; 0: the delivery ended without one. */
  number: number;
  at: Date;
  /** Null when there was no call. */
  outcome: OutcomeKind | null;
  /** The provider's own word or HTTP status, or ours (`device_inactive`, `user_changed`, `acknowledged_live`, `poison`, …). */
  code: string;
  providerMessageId: string | null;
  latencyMs: number | null;
  detail: string | null;
  explanation: AttemptExplanation;
}

/** What the device itself reported. */
export interface Receipt {
  type: ReceiptType;
  at: Date;
}

const STATUS_OF_MARK: Readonly<Record<string, DeliveryStatus>> = {
  [RESULT.accepted]: 'accepted',
  [RESULT.failed]: 'failed',
  [RESULT.expired]: 'expired',
  [RESULT.cancelled]: 'cancelled',
  [RESULT.suppressed]: 'suppressed',
  [RESULT.unknown]: 'unknown',
};

/**
 * What one character of `dispatch_batch.result` says about its delivery. Intents are pending, and so is what was moved while
 * its batch is not finished, because the child batch does not exist yet.
 */
export function statusOfMark(mark: string): DeliveryStatus {
  return STATUS_OF_MARK[mark] ?? 'pending';
}

/**
 * The characters of `dispatch_batch.result` that stand for a status, for a batch that is finished and for one that is not.
 * In a finished batch a moved delivery is the child's business and counts for no status.
 */
export function marksOf(status: DeliveryStatus | undefined): { finished: string; open: string } {
  if (status === undefined) {
    const finished = Object.keys(STATUS_OF_MARK).join('');
    return { finished, open: `${finished}${PENDING_MARKS}` };
  }
  if (status === 'pending') return { finished: '', open: PENDING_MARKS };
  return { finished: RESULT[status], open: RESULT[status] };
}

const PENDING_MARKS = [RESULT.pending, RESULT.moved, RESULT.intent, RESULT.intentAfterCrash].join('');
