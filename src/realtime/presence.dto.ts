import { z } from 'zod';
import { realtimeUserIdSchema } from './channel.js';
import type { UserPresence } from './online-users.js';
import type { Presentees } from './presence-log.js';

export const userPresenceParams = z.strictObject({ userId: realtimeUserIdSchema });

export const channelPresenceSchema = z.object({
  users: z
    .array(z.object({ userId: z.string(), since: z.iso.datetime() }))
    .describe('At most 1,000, those who came first'),
  count: z.number().int().describe('How many they are in all'),
});

export const userPresenceSchema = z.object({
  online: z.boolean().describe('They have a connection, or had one a few seconds ago'),
  connections: z.number().int().describe('Streams, sockets and held polls, on all nodes'),
  since: z.iso.datetime().nullable(),
});

export function toChannelPresence({ users, count }: Presentees): z.infer<typeof channelPresenceSchema> {
  return { users: users.map(({ userId, since }) => ({ userId, since: since.toISOString() })), count };
}

export function toUserPresence({ since, ...rest }: UserPresence): z.infer<typeof userPresenceSchema> {
  return { ...rest, since: since?.toISOString() ?? null };
}
