import { randomInt, randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { uuidV7Floor } from '../lib/ids.js';
import { PROVIDER_NAMES } from '../lib/names.js';
import { Producers } from '../queue/producers.js';
import type { BatchRef } from '../queue/queues.js';
import { MAX_BATCH_SIZE } from './batch.js';
import { type FedBatch, FeedRepository, type IdSpan, type QueueRoom } from './feed.repository.js';

/** Batches per application, lane and provider in one round: small, so that rounds alternate between applications. */
const BATCHES_PER_APPLICATION = 8;
/** A round that hands over fewer batches leaves nothing that could not wait for the next one's time. */
export const FULL_ROUND = BATCHES_PER_APPLICATION;
/** Deliveries queued per lane and provider: a few seconds of work, so that pausing and priorities act at once. */
const MAX_QUEUED_DELIVERIES = 32_000;
/** Milliseconds until an undelivered job counts as lost. */
const QUEUED_FOR_MS = 15_000;
/** Days that are looked at one by one; what is older is looked at together. */
const DAYS = 40;
const DAY_MS = 86_400_000;

/**
 * Keeps the Bull queues of this worker's lanes a few seconds deep from what Postgres says is due. Keeps no state: any number
 * may run, and one that dies between its statement and Bull leaves rows whose `queued_until` runs out.
 */
@Injectable()
export class Feeder {
  private readonly logger = new Logger(Feeder.name);

  constructor(
    private readonly repository: FeedRepository,
    private readonly producers: Producers,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** One round; returns how many batches it handed to Bull. */
  async feed(): Promise<number> {
    const lanes = this.config.WORKER_LANES;
    const due = await this.repository.dueSpans(lanes, idSpans(this.clock.now()));
    if (due.length === 0) return 0;
    const limits = { start: randomUUID(), perApplication: BATCHES_PER_APPLICATION, queuedForMs: QUEUED_FOR_MS };
    let rooms = await this.rooms();
    let fed = 0;
    // From any day on: where one day has enough for all the room there is, the others get theirs in other rounds.
    const from = randomInt(due.length);
    for (const span of [...due.slice(from), ...due.slice(0, from)]) {
      if (rooms.length === 0) break;
      const taken = await this.repository.take(span, rooms, limits);
      await this.handOver(taken);
      rooms = roomsWithout(rooms, taken);
      fed += taken.length;
    }
    return fed;
  }

  private async rooms(): Promise<QueueRoom[]> {
    const lanes = this.config.WORKER_LANES;
    const all = lanes.flatMap((lane) =>
      PROVIDER_NAMES.map((provider) => ({ lane, provider, room: MAX_QUEUED_DELIVERIES })),
    );
    return roomsWithout(all, await this.repository.depths(lanes));
  }

  private async handOver(taken: readonly FedBatch[]): Promise<void> {
    for (const group of Map.groupBy(taken, queueOf).values()) {
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
  }
}

/** All ids there can be, in spans that each lie in one partition or, before and after the days in use, in none to speak of. */
export function idSpans(now: Date): IdSpan[] {
  const today = Math.floor(now.getTime() / DAY_MS);
  const bounds = Array.from({ length: DAYS + 2 }, (_, i) => uuidV7Floor(new Date((today - DAYS + 1 + i) * DAY_MS)));
  const lowers = ['00000000-0000-0000-0000-000000000000', ...bounds];
  const uppers = [...bounds, 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
  return lowers.map((lower, i) => ({ lower, upper: uppers[i] ?? lower }));
}

function queueOf({ lane, provider }: Pick<QueueRoom, 'lane' | 'provider'>): string {
  return `${lane} ${provider}`;
}

/** What is left of `rooms` after these deliveries; queues that are full are left out. */
function roomsWithout(
  rooms: readonly QueueRoom[],
  deliveries: readonly (Pick<QueueRoom, 'lane' | 'provider'> & { n: number })[],
): QueueRoom[] {
  const used = new Map<string, number>();
  for (const one of deliveries) used.set(queueOf(one), (used.get(queueOf(one)) ?? 0) + one.n);
  return rooms
    .map((queue) => ({ ...queue, room: queue.room - (used.get(queueOf(queue)) ?? 0) }))
    .filter(({ room }) => room > 0);
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
