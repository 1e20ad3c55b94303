import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Producers } from '../queue/producers.js';
import type { BatchRef } from '../queue/queues.js';
import { MAX_BATCH_SIZE } from './batch.js';
import { BatchesRepository, type FedBatch } from './batches.repository.js';

/** Batches per application, lane and provider in one round: small, so that rounds alternate between applications. */
const BATCHES_PER_APPLICATION = 8;
/** Deliveries queued per lane and provider: a few seconds of work, so that pausing and priorities act at once. */
const MAX_QUEUED_DELIVERIES = 32_000;
/** Milliseconds until an undelivered job counts as lost. */
const QUEUED_FOR_MS = 15_000;

/**
 * Keeps the Bull queues a few seconds deep from what Postgres says is due. Keeps no state: any number may run, and one that
 * dies between its statement and Bull leaves rows whose `queued_until` runs out.
 */
@Injectable()
export class Feeder {
  private readonly logger = new Logger(Feeder.name);

  constructor(
    private readonly batches: BatchesRepository,
    private readonly producers: Producers,
  ) {}

  /** One round; returns how many batches it handed to Bull. */
  async feed(): Promise<number> {
    const fed = await this.batches.feed(randomUUID(), BATCHES_PER_APPLICATION, MAX_QUEUED_DELIVERIES, QUEUED_FOR_MS);
    const queues = Map.groupBy(fed, (batch) => `${batch.lane} ${batch.provider}`);
    for (const group of queues.values()) {
      const first = group[0];
      if (!first) continue;
      try {
        await this.producers.dispatchAll(first.lane, first.provider, jobsOf(group));
      } catch (error) {
        // The rows stay queued; the sweep returns them when queued_until has passed.
        this.logger.warn({
          event: 'feeder.redis_unavailable',
          lane: first.lane,
          provider: first.provider,
          reason: String(error),
        });
      }
    }
    return fed.length;
  }
}

/** What a job needs to know of a batch. */
type JobPart = Pick<FedBatch, 'notificationId' | 'batchNo' | 'n'> & { isSuspect?: boolean };

/** Puts small batches together up to the size of a large one; a suspect goes alone, so that it takes nobody with it. */
export function jobsOf(batches: readonly JobPart[]): BatchRef[][] {
  const jobs: BatchRef[][] = [];
  let current: BatchRef[] = [];
  let size = 0;
  for (const batch of batches) {
    const ref: BatchRef = [batch.notificationId, batch.batchNo];
    if (batch.isSuspect) {
      jobs.push([ref]);
      continue;
    }
    if (current.length > 0 && size + batch.n > MAX_BATCH_SIZE) {
      jobs.push(current);
      current = [];
      size = 0;
    }
    current.push(ref);
    size += batch.n;
  }
  if (current.length > 0) jobs.push(current);
  return jobs;
}
