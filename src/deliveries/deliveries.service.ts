import { Injectable } from '@nestjs/common';
import { DevicesService } from '../devices/devices.service.js';
import { DomainError } from '../lib/errors.js';
import {
  DeliveriesRepository,
  type DeliveryFilter,
  type ListedDelivery,
  type TimePosition,
} from './deliveries.repository.js';
import type { Delivery, DeliveryStatus } from './delivery.js';
import { DeliveryDescriptions, type Telling } from './delivery-descriptions.js';
import type { Language } from './explanations/texts.js';
import { CLOCK_SKEW_MS, earliestEntryAt } from './log.repository.js';

/** Deliveries in the order of their list; `next`: where the following page continues, undefined on the last one. */
export interface DeliveryPage {
  items: Delivery[];
  next: readonly (string | number)[] | undefined;
}

export interface SearchCriteria extends DeliveryFilter {
  status: DeliveryStatus;
  userId?: string | undefined;
  /** Default: 24 hours ago. */
  from?: Date | undefined;
  /** Default: now. */
  to?: Date | undefined;
}

const DEFAULT_SEARCH_MS = 24 * 3_600_000;

/** The delivery log: what happened to every single delivery. */
@Injectable()
export class DeliveriesService {
  constructor(
    private readonly lists: DeliveriesRepository,
    private readonly descriptions: DeliveryDescriptions,
    private readonly devices: DevicesService,
  ) {}

  /**
   * The deliveries of a notification by ascending device, pending ones included. With `code`: those whose latest log entry
   * has it and is not an acceptance.
   *
   * @param after the last page's position: an internal device id
   * @throws DomainError `notification_not_found`, `code_of_accepted`
   */
  async ofNotification(
    applicationId: string,
    notificationId: string,
    filter: DeliveryFilter,
    after: number,
    limit: number,
    language: Language = 'en',
  ): Promise<DeliveryPage> {
    const until = await this.lists.findNotificationEnd(applicationId, notificationId);
    if (until === undefined) {
      throw new DomainError('not_found', 'notification_not_found', `notification ${notificationId} does not exist`);
    }
    if (filter.code !== undefined && filter.status === 'accepted') throw codeOfAccepted();
    const telling = { applicationId, language, until };
    if (filter.code === undefined) {
      return this.page(await this.lists.ofNotification(notificationId, filter, after, limit + 1), limit, telling);
    }
    const span = { since: earliestEntryAt(notificationId), until };
    const { rows, next } = await this.lists.ofNotificationByCode(notificationId, span, filter, after, limit + 1);
    return this.page(rows, limit, telling, next);
  }

  /**
   * What a device was sent, by its latest attempt, newest first. What was never attempted is not in it.
   *
   * @throws DomainError `device_not_found`
   */
  async ofDevice(
    applicationId: string,
    deviceId: string,
    after: TimePosition | undefined,
    limit: number,
    language: Language = 'en',
  ): Promise<DeliveryPage> {
    const device = await this.devices.get(applicationId, deviceId);
    const until = await this.latestEntryAt();
    const telling = { applicationId, language, until };
    return this.page(await this.lists.ofDevice(applicationId, device.id, until, after, limit + 1), limit, telling);
  }

  /**
   * Searches the attempts of an application by their time, newest first; `from` is 24 h ago by default.
   *
   * @throws DomainError `user_needed`: accepted deliveries are searched for one user at a time
   */
  async search(
    applicationId: string,
    criteria: SearchCriteria,
    after: TimePosition | undefined,
    limit: number,
    language: Language = 'en',
  ): Promise<DeliveryPage> {
    const { userId } = criteria;
    const until = await this.latestEntryAt();
    const from = criteria.from ?? new Date(until.getTime() - DEFAULT_SEARCH_MS);
    const filter = { ...criteria, from, to: criteria.to ?? until };
    const telling = { applicationId, language, until };
    if (userId !== undefined) {
      return this.page(await this.lists.ofUser(applicationId, userId, filter, after, limit + 1), limit, telling);
    }
    if (filter.status === 'accepted') {
      const message = 'accepted deliveries are searched for one user at a time: give userId';
      throw new DomainError('invalid', 'user_needed', message, [{ path: 'query.userId', message: 'is needed here' }]);
    }
    const { rows, next } = await this.lists.search(applicationId, filter, after, limit + 1);
    return this.page(rows, limit, telling, next);
  }

  /** Attempts carry the clocks of the workers that made them, which may be ahead. */
  private async latestEntryAt(): Promise<Date> {
    return new Date((await this.lists.now()).getTime() + CLOCK_SKEW_MS);
  }

  private async page(
    rows: readonly ListedDelivery[],
    limit: number,
    telling: Telling,
    next?: DeliveryPage['next'],
  ): Promise<DeliveryPage> {
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1)?.position : next;
    return { items: await this.descriptions.describe(shown, telling), next: last };
  }
}

function codeOfAccepted(): DomainError {
  const message = 'code searches deliveries that were not accepted';
  return new DomainError('invalid', 'code_of_accepted', message, [{ path: 'query.code', message }]);
}
