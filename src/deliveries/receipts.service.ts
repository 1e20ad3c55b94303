import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import { DevicesService } from '../devices/devices.service.js';
import type { Fact } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { DomainError } from '../lib/errors.js';
import { uuidV7Time } from '../lib/ids.js';
import type { ReceiptType } from './delivery.js';
import { ReceiptsRepository } from './receipts.repository.js';

/** What a device says about a notification. */
export interface ReportedReceipt {
  /** Public id. */
  deviceId: string;
  notificationId: string;
  type: ReceiptType;
  /** By the device's clock; default now. */
  at?: Date | undefined;
}

/** What the devices themselves report of what they were sent. */
@Injectable()
export class ReceiptsService {
  constructor(
    private readonly receipts: ReceiptsRepository,
    private readonly devices: DevicesService,
    private readonly events: EventLog,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
  ) {}

  /**
   * Counts what a device reports once, in any order of the types.
   *
   * @returns the time that counts: the first report's, never later than now nor earlier than the notification
   * @throws DomainError `device_not_found`, `device_secret_required`, `device_secret_invalid`, and `notification_not_found`
   *         also for a notification that was not meant for this device
   */
  async record(applicationId: string, reported: ReportedReceipt, deviceSecret: string | undefined): Promise<Date> {
    const { deviceId, notificationId, type } = reported;
    const known = await this.devices.deviceIdsByPublicId(this.db, applicationId, [deviceId]);
    if (!known.has(deviceId)) throw new DomainError('not_found', 'device_not_found', `There is no device ${deviceId}.`);
    const device = await this.devices.authenticate(applicationId, deviceId, deviceSecret);
    if (!(await this.receipts.wasTargeted(applicationId, notificationId, device))) {
      const message = `There is no notification ${notificationId} for this device.`;
      throw new DomainError('not_found', 'notification_not_found', message);
    }
    const receipt = { applicationId, notificationId, device, type };
    const earliestAt = uuidV7Time(notificationId);
    const factOf = (at: Date): Fact => {
      return { type: `receipt.${type}`, applicationId, notificationId, device, data: { at } };
    };
    const isWanted = (await this.events.wanted([factOf(earliestAt)])).length > 0;
    if (!isWanted) return (await this.receipts.record(this.db, receipt, reported.at, earliestAt)).at;
    return this.db.transaction(async (tx) => {
      const { at, isNew } = await this.receipts.record(tx, receipt, reported.at, earliestAt);
      if (isNew) await this.events.append(tx, [factOf(at)]);
      return at;
    });
  }
}
