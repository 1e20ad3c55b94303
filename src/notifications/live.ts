/** How a notification reaches open screens: what the caller asked for, and what is owed to them. Pure. */
import type { Audience } from '../devices/audience.js';
import { DomainError } from '../lib/errors.js';
import type { NewNotification } from './notification.js';

export const REALTIME_MODES = ['also', 'first', 'only', 'never'] as const;
/** Beside the push, before it (and instead of it, where somebody acknowledges in time), instead of it, or not at all. */
export type RealtimeMode = (typeof REALTIME_MODES)[number];

/** Seconds for which a push waits for an acknowledgement. */
export const DEFAULT_REALTIME_WAIT_SECONDS = 5;
export const MAX_REALTIME_WAIT_SECONDS = 60;

/** The code of deliveries that were left out because their user acknowledged the notification on an open screen. */
export const ACKNOWLEDGED_LIVE = 'acknowledged_live';

/** Bytes of what one message of a channel may carry. */
const MAX_MESSAGE_BYTES = 65_536;

/** What a notification keeps of the caller's wish; nothing where it goes to no screen, so that campaigns are stored as ever. */
export interface LiveOptions {
  realtime?: Exclude<RealtimeMode, 'never'>;
  /** With `first`, always. */
  realtimeWaitSeconds?: number;
}

/** What a notification owes to open screens. */
export interface Notice {
  kind: 'users' | 'topics' | 'all';
  /** User ids or topics; those that no channel can be named after are left out when it is delivered. */
  names: readonly string[];
  /** JSON text. */
  message: string;
}

/**
 * Fills in the default and checks the rest.
 *
 * @param asked       `options.realtime` and `options.realtimeWaitSeconds`
 * @param lifeSeconds how long the push may take in all
 * @param hasScreens  whether the application has ever given somebody a realtime token: until then nobody can look
 * @throws DomainError `invalid_request`, naming the option
 */
export function liveOptionsOf(
  audience: Audience,
  asked: { realtime?: RealtimeMode | undefined; realtimeWaitSeconds?: number | undefined },
  lifeSeconds: number,
  hasScreens: boolean,
): LiveOptions {
  const mode = asked.realtime ?? (hasScreens && 'userIds' in audience ? 'also' : 'never');
  if (mode !== 'never' && ('deviceIds' in audience || 'tags' in audience || 'failedOf' in audience)) {
    throw refused(
      'realtime',
      'must be "never" for deviceIds, tags and failedOf: screens are found by userIds, topics or all',
    );
  }
  if (mode === 'first' && !('userIds' in audience)) throw refused('realtime', '"first" needs an audience of userIds');
  if (mode !== 'first') {
    if (asked.realtimeWaitSeconds !== undefined) throw refused('realtimeWaitSeconds', 'belongs to "realtime": "first"');
    return mode === 'never' ? {} : { realtime: mode };
  }
  const waitSeconds = asked.realtimeWaitSeconds ?? DEFAULT_REALTIME_WAIT_SECONDS;
  if (waitSeconds < lifeSeconds) return { realtime: 'first', realtimeWaitSeconds: waitSeconds };
  throw refused('realtimeWaitSeconds', `is ${waitSeconds}, and the push has only ${lifeSeconds} seconds`);
}

/** Milliseconds for which batches wait before they are due; undefined: they do not. */
export function pushDelayMs({ realtime, realtimeWaitSeconds }: LiveOptions): number | undefined {
  return realtime === 'first' ? (realtimeWaitSeconds ?? DEFAULT_REALTIME_WAIT_SECONDS) * 1_000 : undefined;
}

/** Undefined where a notification goes to no screen. */
export function noticeOf(
  notification: Pick<NewNotification, 'id' | 'audience' | 'content' | 'options' | 'expiresAt'>,
): Notice | undefined {
  const { audience, options } = notification;
  if (options.realtime === undefined) return undefined;
  const message = messageOf(notification);
  if ('userIds' in audience) return { kind: 'users', names: audience.userIds, message };
  if ('topics' in audience) return { kind: 'topics', names: audience.topics, message };
  return { kind: 'all', names: [], message };
}

/** What is wrong with a notification that no provider looks at. */
export function noticeProblem(notification: Parameters<typeof messageOf>[0]): string | undefined {
  const bytes = Buffer.byteLength(messageOf(notification));
  return bytes > MAX_MESSAGE_BYTES ? `${bytes} bytes for open screens, at most ${MAX_MESSAGE_BYTES}` : undefined;
}

/** The content as callers have it, with what tells the copy on the screen and the pushed one for the same. */
function messageOf({
  id,
  content,
  options,
  expiresAt,
}: Pick<NewNotification, 'id' | 'content' | 'options' | 'expiresAt'>): string {
  return JSON.stringify({
    notificationId: id,
    ...content,
    ...(options.collapseKey !== undefined && { tag: options.collapseKey }),
    expiresAt: expiresAt.toISOString(),
  });
}

function refused(option: string, message: string): DomainError {
  const path = `options.${option}`;
  return new DomainError('invalid', 'invalid_request', `${path}: ${message}`, [{ path, message }]);
}
