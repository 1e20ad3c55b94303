import { z } from 'zod';
import { channelSchema } from './channel.js';
import { MAX_CHANNELS } from './position.js';
import { acknowledgementBody, cursorSchema, publishBody } from './realtime.dto.js';
import { MAX_TOKEN_CHARACTERS } from './token-codec.js';

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
export const clientMessageSchema = publishBody.extend({ channel: channelSchema });
export const acknowledgeSchema = acknowledgementBody;
