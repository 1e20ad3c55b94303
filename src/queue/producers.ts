import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import Bull, { type Queue } from 'bull';
import type { Redis } from 'ioredis';
import { CONFIG, type Config } from '../config/config.js';
import type { Lane, ProviderName } from '../lib/names.js';
import {
  type BatchRef,
  type DispatchJob,
  dispatchQueue,
  JOB_OPTIONS,
  NOTIFY_QUEUE,
  type NotifyJob,
  producerConnection,
  producerOptions,
  WEBHOOK_QUEUE,
  type WebhookJob,
} from './queues.js';

/** Milliseconds. What a caller waits for Redis at most: the sweep and the feeder repeat whatever is lost here. */
const ADD_TIMEOUT_MS = 250;

/** Puts jobs on the queues. Every method rejects within {@link ADD_TIMEOUT_MS} while Redis is away; nothing depends on success. */
@Injectable()
export class Producers implements OnApplicationShutdown {
  private readonly connection: Redis;
  private readonly queues = new Map<string, Queue>();

  constructor(@Inject(CONFIG) config: Config) {
    this.connection = producerConnection(config.REDIS_URL, ADD_TIMEOUT_MS);
  }

  /** Wakes a planner for this notification. */
  async notify(notificationId: string): Promise<void> {
    const job: NotifyJob = { notificationId };
    await bounded(this.queue(NOTIFY_QUEUE).add(job, JOB_OPTIONS));
  }

  /** One job for these batches; they are already `queued` in Postgres. */
  async dispatch(lane: Lane, provider: ProviderName, batches: readonly BatchRef[]): Promise<void> {
    await this.dispatchAll(lane, provider, [batches]);
  }

  /** One job per group of batches, in one round trip. */
  async dispatchAll(lane: Lane, provider: ProviderName, groups: readonly (readonly BatchRef[])[]): Promise<void> {
    const queue = this.queue(dispatchQueue(lane, provider));
    const jobs = groups.map((batches): DispatchJob => ({ batches: [...batches] }));
    const [only] = jobs;
    // A transaction around a single job costs three commands where one will do.
    if (only && jobs.length === 1) await bounded(queue.add(only, JOB_OPTIONS));
    else await bounded(queue.addBulk(jobs.map((data) => ({ data, opts: JOB_OPTIONS }))));
  }

  /** Hands out webhook messages that are already leased in Postgres. */
  async webhooks(jobs: readonly WebhookJob[]): Promise<void> {
    await bounded(this.queue(WEBHOOK_QUEUE).addBulk(jobs.map((data) => ({ data, opts: JOB_OPTIONS }))));
  }

  async onApplicationShutdown(): Promise<void> {
    this.connection.disconnect();
  }

  private queue(name: string): Queue {
    const existing = this.queues.get(name);
    if (existing) return existing;
    const made = new Bull(name, producerOptions(name, this.connection));
    // Without a listener Bull's error event would end the process.
    made.on('error', () => undefined);
    this.queues.set(name, made);
    return made;
  }
}

async function bounded<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Redis did not answer within ${ADD_TIMEOUT_MS} ms`)), ADD_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
