import { z } from 'zod';
import { deviceSchema } from '../devices/devices.dto.js';
import { PROVIDER_NAMES } from '../lib/names.js';
import { NOTIFICATION_STATES } from '../notifications/notification.js';
import { contentSchema, previewRequestSchema } from '../notifications/notifications.dto.js';
import { deliverySchema, explanationSchema } from './deliveries.dto.js';

const id = z.uuid().toLowerCase();
const WEEK_SECONDS = 604_800;

export const deliveryParams = z.strictObject({ id, deviceId: z.guid().toLowerCase() });

export const deliveryDetailsSchema = deliverySchema.extend({
  request: previewRequestSchema
    .extend({ recompiled: z.literal(true) })
    .nullable()
    .describe(
      'Compiled again from the stored content, without token and secrets; null when there is no credential for it any more',
    ),
  notification: z.object({
    status: z.enum(NOTIFICATION_STATES),
    content: contentSchema,
    createdAt: z.iso.datetime(),
    sendAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
  }),
  device: deviceSchema,
});

export const whyQuery = z
  .strictObject({
    userId: z.string().min(1).max(256).optional().describe('All devices that are this user’s today'),
    deviceId: z.guid().toLowerCase().optional(),
    at: z.iso
      .datetime({ offset: true })
      .transform((text) => new Date(text))
      .optional()
      .describe('When it should have rung; default: until now'),
    windowSeconds: z.coerce
      .number()
      .int()
      .min(1)
      .max(WEEK_SECONDS)
      .optional()
      .describe('How long before `at`, and after it; default 3,600, and without `at` 86,400'),
  })
  .refine(({ userId, deviceId }) => (userId === undefined) !== (deviceId === undefined), {
    path: ['userId'],
    message: 'give exactly one of userId and deviceId',
  });

export const whySchema = z.object({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  items: z.array(deliverySchema).describe('In any status, those that were never attempted included; newest first'),
  devices: z
    .array(deviceSchema.extend({ explanation: explanationSchema }))
    .describe('All that were looked at; one that is not active is left out of audiences'),
  isTruncated: z.boolean().describe('There is more: ask for a shorter window, or for one device'),
});

export const failuresSchema = z.object({
  items: z
    .array(
      z.object({
        provider: z.enum(PROVIDER_NAMES),
        code: z.string().describe("The provider's own word, or ours"),
        status: z.enum(['failed', 'expired', 'cancelled', 'suppressed', 'unknown']),
        deliveries: z.int().min(0),
        explanation: z.object({ title: z.string(), meaning: z.string(), nextSteps: z.array(z.string()) }),
      }),
    )
    .describe('Most frequent first'),
});
