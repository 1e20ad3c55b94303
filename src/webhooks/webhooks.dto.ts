import { z } from 'zod';
import { EVENT_TYPES } from '../events/event.js';
import { pageQuery } from '../http/pagination.js';
import { DISABLED_REASONS, TEST_EVENT } from './webhook.js';

const id = z.uuid().toLowerCase();
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const url = z.string().min(1).describe('https, at a public address; redirects are not followed');
const events = z
  .array(z.enum(EVENT_TYPES))
  .min(1)
  .max(100)
  .transform((given) => EVENT_TYPES.filter((type) => given.includes(type)))
  .describe('The types of event that are sent');

export const webhookParams = z.strictObject({ id });
export const listWebhooksQuery = z.strictObject({ ...pageQuery });
export const attemptsQuery = z.strictObject({ ...pageQuery });

export const createWebhookBody = z.strictObject({ url, events });
export const updateWebhookBody = z.strictObject({
  url: url.optional(),
  events: events.optional(),
  enabled: z.boolean().optional().describe('True: sends again, beginning with what was held while it was disabled'),
});

export const replayBody = z.union([
  z.strictObject({ eventId: id.describe('`webhook-id` of the call') }),
  z
    .strictObject({ from: time.describe('By the time of the events'), to: time.describe('Exclusive') })
    .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be after from' }),
]);

export const webhookSchema = z.object({
  id: z.uuid(),
  url: z.string(),
  events: z.array(z.enum(EVENT_TYPES)),
  enabled: z.boolean(),
  disabledReason: z
    .enum(DISABLED_REASONS)
    .nullable()
    .describe('`requested` by PATCH, `gone`: the receiver answered 410, `failing`: only failures for five days'),
  disabledAt: z.iso.datetime().nullable(),
  failingSince: z.iso.datetime().nullable().describe('The first failure since the last success'),
  previousSecretUntil: z.iso
    .datetime()
    .nullable()
    .describe('Until then the secret before the last rotation signs, too'),
  createdAt: z.iso.datetime(),
});
export const webhookWithSecretSchema = webhookSchema.extend({
  secret: z.string().describe('`whsec_…`, this once: what the receiver verifies signatures with'),
});

export const attemptSchema = z.object({
  eventId: z.uuid().describe('`webhook-id` of the call'),
  type: z.enum([...EVENT_TYPES, TEST_EVENT]),
  number: z.number().int().describe('Counted from 1 for each event, replays included'),
  at: z.iso.datetime(),
  succeeded: z.boolean(),
  status: z.number().int().nullable().describe('Null when there was no answer'),
  error: z.string().nullable().describe('Such as `http_500`, `redirect`, `timeout`, `dns`, `address_refused`'),
  latencyMs: z.number().int(),
  nextAttemptAt: z.iso.datetime().nullable(),
});

export const replayedSchema = z.object({ replayed: z.number().int().describe('Events that are sent again') });
export const testedSchema = z.object({ eventId: z.uuid() });
