import { describe, expect, it } from 'vitest';
import { RETRY_SCHEDULE_MS, retryDelayMs, throttleDelayMs } from '../../src/deliveries/retry-policy.js';

describe('retryDelayMs', () => {
  it('follows the schedule, and its last delay from then on', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 500].map((step) => retryDelayMs({ step, random: 0 }));
    expect(delays).toEqual([10_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 3_600_000, 3_600_000]);
  });

  it('adds up to a fifth of jitter and never subtracts', () => {
    expect(retryDelayMs({ step: 0, random: 0.5 })).toBe(11_000);
    expect(retryDelayMs({ step: 0, random: 0.999_999 })).toBeLessThanOrEqual(12_000);
  });

  it('is never shorter than what the provider asks for, in its documents or in its answer', () => {
    for (const step of RETRY_SCHEDULE_MS.keys()) {
      expect(retryDelayMs({ step, random: 0, minimumDelayMs: 900_000 })).toBeGreaterThanOrEqual(900_000);
      expect(retryDelayMs({ step, random: 0, retryAfterMs: 7_200_000 })).toBe(7_200_000);
    }
  });
});

describe('throttleDelayMs', () => {
  it('takes the provider at its word', () => {
    expect(throttleDelayMs({ retryAfterMs: 3_000, minimumDelayMs: 0, random: 0 })).toBe(3_000);
  });

  it('falls back to the documented minimum, and to ten seconds where there is none', () => {
    expect(throttleDelayMs({ minimumDelayMs: 60_000, random: 0 })).toBe(60_000);
    expect(throttleDelayMs({ random: 0 })).toBe(10_000);
  });
});
