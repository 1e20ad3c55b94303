import { describe, expect, it } from 'vitest';
import type { FedBatch } from '../../src/batches/feed.repository.js';
import { idSpans, jobsOf } from '../../src/batches/feeder.js';
import { uuidV7Floor } from '../../src/lib/ids.js';

const batch = (batchNo: number, n: number, isSuspect = false): FedBatch => ({
  notificationId: 'n',
  batchNo,
  lane: 'bulk',
  provider: 'fcm',
  n,
  isSuspect,
});

describe('jobsOf', () => {
  it('puts small batches together up to the size of a large one', () => {
    const jobs = jobsOf([batch(1, 400), batch(2, 600), batch(3, 1), batch(4, 1000)]);
    expect(jobs.map((job) => job.map((ref) => ref[1]))).toEqual([[1, 2], [3], [4]]);
  });

  it('gives a suspect a job of its own', () => {
    const jobs = jobsOf([batch(1, 1), batch(2, 1, true), batch(3, 1)]);
    expect(jobs.map((job) => job.map((ref) => ref[1]))).toEqual([[2], [1, 3]]);
  });
});

describe('idSpans', () => {
  const spans = idSpans(new Date('2026-11-22T13:00:00Z'));

  it('leaves no id out and has none twice', () => {
    expect(spans[0]?.lower).toBe('00000000-0000-0000-0000-000000000000');
    expect(spans.at(-1)?.upper).toBe('ffffffff-ffff-ffff-ffff-ffffffffffff');
    for (const [i, span] of spans.entries()) {
      if (i > 0) expect(span.lower).toBe(spans[i - 1]?.upper);
      expect(span.lower < span.upper).toBe(true);
    }
  });

  it('has one of its own for today', () => {
    const today = { lower: uuidV7Floor(new Date('2026-11-22')), upper: uuidV7Floor(new Date('2026-11-23')) };
    expect(spans).toContainEqual(today);
  });
});
