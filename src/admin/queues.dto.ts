import { z } from 'zod';
import { LANES, PROVIDER_NAMES } from '../lib/names.js';

const timestamp = z.iso.datetime();
const count = z.number().int();

export const queuesSchema = z.object({
  lanes: z
    .array(
      z.object({
        queue: z.string(),
        lane: z.enum(LANES).nullable().describe('Null for queues that serve all lanes'),
        provider: z.enum(PROVIDER_NAMES).nullable(),
        counts: z.object({ waiting: count, active: count, delayed: count, failed: count, paused: count }),
        consumers: count.nullable().describe('Processes that take jobs from it; null where Redis does not tell'),
        jobs: z
          .array(
            z.object({
              id: z.string(),
              state: z.enum(['active', 'waiting', 'delayed', 'failed']),
              batches: count.nullable(),
              notificationIds: z.array(z.string()).describe('The first ten'),
              addedAt: timestamp,
              startedAt: timestamp.nullable(),
            }),
          )
          .describe('The newest 50'),
      }),
    )
    .describe("Bull's queues, which are a few seconds deep: what is due is in Postgres, see `/v1/system`"),
  workers: z
    .array(z.object({ worker: z.string(), lastAttemptAt: timestamp, attempts: count }))
    .describe('Those that made provider calls in the last 15 minutes'),
  processes: count.nullable().describe('Worker processes that are connected to the queues'),
});
