import { describe, expect, it } from 'vitest';
import { adviceOnCredential } from '../../src/admin/advice.js';
import {
  countsOf,
  failuresOf,
  type MinuteTally,
  minutesOf,
  providersOf,
  ratesOf,
  successRateOf,
} from '../../src/admin/overview.js';

const minute = (text: string) => new Date(`2027-01-01T${text}Z`);

function tally(fields: Partial<MinuteTally>): MinuteTally {
  return {
    minute: minute('12:00:00'),
    lane: 'bulk',
    provider: 'fcm',
    outcome: 'accepted',
    code: '200',
    n: 1,
    latencyBuckets: [0, 0, 0, fields.n ?? 1, 0, 0, 0, 0, 0, 0],
    latencySumMs: 80,
    ...fields,
  };
}

describe('the overview’s figures', () => {
  it('tell calls that ended a delivery from those after which it is tried again', () => {
    const outcomes = ['token_invalid', 'token_refused', 'message_invalid', 'throttled', 'unavailable', 'ambiguous'];
    const counts = countsOf([tally({ n: 9 }), ...outcomes.map((outcome) => tally({ outcome }))]);
    expect(counts).toEqual({ attempts: 15, accepted: 9, failed: 3, retried: 3 });
    expect(successRateOf(counts)).toBe(0.75);
    expect(successRateOf(countsOf([tally({ outcome: 'throttled' })]))).toBeNull();
  });

  it('have sixty minutes, the last one being the present', () => {
    const at = minute('12:59:30');
    const minutes = minutesOf({ at, tallies: [tally({ n: 5 }), tally({ n: 2, minute: minute('12:59:00') })] });
    expect(minutes).toHaveLength(60);
    expect(minutes[0]).toEqual({ at: minute('12:00:00'), attempts: 5, accepted: 5, failed: 0, retried: 0, p95Ms: 98 });
    expect(minutes[1]).toMatchObject({ attempts: 0, p95Ms: null });
    expect(minutes[59]).toMatchObject({ at: minute('12:59:00'), attempts: 2 });
  });

  it('name what was not accepted, most frequent first, and since when not any more', () => {
    const failures = failuresOf([
      tally({ n: 100 }),
      tally({ n: 2, outcome: 'throttled', code: '429' }),
      tally({ n: 3, outcome: 'token_invalid', code: 'UNREGISTERED', minute: minute('12:01:00') }),
      tally({ n: 4, outcome: 'token_invalid', code: 'UNREGISTERED', lane: 'critical' }),
    ]);
    expect(failures).toMatchObject([
      { provider: 'fcm', code: 'UNREGISTERED', attempts: 7, lastAt: minute('12:01:00') },
      { provider: 'fcm', code: '429', attempts: 2, lastAt: minute('12:00:00') },
    ]);
  });

  it('take the speed from two readings, over a change of minutes too', () => {
    const before = { at: minute('12:00:59'), tallies: [tally({ n: 100 }), tally({ n: 7, provider: 'apns' })] };
    const now = {
      at: minute('12:01:01'),
      tallies: [
        tally({ n: 110 }),
        tally({ n: 7, provider: 'apns' }),
        tally({ n: 20, minute: minute('12:01:00'), lane: 'critical' }),
      ],
    };
    const rates = ratesOf(before, now);
    expect(Object.fromEntries(rates)).toEqual({ all: 15, fcm: 15, apns: 0, bulk: 5, critical: 10 });
    expect(providersOf(now.tallies, rates).map(({ provider, perSecond }) => [provider, perSecond])).toEqual([
      ['fcm', 15],
      ['apns', 0],
    ]);
  });

  it('take it from this minute and the one before where there is no earlier reading', () => {
    const tallies = [
      tally({ n: 1_000, minute: minute('11:58:00') }),
      tally({ n: 150, minute: minute('11:59:00') }),
      tally({ n: 30 }),
    ];
    expect(ratesOf(undefined, { at: minute('12:00:30'), tallies }).get('all')).toBe(2);
  });
});

it.each([
  ['ok', null, null],
  ['ok', '2027-03-01T00:00:00Z', null],
  ['ok', '2027-01-11T00:00:00Z', 'expires in 10 days'],
  ['ok', '2026-12-31T00:00:00Z', 'has expired'],
  ['broken', null, 'Store a new credential'],
] as const)('a credential that is %s and ends at %s: %s', (state, expiresAt, advice) => {
  const given = adviceOnCredential(state, expiresAt && new Date(expiresAt), new Date('2027-01-01T00:00:00Z'));
  if (advice === null) expect(given).toBeNull();
  else expect(given).toContain(advice);
});
