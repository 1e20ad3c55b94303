import { z } from 'zod';
import { audienceSchema, codesSchema } from '../devices/audience.js';

const count = z.int().min(0);

/** `POST /v1/notifications/:id/retry-failed`. */
export const retryFailedBody = z
  .strictObject({ codes: codesSchema.optional().describe('Only what failed with one of these codes') })
  .optional();

/** `POST /v1/notifications/audience`. */
export const audienceBody = z.strictObject({ audience: audienceSchema });

export const audienceSizeSchema = z.object({
  devices: z.object({ fcm: count, apns: count, webpush: count }),
  total: count,
  isEstimate: z.boolean().describe('True for large audiences: extrapolated from a sample'),
});

export const timelineSchema = z.object({
  items: z.array(
    z.object({
      at: z.iso.datetime(),
      kind: z.enum([
        'accepted',
        'scheduled',
        'planning',
        'planned',
        'first_attempt',
        'paused',
        'resumed',
        'cancelled',
        'provider_stopped',
        'gate_closed',
        'gate_opened',
        'expired',
        'completed',
      ]),
      by: z.string().optional().describe('The email of an account, or `key:<id>`'),
      detail: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    }),
  ),
});
