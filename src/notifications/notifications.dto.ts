import { z } from 'zod';
import { audienceSchema } from '../devices/audience.js';
import { pageQuery } from '../http/pagination.js';
import { LANES, PROVIDER_NAMES } from '../lib/names.js';
import { DEFAULT_REALTIME_WAIT_SECONDS, MAX_REALTIME_WAIT_SECONDS, REALTIME_MODES } from './live.js';
import { MAX_TTL_SECONDS, NOTIFICATION_STATES, SEMANTICS } from './notification.js';

/** Bytes. What APNs takes as collapse id; developer.apple.com "Sending notification requests to APNs", read 2026-11. */
const MAX_COLLAPSE_KEY_BYTES = 64;
const MAX_IDEMPOTENCY_KEY_CHARACTERS = 255;
const MAX_TITLE_CHARACTERS = 1_024;
/** Every provider stops near 4,096 bytes for everything together; its own check says by how many bytes it is too much. */
const MAX_TEXT_CHARACTERS = 4_096;
const MAX_URL_CHARACTERS = 2_048;
const MAX_SOUND_CHARACTERS = 64;
const MAX_BADGE = 99_999;
const MAX_DATA_KEYS = 100;
const MAX_DATA_KEY_CHARACTERS = 128;
const MAX_SEARCH_CHARACTERS = 100;

const text = (maxCharacters: number) =>
  z.string('must be a string').max(maxCharacters, `must be at most ${maxCharacters} characters`);
const time = z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time such as "2027-01-31T09:30:00Z"' });

function hasProtocol(value: string, isAllowed: (protocol: string) => boolean): boolean {
  return URL.canParse(value) && isAllowed(new URL(value).protocol);
}

const imageUrl = text(MAX_URL_CHARACTERS).refine(
  (value) => hasProtocol(value, (protocol) => protocol === 'https:' || protocol === 'http:'),
  'must be an absolute http or https URL',
);
// Apps open their own schemes; these three would run as code in a browser's notification handler.
const clickUrl = text(MAX_URL_CHARACTERS).refine(
  (value) => hasProtocol(value, (protocol) => !['javascript:', 'data:', 'vbscript:'].includes(protocol)),
  'must be an absolute URL, and not one that runs as code',
);

export const contentSchema = z
  .strictObject({
    title: text(MAX_TITLE_CHARACTERS).optional(),
    body: text(MAX_TEXT_CHARACTERS).optional(),
    imageUrl: imageUrl.optional(),
    clickUrl: clickUrl.optional(),
    badge: z
      .int('must be a whole number')
      .min(0, 'must be at least 0')
      .max(MAX_BADGE, `must be at most ${MAX_BADGE}`)
      .optional(),
    sound: text(MAX_SOUND_CHARACTERS).min(1, 'must not be empty').optional(),
    data: z
      .record(
        z
          .string()
          .min(1, 'a data key must not be empty')
          .max(MAX_DATA_KEY_CHARACTERS, `a data key must be at most ${MAX_DATA_KEY_CHARACTERS} characters`),
        text(MAX_TEXT_CHARACTERS),
      )
      .refine((data) => Object.keys(data).length <= MAX_DATA_KEYS, `must have at most ${MAX_DATA_KEYS} keys`)
      .optional(),
  })
  .refine(
    ({ title, body, data, badge }) =>
      title !== undefined || body !== undefined || badge !== undefined || data !== undefined,
    'must have at least one of title, body, badge and data',
  );

const collapseKey = z
  .string('must be a string')
  .min(1, 'must not be empty')
  .superRefine((value, context) => {
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_COLLAPSE_KEY_BYTES) {
      context.addIssue(`must be at most ${MAX_COLLAPSE_KEY_BYTES} bytes in UTF-8, and is ${bytes}`);
    }
  });

// No defaults here: the hash that recognises a repeated request must not change when a default does.
const optionsSchema = z.strictObject({
  ttlSeconds: z
    .int('must be a whole number')
    .min(0, 'must be at least 0')
    .max(MAX_TTL_SECONDS, `must be at most ${MAX_TTL_SECONDS} (28 days)`)
    .optional(),
  priority: z.enum(['high', 'normal'], 'must be "high" or "normal"').optional(),
  collapseKey: collapseKey.optional(),
  sendAt: time.optional(),
  lane: z.enum(LANES, `must be one of ${LANES.join(', ')}`).optional(),
  semantics: z.enum(SEMANTICS, `must be one of ${SEMANTICS.join(', ')}`).optional(),
  realtime: z
    .enum(REALTIME_MODES, `must be one of ${REALTIME_MODES.join(', ')}`)
    .optional()
    .describe(
      'Whether it goes to open screens: `also` (default for `userIds`, once the application has issued a realtime token), `first` (the push waits, and is left out where a user acknowledges; `userIds` only), `only` (no push), `never` (default otherwise)',
    ),
  realtimeWaitSeconds: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(MAX_REALTIME_WAIT_SECONDS, `must be at most ${MAX_REALTIME_WAIT_SECONDS}`)
    .optional()
    .describe(`With \`first\`: how long the push waits; default ${DEFAULT_REALTIME_WAIT_SECONDS}`),
  dryRun: z.boolean('must be true or false').optional(),
});

const override = z.record(z.string(), z.unknown()).optional();
const overridesSchema = z.strictObject({ fcm: override, apns: override, webpush: override });

/** `POST /v1/notifications`. */
export const notificationBody = z.strictObject({
  audience: audienceSchema,
  content: contentSchema,
  options: optionsSchema.optional(),
  overrides: overridesSchema.optional(),
});

/** `POST /v1/notifications/preview`: who is meant does not matter for what goes out. */
export const previewBody = notificationBody.extend({ audience: audienceSchema.optional() });

export const acceptHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1, 'must not be empty')
    .max(MAX_IDEMPOTENCY_KEY_CHARACTERS, `must be at most ${MAX_IDEMPOTENCY_KEY_CHARACTERS} characters`)
    .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII')
    .optional()
    .describe('Repeating a request with the same key within 72 hours answers the first response again'),
});

export const notificationParams = z.strictObject({ id: z.uuid('must be a UUID').toLowerCase() });

export const listQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(NOTIFICATION_STATES).optional(),
  lane: z.enum(LANES).optional(),
  from: time.optional().describe('Accepted at or after this time'),
  to: time.optional().describe('Accepted before this time'),
  text: z.string().min(1).max(MAX_SEARCH_CHARACTERS).optional().describe('In the title or the body, in any case'),
});

const count = z.int().min(0);
const deviceCounts = z.object({ fcm: count, apns: count, webpush: count });

/** The answer to an accepted notification, and what is kept for its idempotency key. */
export const acceptedSchema = z.object({
  id: z.uuid(),
  status: z.enum(NOTIFICATION_STATES),
  lane: z.enum(LANES),
  createdAt: z.string(),
  dryRun: z
    .object({
      devices: deviceCounts,
      providers: z
        .partialRecord(z.enum(PROVIDER_NAMES), z.object({ outcome: z.string(), code: z.string() }))
        .describe('What the providers said that can validate without sending'),
    })
    .optional()
    .describe('Only for a dry run: how many devices it would reach. Nothing is stored under its id.'),
});
export type Accepted = z.infer<typeof acceptedSchema>;

const sendCounts = {
  planned: count,
  pending: count,
  accepted: count,
  failed: count,
  expired: count,
  cancelled: count,
  suppressed: count,
  unknown: count,
  retried: count,
};
const receiptCounts = { delivered: count, displayed: count, opened: count, dismissed: count };

/** One entry of the list. Its counts are at most some seconds old. */
export const notificationSummarySchema = z.object({
  id: z.uuid(),
  status: z.enum(NOTIFICATION_STATES),
  lane: z.enum(LANES),
  audience: z.record(z.string(), z.unknown()),
  content: contentSchema,
  options: z.record(z.string(), z.unknown()),
  counts: z.object(sendCounts),
  progress: z.number().min(0).max(1),
  createdAt: z.string(),
  sendAt: z.string(),
  expiresAt: z.string(),
  firstAttemptAt: z.string().nullable(),
  completedAt: z.string().nullable(),
});
export type NotificationSummary = z.infer<typeof notificationSummarySchema>;

/** `GET /v1/notifications/:id`, counted at this moment. */
export const notificationViewSchema = notificationSummarySchema.extend({
  counts: z.object({
    ...sendCounts,
    ...receiptCounts,
    live: count.describe('Users who acknowledged it on an open screen'),
  }),
  overrides: z.partialRecord(z.enum(PROVIDER_NAMES), z.unknown()),
  blockedBy: z
    .array(
      z.object({
        provider: z.enum(PROVIDER_NAMES),
        reason: z.string(),
        until: z.string(),
        scope: z.string().optional().describe('The push service, when only one of several is held back'),
      }),
    )
    .describe('What holds back deliveries that are pending'),
});
export type NotificationView = z.infer<typeof notificationViewSchema>;

/** The exact request to a provider, without token and secrets. */
export const previewRequestSchema = z.object({
  method: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown(),
  payloadBytes: count,
});

/** For each provider that the application has a credential of, the exact request. */
export const previewSchema = z.object({
  fcm: previewRequestSchema.optional(),
  apns: previewRequestSchema.optional(),
  webpush: previewRequestSchema.optional(),
});
