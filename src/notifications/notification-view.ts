import { endedOf, type Notification, type NotificationCounts, progressOf } from './notification.js';
import type { NotificationSummary, NotificationView } from './notifications.dto.js';
import type { Blocker, ReportedCounts } from './notifications.repository.js';

/** A notification as the list shows it, with the counts of its last roll-up. */
export function summaryOf(notification: Notification): NotificationSummary {
  return { ...frameOf(notification, notification.counts), counts: sendCountsOf(notification.counts) };
}

/**
 * A notification as it is now.
 *
 * @param counts of this moment; for one that has ended, its own
 */
export function viewOf(
  notification: Notification,
  counts: NotificationCounts,
  reported: ReportedCounts,
  blockers: readonly Blocker[],
): NotificationView {
  return {
    ...frameOf(notification, counts),
    counts: { ...sendCountsOf(counts), ...reported },
    overrides: notification.overrides,
    blockedBy: blockers.map(({ provider, reason, until, scope }) => ({
      provider,
      reason,
      until: until.toISOString(),
      ...(scope && { scope }),
    })),
  };
}

function frameOf(notification: Notification, counts: NotificationCounts): Omit<NotificationSummary, 'counts'> {
  const { id, state, lane, semantics, sendAt } = notification;
  return {
    id,
    status: state,
    lane,
    audience: notification.audience,
    content: notification.content,
    options: { realtime: 'never', ...notification.options, sendAt: sendAt.toISOString(), lane, semantics },
    progress: progressOf(notification, counts),
    createdAt: notification.createdAt.toISOString(),
    sendAt: sendAt.toISOString(),
    expiresAt: notification.expiresAt.toISOString(),
    firstAttemptAt: notification.firstAttemptAt?.toISOString() ?? null,
    completedAt: notification.completedAt?.toISOString() ?? null,
  };
}

function sendCountsOf(counts: NotificationCounts) {
  const { planned, accepted, failed, expired, cancelled, suppressed, unknown, retried } = counts;
  return {
    planned,
    pending: planned - endedOf(counts),
    accepted,
    failed,
    expired,
    cancelled,
    suppressed,
    unknown,
    retried,
  };
}
