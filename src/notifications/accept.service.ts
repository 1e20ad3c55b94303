import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { DeviceGroup } from '../batches/batch.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { isNamedBriefly } from '../devices/audience.js';
import { DevicesService } from '../devices/devices.service.js';
import { uuidV7 } from '../lib/ids.js';
import { PROVIDER_NAMES, type ProviderName } from '../lib/names.js';
import type { PreviewRequest } from '../providers/provider.js';
import { checkFailedSource } from './failed-source.js';
import { type Answer, type Attempt, Idempotency } from './idempotency.js';
import type { IdempotentRequest } from './idempotency.repository.js';
import { Intake, type IntakeItem } from './intake.js';
import { MessagesService } from './messages.service.js';
import {
  draftNotification,
  isScheduled,
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
  accept(applicationId: string, request: NotificationRequest, key: string | undefined): Promise<Answer> {
    if (request.options?.dryRun) return this.dryRun(applicationId, request);
    if (key === undefined) return this.acceptAnyway(applicationId, request);
    const idempotent = { applicationId, key, requestHash: requestHash(request) };
    return this.idempotency.once(idempotent, () => this.attempt(applicationId, request, idempotent));
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
    // Nothing that goes to open screens changes what goes to a provider, and the audience may be missing here.
    const options = { ...request.options, realtime: 'never' as const, realtimeWaitSeconds: undefined };
    return this.messages.preview(draftNotification(uuidV7(now), applicationId, { ...request, options }, now));
  }

  /** Without a key every request is a new one. */
  private async acceptAnyway(applicationId: string, request: NotificationRequest): Promise<Answer> {
    const attempt = await this.attempt(applicationId, request, undefined);
    if (!attempt || 'before' in attempt) throw new Error('a request without a key was taken for a repeated one');
    return { accepted: attempt.response, isReplay: false };
  }

  /** Undefined when another request took the key meanwhile. */
  private async attempt(
    applicationId: string,
    request: NotificationRequest,
    idempotent: IdempotentRequest | undefined,
  ): Promise<Attempt | undefined> {
    // The database's clock decides whether a request with a time is for later.
    const isPushedNow = request.options?.sendAt === undefined && request.options?.realtime !== 'only';
    const audience = isPushedNow && isNamedBriefly(request.audience) ? request.audience : undefined;
    const { now, before, hasScreens, groups } = await this.intake.look({ applicationId, idempotent, audience });
    if (before) return { before };
    const notification = draftNotification(uuidV7(now), applicationId, request, now, hasScreens);
    await checkFailedSource(this.notifications, applicationId, request.audience);
    await this.messages.check(notification);
    const item = this.itemOf(notification, audience ? groups : await this.resolve(notification), idempotent);
    return (await this.intake.store(item)) ? { response: item.response } : undefined;
  }

  /** The whole audience, unless it is large or for later. */
  private async resolve(notification: NewNotification): Promise<readonly DeviceGroup[] | undefined> {
    if (isScheduled(notification)) return undefined;
    if (notification.options.realtime === 'only') return [];
    return this.devices.smallAudience(notification.applicationId, notification.audience);
  }

  private itemOf(
    notification: NewNotification,
    groups: readonly DeviceGroup[] | undefined,
    idempotent: IdempotentRequest | undefined,
  ): IntakeItem {
    return { notification, groups, idempotent, response: acceptedOf(notification, firstState(notification, groups)) };
  }

  private async dryRun(applicationId: string, request: NotificationRequest): Promise<Answer> {
    const now = await this.notifications.now();
    const notification = draftNotification(uuidV7(now), applicationId, request, now);
    await checkFailedSource(this.notifications, applicationId, request.audience);
    await this.messages.check(notification);
    const devices = await this.countDevices(notification);
    const reached = PROVIDER_NAMES.filter((name) => devices[name] > 0);
    const providers = await this.messages.dryRun(notification, reached);
    const accepted = { ...acceptedOf(notification, 'completed'), dryRun: { devices, providers } };
    return { accepted, isReplay: false };
  }

  private async countDevices({
    applicationId,
    audience,
    options,
  }: NewNotification): Promise<Record<ProviderName, number>> {
    const devices = { fcm: 0, apns: 0, webpush: 0 };
    if (options.realtime === 'only') return devices;
    const bound = await this.devices.upperBound(this.db, applicationId);
    for (let afterId = 0; ; ) {
      const page = await this.devices.audiencePage(this.db, applicationId, audience, afterId, bound, COUNT_PAGE);
      for (const group of page.groups) devices[group.provider] += group.n;
      if (page.seen < COUNT_PAGE) return devices;
      afterId = page.lastId;
    }
  }
}

/** Nobody to send to is the end already. */
function firstState(notification: NewNotification, groups: readonly DeviceGroup[] | undefined): NotificationState {
  if (isScheduled(notification)) return 'scheduled';
  if (!groups) return 'planning';
  return groups.length === 0 ? 'completed' : 'sending';
}

function acceptedOf(notification: NewNotification, status: NotificationState): Accepted {
  const { id, lane, createdAt } = notification;
  return { id, status, lane, createdAt: createdAt.toISOString() };
}
