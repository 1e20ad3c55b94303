import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { DeviceGroup } from '../batches/batch.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { DevicesService } from '../devices/devices.service.js';
import { uuidV7 } from '../lib/ids.js';
import { PROVIDER_NAMES, type ProviderName } from '../lib/names.js';
import type { PreviewRequest } from '../providers/provider.js';
import { type Answer, Idempotency } from './idempotency.js';
import { Intake } from './intake.js';
import { MessagesService } from './messages.service.js';
import {
  draftNotification,
  MAX_INLINE_DEVICES,
  type NewNotification,
  type NotificationRequest,
  type NotificationState,
} from './notification.js';
import type { Accepted } from './notifications.dto.js';
import { NotificationsRepository } from './notifications.repository.js';
import { requestHash } from './request-hash.js';

/** Devices per statement when a dry run counts. */
const COUNT_PAGE = 50_000;

/** From a request to a stored notification. */
@Injectable()
export class AcceptService {
  constructor(
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    private readonly notifications: NotificationsRepository,
    private readonly messages: MessagesService,
    private readonly devices: DevicesService,
    private readonly idempotency: Idempotency,
    private readonly intake: Intake,
  ) {}

  /**
   * Checks a request and stores it, with its batches when its audience is small. Returns after the commit.
   *
   * @param key the caller's `Idempotency-Key`; a dry run stores nothing and so does not use it
   * @throws DomainError see {@link MessagesService.check} and {@link Idempotency.once}
   */
  async accept(applicationId: string, request: NotificationRequest, key: string | undefined): Promise<Answer> {
    if (request.options?.dryRun) return { accepted: await this.dryRun(applicationId, request), isReplay: false };
    if (key === undefined) {
      const item = await this.prepare(applicationId, request);
      await this.intake.store({ ...item, idempotent: undefined });
      return { accepted: item.response, isReplay: false };
    }
    const idempotent = { applicationId, key, requestHash: requestHash(request) };
    return this.idempotency.once(idempotent, async () => {
      const item = await this.prepare(applicationId, request);
      return (await this.intake.store({ ...item, idempotent })) ? item.response : undefined;
    });
  }

  /**
   * For each provider with a credential, the exact request that would go out.
   *
   * @throws DomainError see {@link MessagesService.check}
   */
  async preview(
    applicationId: string,
    request: NotificationRequest,
  ): Promise<Partial<Record<ProviderName, PreviewRequest>>> {
    const now = await this.notifications.now();
    return this.messages.preview(draftNotification(uuidV7(now), applicationId, request, now));
  }

  private async prepare(applicationId: string, request: NotificationRequest) {
    const notification = await this.draft(applicationId, request);
    const isScheduled = notification.sendAt > notification.createdAt;
    const groups = isScheduled ? undefined : await this.resolveSmall(notification);
    return { notification, groups, response: acceptedOf(notification, firstState(isScheduled, groups)) };
  }

  private async draft(applicationId: string, request: NotificationRequest): Promise<NewNotification> {
    const now = await this.notifications.now();
    const notification = draftNotification(uuidV7(now), applicationId, request, now);
    await this.messages.check(notification);
    return notification;
  }

  /** The whole audience, unless it is large. */
  private async resolveSmall(notification: NewNotification): Promise<DeviceGroup[] | undefined> {
    const { applicationId, audience } = notification;
    const limit = MAX_INLINE_DEVICES + 1;
    const page = await this.devices.audiencePage(this.db, applicationId, audience, 0, Number.MAX_SAFE_INTEGER, limit);
    return page.seen > MAX_INLINE_DEVICES ? undefined : page.groups;
  }

  private async dryRun(applicationId: string, request: NotificationRequest): Promise<Accepted> {
    const notification = await this.draft(applicationId, request);
    const bound = await this.devices.upperBound(this.db, applicationId);
    const devices = { fcm: 0, apns: 0, webpush: 0 };
    for (let afterId = 0; ; ) {
      const page = await this.devices.audiencePage(
        this.db,
        applicationId,
        notification.audience,
        afterId,
        bound,
        COUNT_PAGE,
      );
      for (const group of page.groups) devices[group.provider] += group.n;
      if (page.seen < COUNT_PAGE) break;
      afterId = page.lastId;
    }
    const reached = PROVIDER_NAMES.filter((name) => devices[name] > 0);
    const providers = await this.messages.dryRun(notification, reached);
    return { ...acceptedOf(notification, 'completed'), dryRun: { devices, providers } };
  }
}

/** Nobody to send to is the end already. */
function firstState(isScheduled: boolean, groups: readonly DeviceGroup[] | undefined): NotificationState {
  if (isScheduled) return 'scheduled';
  if (!groups) return 'planning';
  return groups.length === 0 ? 'completed' : 'sending';
}

function acceptedOf(notification: NewNotification, status: NotificationState): Accepted {
  const { id, lane, createdAt } = notification;
  return { id, status, lane, createdAt: createdAt.toISOString() };
}
