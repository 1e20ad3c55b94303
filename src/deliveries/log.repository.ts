import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import { idRange, uuidV7Time } from '../lib/ids.js';
import type { OutcomeKind } from '../providers/provider.js';
import type { BatchState, DeliveryKey } from './deliveries.repository.js';
import type { DeliveryStatus, ReceiptType } from './delivery.js';

/** One row of `delivery_attempt`. */
export interface LogEntry extends DeliveryKey {
  at: Date;
  batchNo: number;
  isCall: boolean;
  /** Empty when there was no call. */
  outcome: OutcomeKind | '';
  code: string;
  statusAfter: DeliveryStatus;
  retryAt: Date | null;
  providerMessageId: string | null;
  latencyMs: number | null;
  detail: string | null;
}

export interface ReceiptEntry extends DeliveryKey {
  type: ReceiptType;
  at: Date;
}

/** Entries shown per delivery; an hourly retry over the longest TTL makes 672. */
const MAX_ENTRIES_PER_DELIVERY = 1_000;
/** Milliseconds by which the clock of the worker that wrote an attempt may differ from the database's or the api's. */
export const CLOCK_SKEW_MS = 300_000;

/** The earliest moment at which anything can have been written about a notification. */
export function earliestEntryAt(notificationId: string): Date {
  return new Date(uuidV7Time(notificationId).getTime() - CLOCK_SKEW_MS);
}

/** What the log holds about given deliveries; the lists have found out which. */
@Injectable()
export class LogRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * All entries of these deliveries, oldest first.
   *
   * @param until nothing was written after it; bounds the days that are looked at
   */
  async entries(keys: readonly DeliveryKey[], until: Date): Promise<LogEntry[]> {
    if (keys.length === 0) return [];
    // Neither sorted nor bounded by time for each key: that would draw the planner to the index by device and time, over
    // everything a busy device was ever sent.
    return this.db.query(
      `select a.notification_id as "notificationId", a.device_id as device, a.at, a.batch_no as "batchNo", a.is_call as "isCall",
         a.outcome, a.code, a.status_after as "statusAfter", a.retry_at as "retryAt",
         a.provider_message_id as "providerMessageId", a.latency_ms as "latencyMs", a.detail
       from unnest($1::uuid[], $2::bigint[]) k(notification_id, device_id), lateral (
         select * from delivery_attempt a
         where a.notification_id = k.notification_id and a.device_id = k.device_id and a.at between $3 and $4
         limit ${MAX_ENTRIES_PER_DELIVERY}) a
       order by a.at, a.batch_no, a.is_call desc`,
      [...columns(keys), earliestEntryAt(idRangeOf(keys)[0]), until],
    );
  }

  /** What the newest batch says, for deliveries that wait; `batchNo`: any batch that they were in. */
  async batches(keys: readonly (DeliveryKey & { batchNo: number })[]): Promise<(DeliveryKey & BatchState)[]> {
    if (keys.length === 0) return [];
    return this.db.query(
      `select k.notification_id as "notificationId", k.device_id as device, newest.*
       from unnest($1::uuid[], $2::bigint[], $3::bigint[]) k(notification_id, device_id, batch_no), lateral (
         select substr(b.result, array_position(b.device_ids, k.device_id), 1) as mark, b.state, b.not_before as "notBefore"
         from dispatch_batch b
         where b.notification_id = k.notification_id and b.notification_id between $4 and $5 and b.batch_no >= k.batch_no
           and k.device_id between b.first_id and b.last_id and k.device_id = any(b.device_ids)
         order by b.batch_no desc limit 1) newest`,
      [...columns(keys), keys.map((key) => key.batchNo), ...idRangeOf(keys)],
    );
  }

  /** Oldest first. */
  async receipts(keys: readonly DeliveryKey[]): Promise<ReceiptEntry[]> {
    if (keys.length === 0) return [];
    return this.db.query(
      `select r.notification_id as "notificationId", r.device_id as device, r.type, r.at
       from unnest($1::uuid[], $2::bigint[]) k(notification_id, device_id), lateral (
         select * from receipt r
         where r.notification_id = k.notification_id and r.device_id = k.device_id and r.notification_id between $3 and $4) r
       order by r.at, r.type`,
      [...columns(keys), ...idRangeOf(keys)],
    );
  }
}

function columns(keys: readonly DeliveryKey[]): [string[], number[]] {
  return [keys.map((key) => key.notificationId), keys.map((key) => key.device)];
}

// Known before the query runs, so that the partitions of other days are left out of its plan; what each key says is not.
const idRangeOf = (keys: readonly DeliveryKey[]) => idRange(keys.map((key) => key.notificationId));
