import { z } from 'zod';
import { LANES, PROVIDER_NAMES } from '../lib/names.js';

const timestamp = z.iso.datetime();
const count = z.number().int();
const perSecond = z.number().describe('Provider calls per second');
const provider = z.enum(PROVIDER_NAMES);
const latencyMs = z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable();

export const overviewParams = z.strictObject({ id: z.uuid().toLowerCase() });

export const overviewSchema = z.object({
  at: timestamp,
  minutes: z
    .array(
      z.object({
        at: timestamp,
        attempts: count,
        accepted: count,
        failed: count.describe('Answers that end a delivery as failed'),
        retried: count.describe('Answers after which a delivery is tried again, as a rule'),
        p95Ms: z.number().nullable(),
      }),
    )
    .describe('The last 60, those without calls included'),
  perSecond,
  successRate: z.number().nullable().describe('Accepted among the calls that ended a delivery, over these minutes'),
  latencyMs: latencyMs.describe('Over these minutes; null without calls'),
  providers: z.array(z.object({ provider, attempts: count, accepted: count, failed: count, perSecond, latencyMs })),
  lanes: z.array(
    z.object({
      lane: z.enum(LANES),
      due: count.describe('Deliveries that could be sent now'),
      sending: count,
      waiting: count.describe('Deliveries that wait for their retry'),
      paused: count,
      oldestDueSeconds: z.number().nullable(),
      perSecond,
    }),
  ),
  gates: z.array(
    z.object({
      provider,
      scope: z.string(),
      state: z.enum(['half_open', 'closed']),
      kind: z.enum(['throttled', 'breaker', 'credential']),
      reason: z.string(),
      closedUntil: timestamp,
      changedAt: timestamp,
      since: timestamp.describe('When it closed; probes since then have not opened it'),
      advice: z.string(),
    }),
  ),
  credentials: z.array(
    z.object({
      provider,
      state: z.enum(['ok', 'broken']),
      reason: z.string().nullable(),
      advice: z.string().nullable(),
      expiresAt: timestamp.nullable().describe('Of certificates; keys do not expire'),
    }),
  ),
  failures: z
    .array(
      z.object({
        provider,
        code: z.string(),
        outcome: z.string(),
        attempts: count,
        lastAt: timestamp.describe('To the minute'),
        advice: z.string(),
      }),
    )
    .describe('The most frequent answers that were no acceptance, over these minutes'),
  webhooks: z.array(z.object({ id: z.uuid(), url: z.string(), failingSince: timestamp })).describe('Those that fail'),
});
export type Overview = z.infer<typeof overviewSchema>;

export const overviewStreamSchema = z.object({
  token: z.string().describe('A realtime token for this channel alone'),
  channel: z.string(),
  expiresAt: timestamp,
});
