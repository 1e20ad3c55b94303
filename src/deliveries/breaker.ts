/** Milliseconds. Answers older than this no longer count. */
const WINDOW_MS = 10_000;
const BUCKET_MS = 1_000;
/** Below so many answers in the window a share means nothing. */
const MIN_ANSWERS = 100;
const MAX_FAILURE_SHARE = 0.5;

interface Bucket {
  startMs: number;
  answers: number;
  failures: number;
}

/**
 * Watches one (application, provider, scope) in this process: trips when more than half of at least 100 answers within 10 s
 * were failures. What a trip leads to is the gate's business.
 */
export class Breaker {
  private buckets: Bucket[] = [];

  /** Counts one answer; true exactly when it trips, after which counting starts anew. */
  record(result: 'success' | 'failure', nowMs: number): boolean {
    const last = this.buckets.at(-1);
    let bucket = last;
    if (!bucket || nowMs - bucket.startMs >= BUCKET_MS) {
      bucket = { startMs: nowMs, answers: 0, failures: 0 };
      this.buckets.push(bucket);
      this.buckets = this.buckets.filter(({ startMs }) => nowMs - startMs < WINDOW_MS);
    }
    bucket.answers += 1;
    if (result === 'success') return false;
    bucket.failures += 1;

    let answers = 0;
    let failures = 0;
    for (const { answers: a, failures: f, startMs } of this.buckets) {
      if (nowMs - startMs >= WINDOW_MS) continue;
      answers += a;
      failures += f;
    }
    if (answers < MIN_ANSWERS || failures <= answers * MAX_FAILURE_SHARE) return false;
    this.buckets = [];
    return true;
  }
}
