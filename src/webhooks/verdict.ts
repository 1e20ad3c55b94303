/** What follows from how a call of a webhook ended. Pure. */
import { parseRetryAfterMs } from '../lib/retry-after.js';
import type { TransportResult } from '../transport/transport.js';
import { type MessageType, TEST_EVENT } from './webhook.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds from the first, second, … failure to the next attempt: three days in all, and then the event is given up. */
export const RETRY_SCHEDULE_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** Share of the delay that is added or taken away at random, so that what failed together does not come back together. */
const JITTER = 0.2;

/** Says: not here, never again. */
const GONE = 410;

export type Verdict =
  | { kind: 'succeeded'; status: number }
  /** The receiver wants no more calls. */
  | { kind: 'gone'; status: number; error: string }
  /** `error` is our own word; `retryAfterMs` is what the receiver asked for, at most 24 h. */
  | { kind: 'failed'; status: number | null; error: string; retryAfterMs?: number };

/** @param now to read a Retry-After date by */
export function verdictOf(result: TransportResult, now: Date): Verdict {
  if (result.kind !== 'response') return { kind: 'failed', status: null, error: result.reason };
  const { status, headers } = result;
  if (status >= 200 && status < 300) return { kind: 'succeeded', status };
  if (status === GONE) return { kind: 'gone', status, error: 'gone' };
  // Not followed: the receiver's URL was checked, where it points to was not.
  const error = status >= 300 && status < 400 ? 'redirect' : `http_${status}`;
  const retryAfterMs = parseRetryAfterMs(headers['retry-after'], now);
  return { kind: 'failed', status, error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/**
 * Delay before the next attempt.
 *
 * @param step         failures so far, this one not counted
 * @param retryAfterMs what the receiver asked for; the result is never shorter
 * @param random       uniform in [0, 1)
 * @returns milliseconds, or null when the schedule is used up
 */
export function nextDelayMs(step: number, retryAfterMs: number | undefined, random: number): number | null {
  const scheduledMs = RETRY_SCHEDULE_MS[step];
  if (scheduledMs === undefined) return null;
  return Math.ceil(Math.max(scheduledMs * (1 - JITTER + 2 * JITTER * random), retryAfterMs ?? 0));
}

/** How an attempt is put on record, and what becomes of the message. */
export interface Settlement {
  state: 'pending' | 'done' | 'given_up';
  /** Milliseconds until the next attempt, when pending. */
  delayMs: number;
  succeeded: boolean;
  /** The webhook is to be disabled. */
  isGone: boolean;
  status: number | null;
  error: string | null;
}

/**
 * What becomes of a message whose call ended so.
 *
 * @param random uniform in [0, 1)
 */
export function settlementOf(
  { type, step }: { type: MessageType; step: number },
  verdict: Verdict,
  random: number,
): Settlement {
  if (verdict.kind === 'succeeded') {
    return { state: 'done', delayMs: 0, succeeded: true, isGone: false, status: verdict.status, error: null };
  }
  const { status, error } = verdict;
  const failed = { succeeded: false, isGone: verdict.kind === 'gone', status, error };
  const retryAfterMs = verdict.kind === 'failed' ? verdict.retryAfterMs : undefined;
  // A test is watched by whoever asked for it, who can ask again.
  const delayMs = type === TEST_EVENT ? null : nextDelayMs(step, retryAfterMs, random);
  return delayMs === null ? { ...failed, state: 'given_up', delayMs: 0 } : { ...failed, state: 'pending', delayMs };
}
