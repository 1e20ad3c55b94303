import { describe, expect, it } from 'vitest';
import type { FedBatch } from '../../src/batches/batches.repository.js';
import { jobsOf } from '../../src/batches/feeder.js';

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
