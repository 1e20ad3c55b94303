import type { JobOptions, QueueOptions } from 'bull';
import { Redis } from 'ioredis';
import { type Lane, PROVIDER_NAMES, type ProviderName } from '../lib/names.js';

/** Queue that wakes a planner. */
export const NOTIFY_QUEUE = 'notify';

/** A notification whose audience is to be walked. */
export interface NotifyJob {
  notificationId: string;
}

/** Queue of the webhook messages that are due. */
export const WEBHOOK_QUEUE = 'webhooks';

/** A message to send; its row has another epoch once somebody has taken it. */
export interface WebhookJob {
  id: number;
  epoch: number;
}

/** Which batch: its notification's id and its number. */
export type BatchRef = readonly [notificationId: string, batchNo: number];

/** Batches to claim, of one lane and provider; small ones are put together into one job. */
export interface DispatchJob {
  batches: BatchRef[];
}

export type DispatchQueueName = `dispatch-${Lane}-${ProviderName}`;

export function dispatchQueue(lane: Lane, provider: ProviderName): DispatchQueueName {
  return `dispatch-${lane}-${provider}`;
}

/** A queue for each provider. */
export function dispatchQueuesOf(
  lanes: readonly Lane[],
): { lane: Lane; provider: ProviderName; name: DispatchQueueName }[] {
  return lanes.flatMap((lane) =>
    PROVIDER_NAMES.map((provider) => ({ lane, provider, name: dispatchQueue(lane, provider) })),
  );
}

/**
 * A retry is a row with `not_before`, so Bull runs each job once and forgets it. Without the removals it would keep every
 * finished job for ever.
 */
export const JOB_OPTIONS: JobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true };

/**
 * Bull's own recovery, made quick and harmless: a killed worker's job is handed on after about 15 s rather than a minute,
 * and is never given up, because the lease in Postgres decides whether it runs.
 */
const SETTINGS = { lockDuration: 10_000, lockRenewTime: 3_000, stalledInterval: 5_000, maxStalledCount: 1000 };

/** The braces keep all keys of one queue on one node of a Redis Cluster. */
function prefixOf(queue: string): string {
  return `{carillon-${queue}}`;
}

/** How connections that wait for jobs of a queue are called in Redis, at the beginning: Bull names them so. */
export function consumerNameOf(queue: string): string {
  return `${prefixOf(queue)}:${Buffer.from(queue).toString('base64')}`;
}

/** Bull wants three kinds of connection; the first two can be shared by all queues of a process. */
export class ConsumerConnections {
  private readonly shared = new Map<string, Redis>();

  constructor(private readonly url: string) {}

  /** Options of a queue whose jobs this process runs: waits for Redis as long as it takes. */
  optionsOf(queue: string): QueueOptions {
    return {
      prefix: prefixOf(queue),
      settings: SETTINGS,
      defaultJobOptions: JOB_OPTIONS,
      createClient: (type) => {
        if (type === 'bclient') return this.connect();
        const existing = this.shared.get(type);
        if (existing) return existing;
        const made = this.connect();
        this.shared.set(type, made);
        return made;
      },
    };
  }

  private connect(): Redis {
    const client = new Redis(this.url, { maxRetriesPerRequest: null, enableReadyCheck: false });
    client.setMaxListeners(0);
    // Redis being away is reported by readiness; ioredis reconnects by itself.
    client.on('error', () => undefined);
    return client;
  }
}

/** Options of a queue that this process only adds to: fails within a command timeout while Redis is away. */
export function producerOptions(queue: string, client: Redis): QueueOptions {
  return { prefix: prefixOf(queue), settings: SETTINGS, defaultJobOptions: JOB_OPTIONS, createClient: () => client };
}

/** A connection that never queues commands: what cannot be sent now fails now. */
export function producerConnection(url: string, commandTimeoutMs: number): Redis {
  const client = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2_000,
    retryStrategy: (times) => Math.min(times * 100, 1_000),
  });
  client.setMaxListeners(0);
  client.on('error', () => undefined);
  return client;
}
