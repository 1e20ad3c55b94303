import { z } from 'zod';
import {
  channelListSchema,
  channelSchema,
  eventSchema,
  grantsSchema,
  MAX_DATA_BYTES,
  MAX_GRANTS_CHARACTERS,
  openChannelSchema,
  realtimeUserIdSchema,
} from './channel.js';
import { CURSOR_OF_BEGINNING, MAX_CURSOR_CHARACTERS, parseCursor } from './position.js';
import { MAX_TOKEN_CHARACTERS, MAX_TOKEN_SECONDS } from './token-codec.js';

/** Seconds that a poll may be held. Proxies give up on silent requests after 60. */
const MAX_WAIT_SECONDS = 30;
const DEFAULT_WAIT_SECONDS = 25;
const DEFAULT_TOKEN_SECONDS = 3_600;

/** Notifications that one request acknowledges. */
const MAX_ACKNOWLEDGEMENTS = 100;

const tokenText = z.string().min(1).max(MAX_TOKEN_CHARACTERS);

export const cursorSchema = z
  .string()
  .max(MAX_CURSOR_CHARACTERS)
  .transform((text, context) => {
    const cursor = parseCursor(text);
    if (cursor !== undefined) return cursor;
    context.addIssue({ code: 'custom', message: 'is not a cursor' });
    return z.NEVER;
  });

const ordinaryGrants = grantsSchema
  .refine((grants) => grants.every((grant) => !grant.startsWith('user:')), 'cannot name inboxes: a user has their own')
  .default([]);

export const issueTokenBody = z
  .strictObject({
    userId: realtimeUserIdSchema,
    channels: ordinaryGrants.describe(
      "Exact names, or prefixes followed by `*`. The user's own inbox `user:<id>` is always allowed",
    ),
    publish: ordinaryGrants.describe('Channels that the user may also publish to, over Socket.IO; in the same form'),
    presence: ordinaryGrants.describe('Channels in which the user is present while following them; in the same form'),
    ttlSeconds: z.number().int().min(1).max(MAX_TOKEN_SECONDS).default(DEFAULT_TOKEN_SECONDS),
  })
  .refine(({ channels, publish }) => [...channels, ...publish].join('').length <= MAX_GRANTS_CHARACTERS, {
    path: ['publish'],
    message: `holds, with channels, ${MAX_GRANTS_CHARACTERS} characters at most`,
  })
  .refine((body) => [...body.channels, ...body.publish, ...body.presence].join('').length <= MAX_GRANTS_CHARACTERS, {
    path: ['presence'],
    message: `holds, with channels and publish, ${MAX_GRANTS_CHARACTERS} characters at most`,
  });

export const revokeTokensBody = z
  .strictObject({
    userId: realtimeUserIdSchema.optional().describe('Everything that was issued to this user so far'),
    token: tokenText.optional().describe('A token, or a ticket of it'),
    jti: z.guid().toLowerCase().optional().describe("A token's `jti`"),
  })
  .refine((given) => Object.keys(given).length === 1, 'exactly one of userId, token and jti is needed');

const notificationId = z.guid('must be a UUID').toLowerCase();

export const acknowledgementBody = z
  .strictObject({
    notificationId: notificationId.optional(),
    notificationIds: z.array(notificationId).min(1).max(MAX_ACKNOWLEDGEMENTS).optional(),
  })
  .refine((given) => Object.keys(given).length === 1, 'exactly one of notificationId and notificationIds is needed')
  .transform((given): readonly string[] => [
    ...new Set(given.notificationIds ?? (given.notificationId === undefined ? [] : [given.notificationId])),
  ]);

export const channelParams = z.strictObject({ channel: channelSchema });
export const publishParams = z.strictObject({ channel: openChannelSchema });

export const publishBody = z.strictObject({
  event: eventSchema,
  data: z
    .unknown()
    .superRefine((data, context) => {
      if (data === undefined) context.addIssue({ code: 'custom', message: 'is needed; it may be null' });
      else if (Buffer.byteLength(JSON.stringify(data)) > MAX_DATA_BYTES)
        context.addIssue({ code: 'custom', message: `is larger than ${MAX_DATA_BYTES} bytes` });
    })
    .describe(`Any JSON, at most ${MAX_DATA_BYTES} bytes`),
});

export const eventsQuery = z.strictObject({
  channels: channelListSchema.describe('Names, separated by commas'),
  ticket: tokenText.optional().describe('For an EventSource, which has no headers'),
  after: cursorSchema
    .optional()
    .describe(
      `Where to go on; \`${CURSOR_OF_BEGINNING}\`: with whatever is kept. Default: with what comes from now on`,
    ),
});

export const eventsHeaders = z.strictObject({
  'last-event-id': cursorSchema.optional().describe('Where to go on; goes before `after`'),
});

export const pollQuery = z.strictObject({
  channels: eventsQuery.shape.channels,
  after: eventsQuery.shape.after,
  waitSeconds: z.coerce.number().min(0).max(MAX_WAIT_SECONDS).default(DEFAULT_WAIT_SECONDS),
});

export const issuedTokenSchema = z.object({
  token: z.string().describe('For the client, as `Authorization: Bearer`'),
  jti: z.uuid().describe('To revoke it by'),
  expiresAt: z.iso.datetime(),
});

export const issuedTicketSchema = z.object({
  ticket: z.string().describe('For `?ticket=`, as often as needed until it expires'),
  expiresAt: z.iso.datetime(),
});

export const publishedSchema = z.object({ id: z.string().describe('`<epoch>-<seq>`') });

export const polledSchema = z.object({
  messages: z.array(
    z.object({
      id: z.string(),
      channel: z.string(),
      event: z.string().describe('`gap`: what lies between `data.from` and `data.to` cannot be replayed any more'),
      data: z.unknown(),
      at: z.iso.datetime(),
    }),
  ),
  cursor: z.string().describe('For `after` of the next poll, or of a stream'),
});

export const acknowledgedSchema = z.object({
  suppressed: z.boolean().describe('All of them are suppressed'),
  items: z.array(
    z.object({
      notificationId: z.uuid(),
      acknowledged: z.boolean().describe('False: there is no such notification for this user'),
      suppressed: z
        .boolean()
        .describe('With `realtime: first`: no push of it went or will go to this user. Else a push may have gone'),
    }),
  ),
});
