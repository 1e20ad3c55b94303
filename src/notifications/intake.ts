import { Inject, Injectable, Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { DeviceGroup } from '../batches/batch.js';
import { BatchesService } from '../batches/batches.service.js';
import { DATA_SOURCE } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import { Producers } from '../queue/producers.js';
import type { BatchRef } from '../queue/queues.js';
import { Idempotency, type IdempotentRequest } from './idempotency.js';
import type { NewNotification } from './notification.js';
import type { Accepted } from './notifications.dto.js';
import { NotificationsRepository } from './notifications.repository.js';

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

type WrittenBatch = { provider: ProviderName; batchNo: number };

/** Stores accepted notifications and wakes whoever comes next. */
@Injectable()
export class Intake {
  private readonly logger = new Logger(Intake.name);

  constructor(
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    private readonly notifications: NotificationsRepository,
    private readonly idempotency: Idempotency,
    private readonly batches: BatchesService,
    private readonly producers: Producers,
  ) {}

  /** Idempotency key, notification and batches in one transaction; false, and nothing stored, when the key is taken. */
  async store(item: IntakeItem): Promise<boolean> {
    const written = await this.db.transaction(async (tx) => {
      const { idempotent, notification, response, groups } = item;
      if (idempotent && !(await this.idempotency.claim(tx, idempotent, response))) return undefined;
      const isScheduled = notification.sendAt > notification.createdAt;
      await this.notifications.insert(tx, [
        {
          notification,
          state: response.status,
          isPlanned: groups !== undefined,
          planned: groups?.reduce((sum, group) => sum + group.n, 0) ?? 0,
          planWakeAt: new Date(notification.sendAt.getTime() + (isScheduled ? 0 : HAND_OVER_MS)),
        },
      ]);
      if (!groups) return [];
      return this.batches.insertRoots(
        tx,
        notification,
        groups,
        isStraight(notification) ? { queuedMs: HAND_OVER_MS } : {},
      );
    });
    if (!written) return false;
    // Not awaited: the request is accepted, and what is lost here is found by the sweep and the feeder.
    this.handOver(item, written).catch((error: unknown) => {
      this.logger.warn({
        event: 'intake.redis_unavailable',
        notificationId: item.notification.id,
        reason: String(error),
      });
    });
    return true;
  }

  private async handOver({ notification, groups }: IntakeItem, written: readonly WrittenBatch[]): Promise<void> {
    const { id, lane } = notification;
    if (!groups) {
      if (notification.sendAt <= notification.createdAt) await this.producers.notify(id);
      return;
    }
    if (!isStraight(notification)) return;
    const byProvider = Map.groupBy(written, (batch) => batch.provider);
    await Promise.all(
      [...byProvider].map(([provider, batches]) =>
        this.producers.dispatch(
          lane,
          provider,
          batches.map((batch): BatchRef => [id, batch.batchNo]),
        ),
      ),
    );
  }
}

/** Campaigns go by way of the feeder, which gives every application its share. */
function isStraight(notification: NewNotification): boolean {
  return notification.lane !== 'bulk';
}
