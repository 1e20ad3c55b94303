import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { RESULT } from '../batches/batch.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { LANES, type ProviderName } from '../lib/names.js';
import type { BatchState, DeliveryKey } from './deliveries.repository.js';

/** One entry of the log, as far as it tells which delivery to look at. */
export interface Trace extends DeliveryKey {
  provider: ProviderName;
  at: Date;
}

/** A delivery that waits in a batch. */
export interface WaitingTrace extends DeliveryKey {
  provider: ProviderName;
  batch: BatchState;
}

const PENDING_MARKS = [RESULT.pending, RESULT.moved, RESULT.intent, RESULT.intentAfterCrash].join('');
/** Deliveries that wait for one person, at most; who has more of them has another problem. */
const MAX_WAITING = 1_000;

/** Unfinished batches that are looked into, of those whose range of devices includes one of these. */
const MAX_BATCHES = 10_000;

/** Which deliveries of some devices concern a span of time. Every query looks at a bounded part of the log. */
@Injectable()
export class WhyRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Log entries of that span; the latest `perDevice` of each device. */
  within(applicationId: string, devices: readonly number[], from: Date, to: Date, perDevice: number): Promise<Trace[]> {
    return this.db.query(
      `select found.notification_id as "notificationId", d.id as device, found.provider, found.at
       from unnest($1::bigint[]) d(id), lateral (
         select a.notification_id, a.provider, a.at from delivery_attempt a
         where a.device_id = d.id and a.application_id = $2 and a.at between $3 and $4
         order by a.at desc limit $5) found`,
      [devices, applicationId, from, to, perDevice],
    );
  }

  /**
   * Of the first `perDevice` log entries of each device after a time, those about notifications that are older than it: they
   * were waiting then.
   *
   * @param before the smallest id of a notification that is not older
   */
  after(
    applicationId: string,
    devices: readonly number[],
    span: { after: Date; until: Date; before: string },
    perDevice: number,
  ): Promise<Trace[]> {
    return this.db.query(
      `select found.notification_id as "notificationId", d.id as device, found.provider, found.at
       from unnest($1::bigint[]) d(id), lateral (
         select a.notification_id, a.provider, a.at from delivery_attempt a
         where a.device_id = d.id and a.application_id = $2 and a.at > $3 and a.at <= $4
         order by a.at limit $6) found
       where found.notification_id < $5`,
      [devices, applicationId, span.after, span.until, span.before, perDevice],
    );
  }

  /**
   * Deliveries to these devices that wait at this moment, attempted or not.
   *
   * @param before the smallest id of a notification that does not count
   */
  async waiting(applicationId: string, devices: readonly number[], before: string): Promise<WaitingTrace[]> {
    const rows: (DeliveryKey & BatchState & { provider: ProviderName })[] = await this.db.query(WAITING, [
      applicationId,
      devices,
      LANES,
      before,
      Math.min(...devices),
      Math.max(...devices),
      PENDING_MARKS,
    ]);
    return rows.map(({ notificationId, device, provider, mark, state, notBefore }) => {
      return { notificationId, device, provider, batch: { mark, state, notBefore } };
    });
  }
}

// Both indexes of unfinished batches begin with the lane; the one of those in workers' hands knows no application, but they are few.
const unfinished = (states: string) => `
  (select notification_id, batch_no, provider, state, not_before, device_ids, result, first_id, last_id from dispatch_batch
   where lane = any($3::text[]) and application_id = $1 and notification_id < $4 and first_id <= $6 and last_id >= $5
     and state ${states} and exists (select 1 from unnest($2::bigint[]) one(id) where one.id between first_id and last_id)
   limit ${MAX_BATCHES})`;

// Each array is unpacked once (`||`), and only where a device can be in it; then its order finds the device.
const WAITING = `
  select distinct on (b.notification_id, d.id) b.notification_id as "notificationId", d.id as device, b.provider,
    substr(b.result, found.place, 1) as mark, b.state, b.not_before as "notBefore"
  from (${unfinished("= 'pending'")} union all ${unfinished("in ('queued', 'leased')")}) b,
    lateral (select b.device_ids || '{}'::bigint[] as ids offset 0) unpacked,
    unnest($2::bigint[]) d(id), lateral (select width_bucket(d.id, unpacked.ids) as place offset 0) found
  where unpacked.ids[found.place] = d.id and position(substr(b.result, found.place, 1) in $7) > 0
  order by b.notification_id desc, d.id, b.batch_no desc limit ${MAX_WAITING}`;
