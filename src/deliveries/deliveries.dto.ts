import { z } from 'zod';
import { pageQuery } from '../http/pagination.js';
import { PROVIDER_NAMES } from '../lib/names.js';
import { DELIVERY_STATUSES, RECEIPT_TYPES } from './delivery.js';
import { SEVERITIES } from './explanation.js';

const id = z.uuid().toLowerCase();
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const status = z.enum(DELIVERY_STATUSES);
const provider = z.enum(PROVIDER_NAMES);
const code = z.string().min(1).max(200);

export const idParams = z.strictObject({ id });

export const notificationDeliveriesQuery = z.strictObject({
  ...pageQuery,
  status: status.optional(),
  provider: provider.optional(),
  code: code.optional().describe('Of the latest attempt, among the deliveries that were not accepted'),
});

export const deviceDeliveriesQuery = z.strictObject({ ...pageQuery });

export const searchQuery = z.strictObject({
  ...pageQuery,
  status: status.default('failed').describe('`accepted` needs `userId`'),
  provider: provider.optional(),
  code: code.optional(),
  userId: z.string().min(1).max(256).optional().describe('Of the devices that are this user’s today'),
  from: time.optional().describe('By the time of the latest attempt; default: 24 hours ago'),
  to: time.optional().describe('Default: now'),
});

/** Where a list by device continues: the internal device id. */
export const deviceCursor = z.tuple([z.number().int()]);
/** Where a list by time continues: the time with microseconds, notification, internal device id. */
export const timeCursor = z.tuple([
  // Postgres knows no year 0.
  z.iso.datetime({ precision: 6 }).refine((time) => !time.startsWith('0000')),
  z.guid(),
  z.number().int(),
]);

/** Of every operation that explains. */
export const languageHeaders = z.strictObject({
  'accept-language': z.string().max(1_024).optional().describe('Language of explanations: `en` (default) or `ko`'),
});

export const explanationSchema = z.object({
  severity: z
    .enum(SEVERITIES)
    .describe('`problem`: it did not arrive, or cannot unless somebody acts; `info`: an end that nobody needs to mend'),
  title: z.string().describe('One sentence: what happened, and why'),
  meaning: z.string().describe('What the code means, in plain words'),
  action: z.string().describe('What Carillon did about it, and why'),
  nextSteps: z.array(z.string()).describe('What somebody can do; empty when nothing needs doing'),
});

const receiptSchema = z.object({ type: z.enum(RECEIPT_TYPES), at: z.iso.datetime() });

export const deliverySchema = z.object({
  notificationId: z.uuid(),
  deviceId: z.uuid().nullable().describe('Null when the device has been deleted since'),
  userId: z.string().nullable(),
  provider,
  status,
  attempts: z.array(
    z.object({
      number: z.number().int().describe('Provider calls counted from 1; 0: the delivery ended without one'),
      at: z.iso.datetime(),
      outcome: z.string().nullable().describe('Null when there was no call'),
      code: z
        .string()
        .describe(
          'The provider’s own word or HTTP status, or ours; `acknowledged_live`: the user saw it on an open screen first',
        ),
      providerMessageId: z.string().nullable(),
      latencyMs: z.number().int().nullable(),
      detail: z.string().nullable(),
      explanation: explanationSchema.pick({ meaning: true, action: true }),
    }),
  ),
  nextAttemptAt: z.iso.datetime().nullable(),
  receipts: z.array(receiptSchema),
  explanation: explanationSchema,
});

export const receiptBody = z.strictObject({
  deviceId: id,
  notificationId: id,
  type: z.enum(RECEIPT_TYPES),
  at: time.optional().describe('Default, and at the latest: now'),
});

export const recordedReceiptSchema = receiptSchema.extend({ deviceId: z.uuid(), notificationId: z.uuid() });
