import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/batches/batch.js';
import { tallyAttempts } from '../../src/batches/checkpoint-tally.js';

function attempt(overrides: Partial<Attempt>): Attempt {
  return {
    batch: 0,
    deviceId: 1,
    isCall: true,
    outcome: 'accepted',
    code: '200',
    statusAfter: 'accepted',
    retryInMs: null,
    providerMessageId: null,
    latencyMs: 10,
    detail: null,
    ageMs: 0,
    ...overrides,
  };
}

const refused = { outcome: 'token_invalid', code: '410', statusAfter: 'failed' };
const expired = { isCall: false, outcome: '', code: 'ttl_expired', statusAfter: 'expired', latencyMs: null };

describe('what a checkpoint’s attempts come to', () => {
  it('names each kind once and says which attempt is of which', () => {
    const { kinds, kindOf } = tallyAttempts(1, [
      attempt({}),
      attempt(refused),
      attempt({}),
      attempt(expired),
      attempt({}),
    ]);
    expect(kinds.map((kind) => kind.code)).toEqual(['200', '410', 'ttl_expired']);
    expect(kindOf).toEqual([0, 1, 0, 2, 0]);
  });

  it('tells batches with calls, with ends alone and with nothing apart', () => {
    const attempts = [attempt({ batch: 0, ...expired }), attempt({ batch: 0 }), attempt({ batch: 1, ...expired })];
    expect(tallyAttempts(3, attempts).answers).toEqual(['call', 'end', 'none']);
  });

  it('counts calls per batch and kind, each in the bucket of its latency', () => {
    const latencies = [0, 10, 10.4, 10.6, 10_000, 10_001];
    const { counts } = tallyAttempts(2, [
      ...latencies.map((latencyMs) => attempt({ batch: 1, latencyMs })),
      attempt({ batch: 0, ...refused, latencyMs: 30 }),
      attempt({ batch: 0, ...expired }),
    ]);
    expect(counts).toEqual([
      { batch: 1, kind: 0, n: 6, latencyBuckets: [3, 1, 0, 0, 0, 0, 0, 0, 1, 1], latencySumMs: 20_032 },
      { batch: 0, kind: 1, n: 1, latencyBuckets: [0, 0, 1, 0, 0, 0, 0, 0, 0, 0], latencySumMs: 30 },
    ]);
  });

  it('counts per batch what ended otherwise than accepted, calls or not, by status and code', () => {
    const { failures } = tallyAttempts(3, [
      attempt({ batch: 0 }),
      attempt({ batch: 0, outcome: 'unavailable', code: '503', statusAfter: 'pending' }),
      attempt({ batch: 2, ...refused }),
      attempt({ batch: 2, ...refused, deviceId: 2 }),
      attempt({ batch: 2, ...expired }),
    ]);
    expect(failures).toEqual([undefined, undefined, { 'failed 410': 2, 'expired ttl_expired': 1 }]);
  });
});
