import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import type { Device } from '../devices/device.js';
import type { BatchState, DeliveryKey } from './deliveries.repository.js';
import { earliestEntryAt } from './log.repository.js';

/** Notifications that are looked through for a device that they may be meant for. */
const MAX_UNPLANNED = 2_000;

/** Finds single deliveries: planned ones by their batch or their log, others by the audience that would hold them. */
@Injectable()
export class SingleRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** What the newest batch says that has this device; undefined when none has it, or the batches are not kept any more. */
  async findBatch({ notificationId, device }: DeliveryKey): Promise<BatchState | undefined> {
    const rows: BatchState[] = await this.db.query(
      `select substr(b.result, array_position(b.device_ids, $2::bigint), 1) as mark, b.state, b.not_before as "notBefore"
       from dispatch_batch b
       where b.notification_id = $1 and $2::bigint between b.first_id and b.last_id and $2::bigint = any(b.device_ids)
       order by b.batch_no desc limit 1`,
      [notificationId, device],
    );
    return rows[0];
  }

  /** Whether the log has anything about it. */
  async isLogged({ notificationId, device }: DeliveryKey, until: Date): Promise<boolean> {
    const rows = await this.db.query(
      `select 1 from delivery_attempt
       where notification_id = $1 and device_id = $2 and at between $3 and $4 limit 1`,
      [notificationId, device, earliestEntryAt(notificationId), until],
    );
    return rows.length === 1;
  }

  /**
   * Notifications that are meant for these devices, as they are now, and whose audience has not been walked up to them: scheduled ones,
   * large ones that are being planned, and those that were paused or cancelled before. By their time, the latest first.
   *
   * @param span which of them: due in that span, accepted before its end; or one alone
   */
  async unplannedFor(
    applicationId: string,
    devices: readonly Device[],
    span: { notificationId: string } | { from: Date; acceptedUntil: Date },
  ): Promise<(DeliveryKey & { sendAt: Date })[]> {
    const active = devices.filter(({ status }) => status === 'active');
    if (active.length === 0) return [];
    const isOne = 'notificationId' in span;
    const facts = active.map(({ id, publicId, userId, topics, tags }) => ({ id, publicId, userId, topics, tags }));
    return this.db.query(
      `select n.id as "notificationId", d.id as device, n.send_at as "sendAt"
       from (
         select id, send_at, audience, options, plan_cursor, plan_bound from notification
         where application_id = $1 and not is_planned and ${isOne ? 'id = $3' : 'send_at >= $3 and created_at <= $4'}
         order by send_at desc limit ${MAX_UNPLANNED}) n,
         jsonb_to_recordset($2::jsonb) d(id bigint, "publicId" text, "userId" text, topics jsonb, tags jsonb)
       where n.plan_cursor < d.id and (n.plan_bound is null or n.plan_bound >= d.id)
         and coalesce(n.options->>'realtime', 'never') <> 'only'
         and (n.audience ? 'all' or n.audience->'userIds' ? d."userId" or n.audience->'deviceIds' ? d."publicId"
           or n.audience->'topics' ?| array(select jsonb_array_elements_text(d.topics)) or n.audience->'tags' <@ d.tags)
       order by n.send_at desc limit ${MAX_UNPLANNED}`,
      [applicationId, JSON.stringify(facts), ...(isOne ? [span.notificationId] : [span.from, span.acceptedUntil])],
    );
  }
}
