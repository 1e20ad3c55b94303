/**
 * @param sorted ascending
 * @param share 0.99 for the 99th percentile: so much of all is at most what is returned
 */
export function percentile(sorted: readonly number[] | Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Median and 99th percentile of latencies in any order. */
export function latencies(ms: readonly number[]): { p50Ms: number; p99Ms: number } {
  const sorted = Float64Array.from(ms).sort();
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}
