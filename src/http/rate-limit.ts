import type { Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';

interface Bucket {
  tokens: number;
  updatedMs: number;
}

/** Buckets that are kept; beyond it the ones that were filled up again go first. */
const MAX_BUCKETS = 100_000;

/** A token bucket per key: a second's worth may come at once, the rest at the rate. Holds for this process alone. */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();

  /**
   * @param ratePerSecond tokens that come back each second; 0 = no limit
   * @param capacity      tokens a bucket holds at most
   */
  constructor(
    private readonly clock: Clock,
    private readonly ratePerSecond: number,
    private readonly capacity: number = Math.max(1, ratePerSecond),
  ) {}

  /**
   * Takes one token.
   *
   * @throws DomainError `rate_limited`, with the seconds until the next one
   */
  take(key: string): void {
    if (this.ratePerSecond === 0) return;
    const bucket = this.bucketOf(key);
    if (bucket.tokens < 1) throw this.limited(bucket);
    bucket.tokens -= 1;
  }

  /** True when {@link take} would throw. */
  isExhausted(key: string): boolean {
    return this.ratePerSecond > 0 && this.buckets.has(key) && this.bucketOf(key).tokens < 1;
  }

  private bucketOf(key: string): Bucket {
    const nowMs = this.clock.monotonicMs();
    const known = this.buckets.get(key);
    if (known) {
      const refilled = known.tokens + ((nowMs - known.updatedMs) / 1_000) * this.ratePerSecond;
      known.tokens = Math.min(this.capacity, refilled);
      known.updatedMs = nowMs;
      return known;
    }
    if (this.buckets.size >= MAX_BUCKETS) this.makeRoom(nowMs);
    const bucket = { tokens: this.capacity, updatedMs: nowMs };
    this.buckets.set(key, bucket);
    return bucket;
  }

  private makeRoom(nowMs: number): void {
    for (const [key, { tokens, updatedMs }] of this.buckets) {
      if (tokens + ((nowMs - updatedMs) / 1_000) * this.ratePerSecond >= this.capacity) this.buckets.delete(key);
    }
    // All of them in use: an attack from many addresses. A tenth goes, the oldest, so that the sweep above stays rare.
    for (const key of this.buckets.keys()) {
      if (this.buckets.size <= MAX_BUCKETS * 0.9) break;
      this.buckets.delete(key);
    }
  }

  private limited(bucket: Bucket): DomainError {
    const waitSeconds = (1 - bucket.tokens) / this.ratePerSecond;
    return new DomainError('limited', 'rate_limited', 'Too many requests.', [], waitSeconds);
  }
}
