import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { ReceiptType } from './delivery.js';
import { earliestEntryAt } from './log.repository.js';

/** Receipts: one row per notification, device and type. */
@Injectable()
export class ReceiptsRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * Whether a notification was meant for a device. The log knows it by an index; the batches are asked for what has not been
   * logged yet, because a device can be quicker than the checkpoint.
   */
  async wasTargeted(applicationId: string, notificationId: string, device: number): Promise<boolean> {
    const rows: { found: boolean }[] = await this.db.query(
      `select exists (
           select 1 from delivery_attempt
           where notification_id = $2 and device_id = $3 and application_id = $1 and at >= $4)
         or exists (
           select 1 from dispatch_batch
           where notification_id = $2 and $3::bigint between first_id and last_id and application_id = $1
             and $3::bigint = any(device_ids)) as found
       from notification where id = $2 and application_id = $1`,
      [applicationId, notificationId, device, earliestEntryAt(notificationId)],
    );
    return rows[0]?.found ?? false;
  }

  /**
   * Stores a receipt; of equal ones the first counts.
   *
   * @param at what the device's clock said; never stored later than now nor earlier than the notification
   * @returns the time that is stored, and whether it is this receipt's
   */
  async record(
    db: Database,
    receipt: { applicationId: string; notificationId: string; device: number; type: ReceiptType },
    at: Date | undefined,
    earliestAt: Date,
  ): Promise<{ at: Date; isNew: boolean }> {
    const { applicationId, notificationId, device, type } = receipt;
    const key = [notificationId, device, type];
    const inserted: { at: Date }[] = await db.query(
      `with added as (
         insert into receipt (notification_id, device_id, type, application_id, at)
         values ($1, $2, $3, $4, least(greatest(coalesce($5::timestamptz, carillon_now()), $6::timestamptz), carillon_now()))
         on conflict do nothing returning at)
       select at from added`,
      [...key, applicationId, at ?? null, earliestAt],
    );
    if (inserted[0]) return { at: inserted[0].at, isNew: true };
    const [known]: { at: Date }[] = await db.query(
      'select at from receipt where notification_id = $1 and device_id = $2 and type = $3',
      key,
    );
    if (!known) throw new Error('a receipt that exists cannot be read');
    return { at: known.at, isNew: false };
  }
}
