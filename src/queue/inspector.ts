import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import Bull, { type Job, type Queue } from 'bull';
import type { Redis } from 'ioredis';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../lib/errors.js';
import { LANES, type Lane, type ProviderName } from '../lib/names.js';
import {
  consumerNameOf,
  dispatchQueuesOf,
  NOTIFY_QUEUE,
  producerConnection,
  producerOptions,
  WEBHOOK_QUEUE,
} from './queues.js';

/** Milliseconds for one command, and for the whole look. */
const COMMAND_TIMEOUT_MS = 2_000;
const LOOK_TIMEOUT_MS = 5_000;
/** Jobs of a queue that are shown, the newest ones, and notifications named of each. */
const MAX_JOBS = 50;
const MAX_NAMED = 10;
const RETRY_AFTER_SECONDS = 2;
const STATES = ['active', 'waiting', 'delayed', 'failed'] as const;

export type JobState = (typeof STATES)[number];

/** A job as Redis holds it. */
export interface QueuedJob {
  id: string;
  state: JobState;
  /** Null for what carries none. */
  batches: number | null;
  /** Whose these batches are, or which is to be planned: the first ones. */
  notificationIds: string[];
  addedAt: Date;
  startedAt: Date | null;
}

/** One of Bull's queues. */
export interface QueueState {
  queue: string;
  /** Null for queues that serve all of them. */
  lane: Lane | null;
  provider: ProviderName | null;
  counts: JobCounts;
  /** Processes that take jobs from it; null where Redis does not tell. */
  consumers: number | null;
  jobs: QueuedJob[];
}

export type JobCounts = Record<JobState | 'paused', number>;

/** Looks into Bull's queues for operators. Nothing depends on what it finds: what is due is in Postgres. */
@Injectable()
export class QueueInspector implements OnApplicationShutdown {
  private readonly connection: Redis;
  private readonly queues: { name: string; lane: Lane | null; provider: ProviderName | null; queue: Queue }[];

  constructor(@Inject(CONFIG) config: Config) {
    this.connection = producerConnection(config.REDIS_URL, COMMAND_TIMEOUT_MS);
    const others = [NOTIFY_QUEUE, WEBHOOK_QUEUE].map((name) => ({ name, lane: null, provider: null }));
    this.queues = [...dispatchQueuesOf(LANES), ...others].map((one) => {
      const queue = new Bull(one.name, producerOptions(one.name, this.connection));
      // Without a listener Bull's error event would end the process.
      queue.on('error', () => undefined);
      return { ...one, queue };
    });
  }

  /**
   * Every queue, in the order of urgency, with its newest jobs.
   *
   * @throws DomainError `redis_unavailable`
   */
  async look(): Promise<QueueState[]> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('Redis is slow')), LOOK_TIMEOUT_MS);
    });
    const work = this.lookAtAll();
    try {
      return await Promise.race([work, timeout]);
    } catch (cause) {
      work.catch(() => undefined);
      const message = `Redis does not tell about the queues: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new DomainError('unavailable', 'redis_unavailable', message, [], RETRY_AFTER_SECONDS);
    } finally {
      clearTimeout(timer);
    }
  }

  onApplicationShutdown(): void {
    this.connection.disconnect();
  }

  private async lookAtAll(): Promise<QueueState[]> {
    const names = await this.connectionNames();
    const states: QueueState[] = [];
    for (const { name, lane, provider, queue } of this.queues) {
      const [counts, jobs] = await Promise.all([queue.getJobCounts(), newestJobs(queue)]);
      const { waiting, active, delayed, failed } = counts;
      // Bull has it, its types do not; pausing is Postgres' business, so it is 0 unless somebody else was at the queue.
      const paused = 'paused' in counts ? Number(counts.paused) : 0;
      const consumers = names?.filter((one) => one.startsWith(consumerNameOf(name))).length ?? null;
      states.push({
        queue: name,
        lane,
        provider,
        counts: { waiting, active, delayed, failed, paused },
        consumers,
        jobs,
      });
    }
    return states;
  }

  /** The names that connections have given themselves; null where asking is forbidden, as managed Redis may have it. */
  private async connectionNames(): Promise<string[] | null> {
    try {
      const list = String(await this.connection.client('LIST'));
      return [...list.matchAll(/ name=(\S+)/g)].map((match) => match[1] ?? '');
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') return null;
      throw error;
    }
  }
}

async function newestJobs(queue: Queue): Promise<QueuedJob[]> {
  const found = await Promise.all(
    STATES.map(async (state) => {
      // A job that ends meanwhile leaves a hole.
      const jobs: (Job | null)[] = await queue.getJobs([state], 0, MAX_JOBS - 1, false);
      return jobs.flatMap((job) => (job === null ? [] : [shown(job, state)]));
    }),
  );
  return found
    .flat()
    .toSorted((one, other) => other.addedAt.getTime() - one.addedAt.getTime())
    .slice(0, MAX_JOBS);
}

function shown(job: Job, state: JobState): QueuedJob {
  const { batches, notificationId } = Object(job.data);
  const refs: [string, number][] = Array.isArray(batches) ? batches : [];
  const ids = typeof notificationId === 'string' ? [notificationId] : refs.map(([id]) => id);
  return {
    id: String(job.id),
    state,
    batches: Array.isArray(batches) ? batches.length : null,
    notificationIds: [...new Set(ids)].slice(0, MAX_NAMED),
    addedAt: new Date(job.timestamp),
    startedAt: job.processedOn === undefined ? null : new Date(job.processedOn),
  };
}
