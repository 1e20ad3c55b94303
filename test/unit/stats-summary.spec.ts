import { describe, expect, it } from 'vitest';
import { percentileMs, summarise, usualBucketSeconds } from '../../src/admin/stats.js';

/** Counts for latencies of up to 10, 25, 50, 100, 250, 500, 1000, 2500, 10000 ms, and above. */
const buckets = (counts: Record<number, number>) => Array.from({ length: 10 }, (_, i) => counts[i] ?? 0);

describe('percentiles from buckets', () => {
  it.each([
    ['nothing counted', buckets({}), 0.5, 0],
    ['the middle of the only bucket', buckets({ 3: 10 }), 0.5, 75],
    ['the end of the only bucket', buckets({ 3: 10 }), 1, 100],
    ['the border between two equal buckets', buckets({ 0: 50, 1: 50 }), 0.5, 10],
    ['inside the second bucket', buckets({ 0: 50, 1: 50 }), 0.75, 17.5],
    ['nothing beyond the last bound', buckets({ 9: 5 }), 0.99, 10_000],
  ])('%s', (_, counts, fraction, expected) => {
    expect(percentileMs(counts, fraction)).toBeCloseTo(expected);
  });
});

describe('a summary', () => {
  it('is empty without calls', () => {
    expect(summarise([])).toEqual({ attempts: 0, outcomes: {}, providers: {}, codes: [], latencyMs: null });
  });

  it('counts by outcome, provider and code', () => {
    const summary = summarise([
      {
        provider: 'fcm',
        outcome: 'accepted',
        code: '200',
        n: 90,
        latencyBuckets: buckets({ 2: 90 }),
        latencySumMs: 3_600,
      },
      { provider: 'apns', outcome: 'accepted', code: '200', n: 1, latencyBuckets: buckets({ 2: 1 }), latencySumMs: 40 },
      {
        provider: 'fcm',
        outcome: 'token_invalid',
        code: 'UNREGISTERED',
        n: 9,
        latencyBuckets: buckets({ 2: 9 }),
        latencySumMs: 360,
      },
    ]);
    expect(summary).toMatchObject({
      attempts: 100,
      outcomes: { accepted: 91, token_invalid: 9 },
      providers: { fcm: { attempts: 99, outcomes: { accepted: 90, token_invalid: 9 } }, apns: { attempts: 1 } },
    });
    expect(summary.codes.map(({ code, attempts }) => [code, attempts])).toEqual([
      ['200', 90],
      ['UNREGISTERED', 9],
      ['200', 1],
    ]);
    expect(summary.latencyMs).toMatchObject({ mean: 40, p50: 38 });
  });
});

describe('the usual bucket', () => {
  it.each([
    [3_600, 60],
    [86_400, 300],
    [7 * 86_400, 3_600],
    [30 * 86_400, 21_600],
    [400 * 86_400, 86_400],
  ])('of %i seconds is %i seconds', (span, expected) => {
    expect(usualBucketSeconds(span)).toBe(expected);
  });
});
