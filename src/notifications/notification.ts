import type { BatchProgress, TerminalStatus } from '../batches/batch.js';
import { type Audience, namesIndividuals } from '../devices/audience.js';
import { DomainError } from '../lib/errors.js';
import type { Lane, ProviderName } from '../lib/names.js';
import type { Content, Message } from '../providers/provider.js';
import { type LiveOptions, liveOptionsOf, type RealtimeMode } from './live.js';

export const NOTIFICATION_STATES = ['scheduled', 'planning', 'sending', 'paused', 'completed', 'cancelled'] as const;
/** `planning`: the audience is being walked, and what is planned already goes out. `sending`: the whole audience is known. */
export type NotificationState = (typeof NOTIFICATION_STATES)[number];

export const SEMANTICS = ['at_least_once', 'at_most_once'] as const;
/** What an unclear end means for a delivery: try again, or leave it `unknown`. */
export type Semantics = (typeof SEMANTICS)[number];

export const DEFAULT_TTL_SECONDS = 86_400;
/** Seconds: 28 days. The least of what the providers keep; firebase.google.com "Set the lifespan of a message", read 2026-11. */
export const MAX_TTL_SECONDS = 2_419_200;
/** Seconds. A TTL of 0 tells the provider "now or never"; this is how long we ourselves may take to reach it. */
export const NOW_OR_NEVER_SECONDS = 30;
export const MAX_SEND_AHEAD_DAYS = 366;

/** Content, audience and options of a push as the caller stated them: the body of `POST /v1/notifications`. */
export interface NotificationRequest {
  audience: Audience;
  content: Content;
  options?: RequestOptions | undefined;
  overrides?: Overrides | undefined;
}

export interface RequestOptions {
  ttlSeconds?: number | undefined;
  priority?: 'high' | 'normal' | undefined;
  collapseKey?: string | undefined;
  /** RFC 3339. */
  sendAt?: string | undefined;
  lane?: Lane | undefined;
  semantics?: Semantics | undefined;
  /** Default: `also` for users of an application that has screens, `never` for everybody else. */
  realtime?: RealtimeMode | undefined;
  realtimeWaitSeconds?: number | undefined;
  dryRun?: boolean | undefined;
}

/** Per provider, what is merged into its compiled request; checked by the provider. */
export type Overrides = Partial<Record<ProviderName, unknown>>;

/** A request with every default filled in, not yet stored. Nothing in it ever changes. */
export interface NewNotification {
  /** UUID v7 of {@link createdAt}. */
  id: string;
  applicationId: string;
  lane: Lane;
  semantics: Semantics;
  audience: Audience;
  content: Content;
  options: { ttlSeconds: number; priority: 'high' | 'normal'; collapseKey?: string } & LiveOptions;
  overrides: Overrides;
  createdAt: Date;
  sendAt: Date;
  expiresAt: Date;
}

export interface NotificationCounts extends Record<TerminalStatus, number> {
  planned: number;
  /** Deliveries that were put off to another attempt, each time counted. */
  retried: number;
}

/** A stored notification. `counts` are those of the last roll-up, and final once `completedAt` is set. */
export interface Notification extends NewNotification {
  state: NotificationState;
  isPlanned: boolean;
  planCursor: number;
  planBound: number | null;
  /** Providers whose remaining deliveries fail unsent, with the code. */
  stopped: Partial<Record<ProviderName, string>>;
  counts: NotificationCounts;
  firstAttemptAt: Date | null;
  completedAt: Date | null;
}

/** What a worker must know about a notification whose batches it holds. */
export interface LiveState {
  state: NotificationState;
  stopped: Partial<Record<ProviderName, string>>;
}

/** What a pending delivery waits for, as far as its notification decides. */
export interface WaitingFacts {
  state: NotificationState;
  sendAt: Date;
  expiresAt: Date;
  /** The push follows only if no open screen acknowledges. */
  isLiveFirst: boolean;
}

/**
 * Fills in the defaults.
 *
 * @param now        the database's time
 * @param hasScreens whether somebody may look at what goes to open screens by default
 * @throws DomainError `invalid_request` when `sendAt` is too far ahead, or open screens cannot be reached as asked
 */
export function draftNotification(
  id: string,
  applicationId: string,
  request: NotificationRequest,
  now: Date,
  hasScreens = false,
): NewNotification {
  const { audience, content, options = {}, overrides = {} } = request;
  const sendAt = sendTime(options.sendAt, now);
  const ttlSeconds = options.ttlSeconds ?? DEFAULT_TTL_SECONDS;
  const lifeSeconds = ttlSeconds || NOW_OR_NEVER_SECONDS;
  return {
    id,
    applicationId,
    lane: options.lane ?? defaultLane(audience),
    semantics: options.semantics ?? 'at_least_once',
    audience,
    content,
    options: {
      ttlSeconds,
      priority: options.priority ?? defaultPriority(content),
      ...(options.collapseKey !== undefined && { collapseKey: options.collapseKey }),
      ...liveOptionsOf(audience, options, lifeSeconds, hasScreens),
    },
    overrides,
    createdAt: now,
    sendAt,
    expiresAt: new Date(sendAt.getTime() + lifeSeconds * 1000),
  };
}

/** Named people wait for theirs; what goes to many is a campaign and must not stand in the way. */
export function defaultLane(audience: Audience): Lane {
  return namesIndividuals(audience) ? 'normal' : 'bulk';
}

/** What nobody sees may wait until the device is awake. */
function defaultPriority(content: Content): 'high' | 'normal' {
  return content.title !== undefined || content.body !== undefined ? 'high' : 'normal';
}

function sendTime(sendAt: string | undefined, now: Date): Date {
  if (sendAt === undefined) return now;
  const at = new Date(sendAt);
  if (at.getTime() > now.getTime() + MAX_SEND_AHEAD_DAYS * 86_400_000) {
    const message = `is more than ${MAX_SEND_AHEAD_DAYS} days ahead`;
    throw new DomainError('invalid', 'invalid_request', `options.sendAt: ${message}`, [
      { path: 'options.sendAt', message },
    ]);
  }
  return at > now ? at : now;
}

/** Its audience is fixed later, at `sendAt`. */
export function isScheduled(notification: Pick<NewNotification, 'sendAt' | 'createdAt'>): boolean {
  return notification.sendAt > notification.createdAt;
}

/** The notification as one provider's adapter sees it. */
export function messageFor(
  notification: Pick<NewNotification, 'id' | 'content' | 'options' | 'overrides'>,
  provider: ProviderName,
): Message {
  const overrides = notification.overrides[provider];
  const { ttlSeconds, priority, collapseKey } = notification.options;
  return {
    notificationId: notification.id,
    content: notification.content,
    ttlSeconds,
    priority,
    ...(collapseKey !== undefined && { collapseKey }),
    ...(overrides !== undefined && { overrides }),
  };
}

/** Counts as the batches have them now. */
export function countsOf(progress: BatchProgress | undefined): NotificationCounts {
  return {
    planned: progress?.planned ?? 0,
    accepted: progress?.accepted ?? 0,
    failed: progress?.failed ?? 0,
    expired: progress?.expired ?? 0,
    cancelled: progress?.cancelled ?? 0,
    suppressed: progress?.suppressed ?? 0,
    unknown: progress?.unknown ?? 0,
    retried: progress?.moved ?? 0,
  };
}

/** Deliveries that have ended, however. `planned` less these are pending. */
export function endedOf(counts: NotificationCounts): number {
  return counts.accepted + counts.failed + counts.expired + counts.cancelled + counts.suppressed + counts.unknown;
}

/**
 * How far a notification has come, 0 to 1. While its audience is being walked, what is planned so far is weighed by how
 * much of the walk that is, so that the figure does not jump back.
 */
export function progressOf(
  notification: Pick<Notification, 'completedAt' | 'isPlanned' | 'planCursor' | 'planBound'>,
  counts: NotificationCounts,
): number {
  if (notification.completedAt) return 1;
  if (counts.planned === 0) return 0;
  const walked = notification.isPlanned
    ? 1
    : Math.min(1, notification.planCursor / (notification.planBound || Infinity));
  return Math.round((endedOf(counts) / counts.planned) * walked * 10_000) / 10_000;
}

/** True when nothing more can happen to it by the caller's will. */
export function hasEnded(state: NotificationState): boolean {
  return state === 'completed' || state === 'cancelled';
}
