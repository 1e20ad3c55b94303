import { z } from 'zod';
import { MAX_CHANNELS } from './position.js';

const NAME = /^[A-Za-z0-9_.:@-]{1,128}$/;
const INBOX_PREFIX = 'user:';
const TOPIC_PREFIX = 'topic:';
/** Channels of our own: nobody is granted them but by name and by us, and nobody else publishes there. */
const RESERVED_PREFIX = 'carillon:';
/** Where an application's overview is published while somebody watches. */
export const OVERVIEW_CHANNEL = `${RESERVED_PREFIX}overview`;
/** Where notifications to everybody go. */
const EVERYBODY = 'broadcast:all';
const MAX_USER_ID_CHARACTERS = 123;
/** User ids that an inbox can be named after. Postgres reads the pattern alike. */
export const INBOX_USER_ID = /^[A-Za-z0-9_.:@-]{1,123}$/;
/** Channels or prefixes that one token may name. */
export const MAX_GRANTS = 100;
/** Characters of them all: a token has to fit into a request's headers, and a ticket into its line. */
export const MAX_GRANTS_CHARACTERS = 4_000;

/** Event names that mean something else on a stream: what we say ourselves, and what an `EventSource` fires of its own. */
const RESERVED_EVENTS = new Set(['gap', 'expiring', 'closed', 'reconnect', 'joined', 'left', 'open', 'error']);

/** Bytes of a message's `data` as JSON. */
export const MAX_DATA_BYTES = 65_536;

/** A channel of one application. */
export interface ChannelRef {
  applicationId: string;
  name: string;
}

export const channelSchema = z.string().regex(NAME, 'must be 1 to 128 characters out of A-Z a-z 0-9 _ . : @ -');

/** As part of `user:<id>`, so it has the characters of a channel's name. */
export const realtimeUserIdSchema = z
  .string()
  .regex(INBOX_USER_ID, `must be 1 to ${MAX_USER_ID_CHARACTERS} characters out of A-Z a-z 0-9 _ . : @ -`);

/** A channel that callers may publish to. */
export const openChannelSchema = channelSchema.refine((name) => !isReserved(name), 'is a channel of Carillon itself');

/** An exact name, or a prefix followed by `*`. */
export const grantSchema = z
  .string()
  .regex(/^(?:[A-Za-z0-9_.:@-]{1,128}|[A-Za-z0-9_.:@-]{0,127}\*)$/, 'must be the name of a channel, or a prefix and *')
  .refine((grant) => !isReserved(grant), 'is a channel of Carillon itself');

export const grantsSchema = z
  .array(grantSchema)
  .max(MAX_GRANTS)
  .refine(
    (grants) => grants.join('').length <= MAX_GRANTS_CHARACTERS,
    `hold ${MAX_GRANTS_CHARACTERS} characters at most`,
  );

/** `a,b`: names without repetition, at most {@link MAX_CHANNELS}. */
export const channelListSchema = z
  .string()
  .max(MAX_CHANNELS * 129)
  .transform((text) => [...new Set(text.split(','))])
  .pipe(z.array(channelSchema).min(1).max(MAX_CHANNELS));

export const eventSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.:@-]{1,64}$/, 'must be 1 to 64 characters out of A-Z a-z 0-9 _ . : @ -')
  .refine((event) => !RESERVED_EVENTS.has(event), 'is a name that streams use themselves');

/** True for channels that we alone publish to. */
export function isReserved(channel: string): boolean {
  return channel.startsWith(RESERVED_PREFIX);
}

/** The channel that reaches one user wherever they are; its messages wait in Postgres. */
export function inboxOf(userId: string): string {
  return INBOX_PREFIX + userId;
}

/** The user whose inbox a channel is; undefined for an ordinary channel. */
export function userOfInbox(channel: string): string | undefined {
  return channel.startsWith(INBOX_PREFIX) ? channel.slice(INBOX_PREFIX.length) : undefined;
}

/** The channels of a notification to topics, or to everybody; topics that no channel can be named after have none. */
export function broadcastChannels(kind: 'topics' | 'all', topics: readonly string[]): string[] {
  if (kind === 'all') return [EVERYBODY];
  return topics.map((topic) => TOPIC_PREFIX + topic).filter((name) => NAME.test(name));
}

/**
 * True when a user may follow a channel. Their own inbox always; somebody else's never, whatever the grants say: a prefix
 * such as `u*` must not open them. Nor does a prefix open a reserved channel.
 */
export function mayFollow(grants: readonly string[], userId: string, channel: string): boolean {
  if (channel.startsWith(INBOX_PREFIX)) return channel === inboxOf(userId);
  if (isReserved(channel)) return grants.includes(channel);
  return isNamedBy(grants, channel);
}

/** True when a user may publish to a channel; to an inbox nobody but the backend may. */
export function mayPublish(grants: readonly string[], channel: string): boolean {
  return !channel.startsWith(INBOX_PREFIX) && !isReserved(channel) && isNamedBy(grants, channel);
}

/** True when a user who follows a channel is present in it; in an inbox nobody is, whatever the grants say. */
export function isPresentIn(presence: readonly string[], channel: string): boolean {
  return !channel.startsWith(INBOX_PREFIX) && !isReserved(channel) && isNamedBy(presence, channel);
}

function isNamedBy(grants: readonly string[], channel: string): boolean {
  return grants.some((grant) => (grant.endsWith('*') ? channel.startsWith(grant.slice(0, -1)) : grant === channel));
}
