import { endedOf, isScheduled, type Notification } from './notification.js';
import type { GateChange, StateChange } from './timeline.repository.js';

/** Something that happened to a notification as a whole. */
export interface TimelineItem {
  at: Date;
  kind:
    | 'accepted'
    | 'scheduled'
    | 'first_attempt'
    | 'gate_closed'
    | 'gate_opened'
    | 'expired'
    | 'completed'
    | StateChange['kind'];
  /** Whose will it was: `key:<id>` or `account:<id>`. */
  by?: string;
  detail?: Record<string, string | number>;
}

/** What is known of a notification's course, in order. Pure. */
export function timelineOf(
  notification: Notification,
  firstAttemptAt: Date | null,
  changes: readonly StateChange[],
  gates: readonly GateChange[],
): TimelineItem[] {
  const { createdAt, sendAt, expiresAt, completedAt, counts, state } = notification;
  const items: TimelineItem[] = [{ at: createdAt, kind: 'accepted' }];
  if (isScheduled(notification)) {
    items.push({ at: createdAt, kind: 'scheduled', detail: { sendAt: sendAt.toISOString() } });
  }
  if (firstAttemptAt) items.push({ at: firstAttemptAt, kind: 'first_attempt' });
  for (const { at, kind, by, detail } of changes) {
    items.push({ at, kind, ...(by !== null && { by }), ...(detail !== null && { detail }) });
  }
  for (const { at, isClosed, provider, scope, kind, reason } of gates) {
    const detail = { provider, kind, reason, ...(scope && { scope }) };
    items.push({ at, kind: isClosed ? 'gate_closed' : 'gate_opened', detail });
  }
  if (counts.expired > 0) items.push({ at: expiresAt, kind: 'expired', detail: { deliveries: counts.expired } });
  if (completedAt) {
    items.push({ at: completedAt, kind: 'completed', detail: { status: state, deliveries: endedOf(counts) } });
  }
  return items.toSorted((one, other) => one.at.getTime() - other.at.getTime());
}
