import { z } from 'zod';
import { LANES, PROVIDER_NAMES } from '../lib/names.js';

const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const timestamp = z.iso.datetime();
const count = z.number().int();
const provider = z.enum(PROVIDER_NAMES);

export const statsParams = z.strictObject({ id: z.uuid().toLowerCase() });
export const statsQuery = z.strictObject({
  from: time.optional().describe('Default: a day before `to`'),
  to: time.optional().describe('Default: now'),
  bucketSeconds: z.coerce
    .number()
    .int()
    .min(60)
    .max(31 * 86_400)
    .multipleOf(60)
    .optional()
    .describe('Default: by the length of the span'),
});

const outcomes = z.record(z.string(), count);
const summary = {
  attempts: count,
  outcomes,
  providers: z.record(z.string(), z.object({ attempts: count, outcomes })),
  codes: z.array(z.object({ provider, outcome: z.string(), code: z.string(), attempts: count })),
  latencyMs: z
    .object({ mean: z.number(), p50: z.number(), p90: z.number(), p95: z.number(), p99: z.number() })
    .nullable()
    .describe('Percentiles are interpolated within buckets of up to 10 s'),
};

export const statsSchema = z.object({
  from: timestamp,
  to: timestamp,
  bucketSeconds: count,
  totals: z.object(summary),
  buckets: z.array(z.object({ at: timestamp, ...summary })),
});

const depth = {
  due: count.describe('Deliveries that could be sent now'),
  sending: count,
  waiting: count.describe('Deliveries that wait for their retry'),
  paused: count,
  oldestDueSeconds: z.number().nullable(),
};

export const systemSchema = z.object({
  at: timestamp,
  lanes: z.array(z.object({ lane: z.enum(LANES), ...depth, providers: z.array(z.object({ provider, ...depth })) })),
  unplannedNotifications: count,
  gates: z.array(
    z.object({
      applicationId: z.uuid(),
      provider,
      scope: z.string(),
      state: z.enum(['half_open', 'closed']),
      kind: z.enum(['throttled', 'breaker', 'credential']),
      reason: z.string(),
      closedUntil: timestamp,
      changedAt: timestamp,
    }),
  ),
  massGuards: z.array(z.object({ applicationId: z.uuid(), provider, trippedAt: timestamp, restored: count })),
  workers: z
    .array(z.object({ worker: z.string(), lastAttemptAt: timestamp, attempts: count }))
    .describe('Those that made provider calls in the last 15 minutes'),
  partitions: z.array(
    z.object({ table: z.string(), name: z.string(), day: z.string().nullable(), bytes: count, rows: count }),
  ),
});
