import { z } from 'zod';
import { unstorableParts } from '../http/storable.js';
import { invalidRequest, problemsOf } from '../http/validation.js';
import type { Problem } from '../lib/errors.js';
import { channelSchema } from './channel.js';
import { MAX_CHANNELS } from './position.js';
import { acknowledgementBody, cursorSchema, publishBody } from './realtime.dto.js';
import { MAX_TOKEN_CHARACTERS } from './token-codec.js';

/** Fields that are named when there are more with binary data. */
const MAX_PROBLEMS = 20;

const channels = z
  .array(channelSchema)
  .min(1)
  .max(MAX_CHANNELS)
  .transform((names) => [...new Set(names)]);
const token = z.string().min(1).max(MAX_TOKEN_CHARACTERS);

/** The client's `auth` option. */
export const handshakeSchema = z.strictObject({ token, after: cursorSchema.optional() });

export const subscribeSchema = z.strictObject({ channels, after: cursorSchema.optional() });
export const unsubscribeSchema = z.strictObject({ channels });
export const resumeSchema = z.strictObject({ channels, after: cursorSchema });
export const authenticateSchema = z.strictObject({ token });
export const presenceSchema = z.strictObject({ channel: channelSchema });
export const clientMessageSchema = publishBody.extend({ channel: channelSchema });
export const acknowledgeSchema = acknowledgementBody;

/**
 * What a schema makes of what a client sent.
 *
 * @throws DomainError `invalid_request` with everything that is wrong, each by its path
 */
export function parsePayload<Schema extends z.ZodType>(schema: Schema, payload: unknown): z.infer<Schema> {
  const refused = binaryParts(payload);
  if (refused.length === 0) refused.push(...unstorableParts(payload));
  if (refused.length > 0) throw invalidRequest(refused);
  const parsed = schema.safeParse(payload);
  if (!parsed.success) throw invalidRequest(problemsOf(parsed.error.issues));
  return parsed.data;
}

/** Where a payload has what Socket.IO sends beside the JSON; a log holds JSON alone. */
function binaryParts(payload: unknown): Problem[] {
  const problems: Problem[] = [];
  const pending = [{ value: payload, path: '' }];
  for (let next = pending.pop(); next && problems.length < MAX_PROBLEMS; next = pending.pop()) {
    const { value, path } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      problems.push({ path, message: 'is binary data: only JSON is taken' });
      continue;
    }
    for (const [key, child] of Object.entries(value))
      pending.push({ value: child, path: path ? `${path}.${key}` : key });
  }
  return problems;
}
