import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { RESULT } from '../batches/batch.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { DevicesService } from '../devices/devices.service.js';
import { DomainError } from '../lib/errors.js';
import {
  type BatchState,
  DeliveriesRepository,
  type DeliveryFilter,
  type DeliveryKey,
  type ListedDelivery,
  type TimePosition,
} from './deliveries.repository.js';
import { type Attempt, type Delivery, type DeliveryStatus, statusOfMark } from './delivery.js';
import { CLOCK_SKEW_MS, earliestEntryAt, type LogEntry, LogRepository } from './log.repository.js';

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
    private readonly log: LogRepository,
    private readonly devices: DevicesService,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
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
  ): Promise<DeliveryPage> {
    const until = await this.lists.findNotificationEnd(applicationId, notificationId);
    if (until === undefined) {
      throw new DomainError('not_found', 'notification_not_found', `notification ${notificationId} does not exist`);
    }
    if (filter.code !== undefined && filter.status === 'accepted') throw codeOfAccepted();
    if (filter.code === undefined) {
      return this.page(await this.lists.ofNotification(notificationId, filter, after, limit + 1), limit, until);
    }
    const span = { since: earliestEntryAt(notificationId), until };
    const { rows, next } = await this.lists.ofNotificationByCode(notificationId, span, filter, after, limit + 1);
    return this.page(rows, limit, until, next);
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
  ): Promise<DeliveryPage> {
    const device = await this.devices.get(applicationId, deviceId);
    const until = await this.latestEntryAt();
    return this.page(await this.lists.ofDevice(applicationId, device.id, until, after, limit + 1), limit, until);
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
  ): Promise<DeliveryPage> {
    const { userId } = criteria;
    const until = await this.latestEntryAt();
    const from = criteria.from ?? new Date(until.getTime() - DEFAULT_SEARCH_MS);
    const filter = { ...criteria, from, to: criteria.to ?? until };
    if (userId !== undefined) {
      return this.page(await this.lists.ofUser(applicationId, userId, filter, after, limit + 1), limit, until);
    }
    if (filter.status === 'accepted') {
      const message = 'accepted deliveries are searched for one user at a time: give userId';
      throw new DomainError('invalid', 'user_needed', message, [{ path: 'query.userId', message: 'is needed here' }]);
    }
    const { rows, next } = await this.lists.search(applicationId, filter, after, limit + 1);
    return this.page(rows, limit, until, next);
  }

  /** Attempts carry the clocks of the workers that made them, which may be ahead. */
  private async latestEntryAt(): Promise<Date> {
    return new Date((await this.lists.now()).getTime() + CLOCK_SKEW_MS);
  }

  /** @param until nothing was written about these deliveries after it */
  private async page(
    rows: readonly ListedDelivery[],
    limit: number,
    until: Date,
    next?: DeliveryPage['next'],
  ): Promise<DeliveryPage> {
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1)?.position : next;
    return { items: await this.describe(shown, until), next: last };
  }

  private async describe(listed: readonly ListedDelivery[], until: Date): Promise<Delivery[]> {
    const [entries, receipts, names] = await Promise.all([
      this.log.entries(listed, until),
      this.log.receipts(listed),
      this.devices.publicIds(this.db, [...new Set(listed.map((key) => key.device))]),
    ]);
    const entriesOf = Map.groupBy(entries, keyOf);
    const waiting = listed.flatMap((key) => {
      const latest = entriesOf.get(keyOf(key))?.at(-1);
      return !key.batch && latest?.statusAfter === 'pending' ? [{ ...key, batchNo: latest.batchNo }] : [];
    });
    const batches = new Map((await this.log.batches(waiting)).map((batch) => [keyOf(batch), batch]));
    const receiptsOf = Map.groupBy(receipts, keyOf);

    return listed.map((item) => {
      const own = entriesOf.get(keyOf(item)) ?? [];
      const name = names.get(item.device);
      const batch = item.batch ?? batches.get(keyOf(item));
      return {
        notificationId: item.notificationId,
        deviceId: name?.publicId ?? null,
        userId: name?.userId ?? null,
        provider: item.provider,
        ...stateOf(batch, own.at(-1)),
        attempts: attemptsOf(own),
        receipts: (receiptsOf.get(keyOf(item)) ?? []).map(({ type, at }) => ({ type, at })),
      };
    });
  }
}

function codeOfAccepted(): DomainError {
  const message = 'code searches deliveries that were not accepted';
  return new DomainError('invalid', 'code_of_accepted', message, [{ path: 'query.code', message }]);
}

function keyOf(key: DeliveryKey): string {
  return `${key.notificationId} ${key.device}`;
}

/** Provider calls are counted when they are read: whoever writes them does not know of those in earlier batches. */
function attemptsOf(entries: readonly LogEntry[]): Attempt[] {
  let calls = 0;
  return entries.map((entry) => ({
    number: entry.isCall ? ++calls : 0,
    at: entry.at,
    outcome: entry.outcome === '' ? null : entry.outcome,
    code: entry.code,
    providerMessageId: entry.providerMessageId,
    latencyMs: entry.latencyMs,
    detail: entry.detail,
  }));
}

/**
 * The batch was read before the log, so an end that the log knows is the newer fact. While a batch is in a worker's hands, or
 * its children are not made yet, what waits in it is due when its latest attempt says.
 */
function stateOf(
  batch: BatchState | undefined,
  latest: LogEntry | undefined,
): Pick<Delivery, 'status' | 'nextAttemptAt'> {
  const logged = latest?.statusAfter ?? 'pending';
  const status = batch && logged === 'pending' ? statusOfMark(batch.mark) : logged;
  if (status !== 'pending') return { status, nextAttemptAt: null };
  const isInHand = !batch || batch.state === 'leased' || batch.mark === RESULT.moved;
  return { status, nextAttemptAt: isInHand ? (latest?.retryAt ?? null) : batch.notBefore };
}
