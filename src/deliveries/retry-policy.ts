/** When a delivery is tried again. Pure. */

/** Milliseconds before the retry after step 0, 1, 2 …; the last one repeats until the TTL ends the delivery. */
export const RETRY_SCHEDULE_MS: readonly number[] = [10_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];

/** Share of the scheduled delay that is added at random, so that what failed together does not come back together. */
const MAX_JITTER = 0.2;

export interface RetryRequest {
  /** Failures so far that used up a step of the schedule; 0 after the first. */
  step: number;
  /** Milliseconds that the provider's documentation asks for at least. */
  minimumDelayMs?: number;
  /** Milliseconds that the answer itself asked for, already clamped to 24 h. */
  retryAfterMs?: number;
  /** Uniform in [0, 1). */
  random: number;
}

/**
 * Delay before the next try: the longest of the schedule with jitter, the provider's minimum, and its Retry-After.
 *
 * @returns milliseconds
 */
export function retryDelayMs(request: RetryRequest): number {
  const scheduled = RETRY_SCHEDULE_MS[Math.min(request.step, RETRY_SCHEDULE_MS.length - 1)] ?? 0;
  const jittered = scheduled * (1 + MAX_JITTER * request.random);
  return Math.ceil(Math.max(jittered, request.minimumDelayMs ?? 0, request.retryAfterMs ?? 0));
}

/**
 * Delay after a 429: what the provider asked for, or its documented minimum. No step of the schedule is used, since waiting
 * for a quota is no failure; the jitter keeps a crowd of waiting deliveries apart.
 *
 * @returns milliseconds
 */
export function throttleDelayMs(request: Omit<RetryRequest, 'step'>): number {
  const asked = request.retryAfterMs ?? Math.max(request.minimumDelayMs ?? 0, RETRY_SCHEDULE_MS[0] ?? 0);
  return Math.ceil(Math.max(asked, request.minimumDelayMs ?? 0) * (1 + MAX_JITTER * request.random));
}
