import { Inject, Injectable, Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { DeviceGroup } from '../batches/batch.js';
import { BatchesService } from '../batches/batches.service.js';
import { jobsOf } from '../batches/feeder.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { Grouped } from '../lib/grouped.js';
import type { Lane, ProviderName } from '../lib/names.js';
import { Producers } from '../queue/producers.js';
import { Idempotency, type IdempotentRequest } from './idempotency.js';
import type { NewNotification } from './notification.js';
import type { Accepted } from './notifications.dto.js';
import { type NotificationRow, NotificationsRepository } from './notifications.repository.js';

/** Milliseconds after which the sweep and the feeder take over what this process means to put on Bull itself. */
const HAND_OVER_MS = 300;

/** A notification that may be stored. */
export interface IntakeItem {
  notification: NewNotification;
  /** Its whole audience, when that is small enough to be batched at once. */
  groups: readonly DeviceGroup[] | undefined;
  response: Accepted;
  idempotent: IdempotentRequest | undefined;
}

type WrittenBatch = { notificationId: string; provider: ProviderName; batchNo: number; n: number };

/** Stores accepted notifications and wakes whoever comes next. */
@Injectable()
export class Intake {
  private readonly logger = new Logger(Intake.name);
  private readonly commits = new Grouped((items: readonly IntakeItem[]) => this.commit(items));

  constructor(
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    private readonly notifications: NotificationsRepository,
    private readonly idempotency: Idempotency,
    private readonly batches: BatchesService,
    private readonly producers: Producers,
  ) {}

  /**
   * Idempotency key, notification and batches, all or nothing; false, and nothing stored, when the key is taken. Requests that
   * come at the same time share a transaction.
   */
  store(item: IntakeItem): Promise<boolean> {
    return this.commits.submit(item);
  }

  private async commit(items: readonly IntakeItem[]): Promise<boolean[]> {
    const { isNew, written } = await this.db.transaction((tx) => this.write(tx, items));
    // Not awaited: the requests are accepted, and what is lost here is found by the sweep and the feeder.
    this.handOver(
      items.filter((_, i) => isNew[i]),
      written,
    ).catch((error: unknown) => {
      this.logger.warn({ event: 'intake.redis_unavailable', reason: String(error) });
    });
    return isNew;
  }

  private async write(tx: Database, items: readonly IntakeItem[]) {
    const claims = items.flatMap(({ idempotent, response }) => (idempotent ? [{ request: idempotent, response }] : []));
    const taken = await this.idempotency.claim(tx, claims);
    const isNew = items.map(({ idempotent }) => !idempotent || taken.shift() === true);
    const fresh = items.filter((_, i) => isNew[i]);
    if (fresh.length > 0) await this.notifications.insert(tx, fresh.map(rowOf));
    const roots = fresh.flatMap(({ notification, groups }) =>
      (groups ?? []).map((group) => ({
        notification,
        group,
        ...(isStraight(notification) && { queuedMs: HAND_OVER_MS }),
      })),
    );
    return { isNew, written: await this.batches.insertRoots(tx, roots) };
  }

  private async handOver(items: readonly IntakeItem[], written: readonly WrittenBatch[]): Promise<void> {
    const lanes = new Map<string, Lane>();
    const work: Promise<void>[] = [];
    for (const { notification, groups } of items) {
      if (groups && isStraight(notification)) lanes.set(notification.id, notification.lane);
      if (!groups && !isScheduled(notification)) work.push(this.producers.notify(notification.id));
    }
    const queues = Map.groupBy(written, ({ notificationId, provider }) => `${lanes.get(notificationId)} ${provider}`);
    for (const batches of queues.values()) {
      const lane = lanes.get(batches[0]?.notificationId ?? '');
      const provider = batches[0]?.provider;
      if (lane && provider) work.push(this.producers.dispatchAll(lane, provider, jobsOf(batches)));
    }
    await Promise.all(work);
  }
}

function isScheduled(notification: NewNotification): boolean {
  return notification.sendAt > notification.createdAt;
}

function rowOf({ notification, groups, response }: IntakeItem): NotificationRow {
  return {
    notification,
    state: response.status,
    isPlanned: groups !== undefined,
    planned: groups?.reduce((sum, group) => sum + group.n, 0) ?? 0,
    planWakeAt: new Date(notification.sendAt.getTime() + (isScheduled(notification) ? 0 : HAND_OVER_MS)),
  };
}

/** Campaigns go by way of the feeder, which gives every application its share. */
function isStraight(notification: NewNotification): boolean {
  return notification.lane !== 'bulk';
}
