import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import type { Database } from '../database/transaction.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import type { BatchRef } from '../queue/queues.js';
import type { Attempt, BatchCheckpoint, ClaimedBatch } from './batch.js';
import { BatchesRepository } from './batches.repository.js';
import { CheckpointRepository } from './checkpoint.repository.js';

/** Milliseconds on the database's clock. */
const LEASE_MS = 20_000;
/** Milliseconds between the last possible answer and the end of the lease. */
const MARGIN_MS = 2_000;

/** Leases as a worker holds them: who may send a batch's deliveries, and until when. */
@Injectable()
export class Leases {
  private readonly worker = `${hostname()}-${process.pid}`;
  private readonly sendableMs: number;

  constructor(
    private readonly batches: BatchesRepository,
    private readonly checkpoints: CheckpointRepository,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) config: Config,
  ) {
    this.sendableMs = LEASE_MS - config.REQUEST_TIMEOUT_SECONDS * 1000 - MARGIN_MS;
  }

  /**
   * Takes what is due and free among `refs`.
   *
   * @returns `deadlineMs`: the moment on this process's monotonic clock after which nothing may be sent. It is measured from
   *          before the statement, so a slow answer shortens it
   */
  async claim(refs: readonly BatchRef[]): Promise<{ batches: ClaimedBatch[]; deadlineMs: number }> {
    const deadlineMs = this.deadlineFromNow();
    return { batches: await this.batches.claim(refs, LEASE_MS), deadlineMs };
  }

  /** Extends the leases. Batches missing from `held` belong to somebody else now. */
  async renew(batches: readonly ClaimedBatch[]): Promise<{ held: BatchRef[]; deadlineMs: number }> {
    const deadlineMs = this.deadlineFromNow();
    return { held: await this.batches.renew(batches, LEASE_MS), deadlineMs };
  }

  /** Stores answers and extends the leases; returns the indices of the batches that are still ours. */
  checkpoint(batches: readonly BatchCheckpoint[], attempts: readonly Attempt[], db?: Database): Promise<Set<number>> {
    return this.checkpoints.write(this.worker, LEASE_MS, batches, attempts, db);
  }

  /** Ends a batch of which something was moved. */
  finish(batch: ClaimedBatch): Promise<boolean> {
    return this.batches.finish(batch);
  }

  /** Gives back what is unsent; it becomes due after `delayMs`. */
  release(batch: ClaimedBatch, delayMs: number): Promise<boolean> {
    return this.batches.release(batch, delayMs);
  }

  /** Makes batches due again that Bull handed over but nobody claimed. */
  unqueue(refs: readonly BatchRef[]): Promise<void> {
    return this.batches.unqueue(refs);
  }

  private deadlineFromNow(): number {
    return this.clock.monotonicMs() + this.sendableMs;
  }
}
