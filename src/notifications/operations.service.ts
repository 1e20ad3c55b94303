import { Injectable } from '@nestjs/common';
import type { Audience } from '../devices/audience.js';
import { type AudienceSize, AudienceSizes } from '../devices/audience-size.js';
import { DomainError } from '../lib/errors.js';
import { AcceptService } from './accept.service.js';
import { checkFailedSource, hasNotEnded } from './failed-source.js';
import type { Answer } from './idempotency.js';
import type { Notification } from './notification.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotificationsService, notFound } from './notifications.service.js';
import { type TimelineItem, timelineOf } from './timeline.js';
import { type FailureCount, TimelineRepository } from './timeline.repository.js';

/** What somebody in charge of notifications asks and does beyond sending them. */
@Injectable()
export class OperationsService {
  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly live: NotificationsService,
    private readonly acceptance: AcceptService,
    private readonly sizes: AudienceSizes,
    private readonly timeline: TimelineRepository,
  ) {}

  /**
   * Accepts the same content once more for the devices that it failed to reach and that are still active.
   *
   * @param key the caller's `Idempotency-Key`
   * @throws DomainError `notification_not_found`, `notification_not_ended`, `nothing_failed`, and those of accepting
   */
  async retryFailed(
    applicationId: string,
    id: string,
    codes: readonly string[] | undefined,
    key: string | undefined,
  ): Promise<Answer> {
    const notification = await this.find(applicationId, id);
    if (!notification.completedAt) throw hasNotEnded(id);
    if (notification.counts.failed === 0) {
      throw new DomainError('conflict', 'nothing_failed', `no delivery of notification ${id} has failed`);
    }
    const { content, overrides, lane, semantics } = notification;
    const { ttlSeconds, priority, collapseKey } = notification.options;
    const options = { ttlSeconds, priority, collapseKey, lane, semantics, realtime: 'never' as const };
    const audience = { failedOf: id, ...(codes && { codes }) };
    return this.acceptance.accept(applicationId, { audience, content, overrides, options }, key);
  }

  /** @throws DomainError for an audience of another notification's failures, as accepting it would */
  async audienceSize(applicationId: string, audience: Audience): Promise<AudienceSize> {
    await checkFailedSource(this.notifications, applicationId, audience);
    return this.sizes.measure(applicationId, audience);
  }

  /** @throws DomainError `notification_not_found` */
  async failures(applicationId: string, id: string): Promise<FailureCount[]> {
    await this.find(applicationId, id);
    return this.timeline.failures(id);
  }

  /** @throws DomainError `notification_not_found` */
  async course(applicationId: string, id: string): Promise<TimelineItem[]> {
    const notification = await this.find(applicationId, id);
    const [changes, gates, firstAttemptAt] = await Promise.all([
      this.timeline.changes(id),
      this.timeline.gateChanges(applicationId, id, notification.createdAt, notification.completedAt),
      this.live.firstAttemptAt(notification),
    ]);
    return timelineOf(notification, firstAttemptAt, changes, gates);
  }

  private async find(applicationId: string, id: string): Promise<Notification> {
    const [notification] = await this.notifications.find([id]);
    if (notification?.applicationId !== applicationId) throw notFound(id);
    return notification;
  }
}
