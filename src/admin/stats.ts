import { LATENCY_BOUNDS_MS } from '../batches/batch.js';
import type { ProviderName } from '../lib/names.js';

/** Provider calls that ended alike. */
export interface Tally {
  provider: ProviderName;
  outcome: string;
  code: string;
  n: number;
  /** Counts per bucket of {@link LATENCY_BOUNDS_MS}, not cumulative, and one for the rest. */
  latencyBuckets: readonly number[];
  latencySumMs: number;
}

/** What a span of time amounts to. */
export interface Summary {
  attempts: number;
  outcomes: Record<string, number>;
  providers: Record<string, { attempts: number; outcomes: Record<string, number> }>;
  /** Most frequent first. */
  codes: { provider: ProviderName; outcome: string; code: string; attempts: number }[];
  /** Null without attempts. Percentiles are interpolated within buckets; beyond the last bound they are that bound. */
  latencyMs: { mean: number; p50: number; p90: number; p95: number; p99: number } | null;
}

export function summarise(tallies: readonly Tally[]): Summary {
  const outcomes: Record<string, number> = {};
  const providers: Summary['providers'] = {};
  const buckets = new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);
  let attempts = 0;
  let latencySumMs = 0;
  for (const { provider, outcome, n, latencyBuckets, latencySumMs: sumMs } of tallies) {
    attempts += n;
    latencySumMs += sumMs;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + n;
    providers[provider] ??= { attempts: 0, outcomes: {} };
    providers[provider].attempts += n;
    providers[provider].outcomes[outcome] = (providers[provider].outcomes[outcome] ?? 0) + n;
    for (const [i, count] of latencyBuckets.entries()) buckets[i] = (buckets[i] ?? 0) + count;
  }
  const at = (fraction: number) => Math.round(percentileMs(buckets, fraction));
  return {
    attempts,
    outcomes,
    providers,
    codes: tallies
      .map(({ provider, outcome, code, n }) => ({ provider, outcome, code, attempts: n }))
      .toSorted((a, b) => b.attempts - a.attempts),
    latencyMs:
      attempts === 0
        ? null
        : { mean: Math.round(latencySumMs / attempts), p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) },
  };
}

/**
 * @param buckets  counts as in {@link Tally.latencyBuckets}
 * @param fraction 0…1
 * @returns milliseconds; 0 when nothing was counted
 */
export function percentileMs(buckets: readonly number[], fraction: number): number {
  const total = buckets.reduce((sum, n) => sum + n, 0);
  const wanted = total * fraction;
  let below = 0;
  for (const [i, n] of buckets.entries()) {
    if (n > 0 && below + n >= wanted) {
      const lower = LATENCY_BOUNDS_MS[i - 1] ?? 0;
      const upper = LATENCY_BOUNDS_MS[i] ?? lower;
      return lower + ((upper - lower) * (wanted - below)) / n;
    }
    below += n;
  }
  return 0;
}

const BUCKET_SIZES_SECONDS = [60, 300, 900, 3_600, 21_600, 86_400] as const;
const USUAL_BUCKETS = 300;
export const MAX_BUCKETS = 1_500;

/** The finest usual bucket that cuts the span into a number of pieces that a chart can show. */
export function usualBucketSeconds(spanSeconds: number): number {
  return BUCKET_SIZES_SECONDS.find((size) => spanSeconds / size <= USUAL_BUCKETS) ?? 86_400;
}
