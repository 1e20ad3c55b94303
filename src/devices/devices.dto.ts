import { z } from 'zod';
import { pageQuery } from '../http/pagination.js';
import { unstorableParts } from '../http/storable.js';
import { PROVIDER_NAMES } from '../lib/names.js';
import {
  appVersionSchema,
  DEVICE_EVENTS,
  DEVICE_STATUSES,
  fingerprintPrefixSchema,
  localeSchema,
  tagsSchema,
  timeZoneSchema,
  topicSchema,
  topicsSchema,
  userIdSchema,
} from './device.js';

/** Characters. Above any real VAPID key (87) and user token (about 300), far below what would be worth sending. */
const MAX_KEY_CHARACTERS = 256;
const MAX_USER_TOKEN_CHARACTERS = 8_192;

const token = z
  .union([z.string().min(1), z.record(z.string(), z.unknown())])
  .describe(
    'FCM and APNs: a string. Web Push: `{ "endpoint", "keys": { "p256dh", "auth" } }`, as the browser gives it',
  );

const address = {
  environment: z.enum(['production', 'sandbox']).optional().describe("APNs only; default: the credential's"),
  vapidPublicKey: z
    .string()
    .min(1)
    .max(MAX_KEY_CHARACTERS)
    .optional()
    .describe('Web Push only; default: the current key'),
};

const profile = {
  userId: userIdSchema.nullable().optional().describe("The application's own name for the person; null: nobody's"),
  topics: topicsSchema.optional(),
  tags: tagsSchema.optional(),
  locale: localeSchema.nullable().optional(),
  timeZone: timeZoneSchema.nullable().optional(),
  appVersion: appVersionSchema.nullable().optional(),
};

const userToken = z
  .string()
  .max(MAX_USER_TOKEN_CHARACTERS)
  .optional()
  .describe(
    'ES256 JWT of the application, `sub` = user id, `exp` at most an hour ahead; with it a client key may set the user',
  );

/** One line of `POST /v1/devices/bulk`. */
export const bulkLineSchema = z
  .strictObject({ provider: z.enum(PROVIDER_NAMES), token, ...address, ...profile })
  .superRefine(refineAddress);

export const registerBody = z
  .strictObject({ provider: z.enum(PROVIDER_NAMES), token, ...address, ...profile, userToken })
  .superRefine(refineAddress);

export const updateBody = z
  .strictObject({ token: token.optional(), ...address, ...profile, userToken })
  .superRefine((given, context) => {
    if (given.token !== undefined) return;
    for (const field of ['environment', 'vapidPublicKey'] as const) {
      if (given[field] !== undefined) {
        context.addIssue({ code: 'custom', path: [field], message: 'belongs to a token: send both' });
      }
    }
  });

export const deviceParams = z.strictObject({ id: z.guid().toLowerCase() });
export const userParams = z.strictObject({ userId: userIdSchema });
export const deviceSecretHeaders = z.strictObject({ 'x-device-secret': z.string().max(MAX_KEY_CHARACTERS).optional() });

export const listDevicesQuery = z.strictObject({
  ...pageQuery,
  userId: userIdSchema.optional(),
  topic: topicSchema.optional(),
  provider: z.enum(PROVIDER_NAMES).optional(),
  status: z.enum(DEVICE_STATUSES).optional(),
  tokenFingerprint: fingerprintPrefixSchema.optional().describe('Its first 8 hex digits or more'),
});

export const listUsersQuery = z.strictObject({
  ...pageQuery,
  prefix: userIdSchema.optional().describe('What the user ids begin with, as they are written'),
});

export const historyQuery = z.strictObject({ ...pageQuery });

/** Where a history continues: the id of its last entry. */
export const historyCursor = z.tuple([z.int().nonnegative()]);

export const historyEntrySchema = z.object({
  at: z.iso.datetime(),
  event: z.enum(DEVICE_EVENTS),
  detail: z
    .string()
    .nullable()
    .describe(
      '`invalidated`, `refused`: the provider’s word; `revived`: what it was taken out for; `token_changed`: the fingerprint of the token before, or `keys` where only the keys of a Web Push subscription changed; `user_changed`: `set`, `changed` or `cleared`; `deleted`: `requested`, or `replaced` by another device with the same token',
    ),
});

/** Where a list of users continues: the last user id. */
export const userCursor = z.tuple([userIdSchema.refine((id) => unstorableParts(id).length === 0)]);

export const userSchema = z.object({
  userId: z.string(),
  devices: z.int(),
  activeDevices: z.int(),
  lastRegisteredAt: z.iso.datetime(),
});

export const deviceSchema = z.object({
  id: z.uuid(),
  provider: z.enum(PROVIDER_NAMES),
  status: z.enum(DEVICE_STATUSES),
  tokenFingerprint: z
    .string()
    .describe('SHA-256, hex, of what tells its token apart: the token, or for Web Push the endpoint'),
  environment: z.enum(['production', 'sandbox']).nullable(),
  vapidPublicKey: z.string().nullable(),
  userId: z.string().nullable(),
  topics: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
  locale: z.string().nullable(),
  timeZone: z.string().nullable(),
  appVersion: z.string().nullable(),
  registeredAt: z.iso.datetime(),
  invalidAt: z.iso.datetime().nullable(),
  invalidReason: z.string().nullable().describe("The provider's own word"),
});

export const registeredDeviceSchema = deviceSchema.extend({
  deviceSecret: z
    .string()
    .optional()
    .describe('Only when it is new; keep it on the device and send it as x-device-secret'),
});

/** `environment` and `vapidPublicKey` mean nothing to other providers; taking them silently would hide a mistake. */
function refineAddress(
  given: { provider: string; environment?: unknown; vapidPublicKey?: unknown },
  context: z.core.$RefinementCtx,
): void {
  if (given.environment !== undefined && given.provider !== 'apns') {
    context.addIssue({ code: 'custom', path: ['environment'], message: 'is for provider "apns" only' });
  }
  if (given.vapidPublicKey !== undefined && given.provider !== 'webpush') {
    context.addIssue({ code: 'custom', path: ['vapidPublicKey'], message: 'is for provider "webpush" only' });
  }
}
