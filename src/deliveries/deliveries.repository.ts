import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import { type DeliveryStatus, marksOf } from './delivery.js';

/** What tells deliveries apart. `device` is the internal id. */
export interface DeliveryKey {
  notificationId: string;
  device: number;
}

/** What the newest batch of a delivery says about it. */
export interface BatchState {
  /** One character of `dispatch_batch.result`. */
  mark: string;
  state: 'pending' | 'queued' | 'leased' | 'done';
  notBefore: Date;
}

/** A delivery that belongs on a page, and where the next page continues after it. */
export interface ListedDelivery extends DeliveryKey {
  provider: ProviderName;
  /** Absent when the list came from the log and not from the batches. */
  batch?: BatchState;
  position: readonly (string | number)[];
}

export interface DeliveryFilter {
  status?: DeliveryStatus | undefined;
  provider?: ProviderName | undefined;
  code?: string | undefined;
}

export interface SearchFilter extends DeliveryFilter {
  status: DeliveryStatus;
  from: Date;
  to: Date;
}

/** Rows of a query that looks at a bounded part of the log. */
export interface BoundedList {
  rows: ListedDelivery[];
  /** Where to continue although the page is not full; undefined when it is, or when there is nothing more. */
  next: ListedDelivery['position'] | undefined;
}

/** Position in a list that is ordered by time, newest first: `at` with microseconds, notification id, internal device id. */
export type TimePosition = readonly [at: string, notificationId: string, device: number];

/** Batches read at once; four times as many each time that they overlap so much that the window holds less than a page. */
const FIRST_WINDOW_BATCHES = 8;
/** Log rows that one page of a search looks at, at most; it ends early there, with a cursor. */
const MAX_EXAMINED = 50_000;
/** The same where each row is compared with its delivery's later ones. */
const MAX_COMPARED = 2_000;

/**
 * Which deliveries belong on a page of the log. Every query is bounded, whatever the size of the notification. Bounds of time
 * come as values, so that the plan leaves out the partitions of other days.
 */
@Injectable()
export class DeliveriesRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** The database's clock. */
  async now(): Promise<Date> {
    const [row] = await this.db.query('select carillon_now() as now');
    return row.now;
  }

  /** Until when something can have been written about a notification; undefined when the application has no such one. */
  async findNotificationEnd(applicationId: string, id: string): Promise<Date | undefined> {
    const rows = await this.db.query(
      `select coalesce(completed_at, carillon_now()) + interval '1 hour' as "until" from notification
       where id = $1 and application_id = $2`,
      [id, applicationId],
    );
    return rows[0]?.until;
  }

  /** Deliveries of a notification by ascending device id, pending ones included; ids above `after`. */
  async ofNotification(
    notificationId: string,
    filter: Omit<DeliveryFilter, 'code'>,
    after: number,
    limit: number,
  ): Promise<ListedDelivery[]> {
    const marks = marksOf(filter.status);
    const found: ListedDelivery[] = [];
    let from = after;
    for (let window = FIRST_WINDOW_BATCHES; ; window *= 4) {
      const rows: BatchRow[] = await this.db.query(batchWindow(filter.status), [
        notificationId,
        from,
        filter.provider ?? null,
        marks.finished,
        marks.open,
        window,
        limit - found.length,
      ]);
      for (const row of rows) {
        if (row.device === null) continue;
        const { device, provider, mark, state, notBefore } = row;
        found.push({ notificationId, device, provider, batch: { mark, state, notBefore }, position: [device] });
      }
      const horizon = rows[0]?.horizon ?? null;
      if (found.length >= limit || horizon === null) return found;
      from = Math.max(from, horizon);
    }
  }

  /**
   * Deliveries of a notification whose latest log entry has that code and is not an acceptance, by ascending device id. A
   * page may be short or empty and still have a next one.
   */
  async ofNotificationByCode(
    notificationId: string,
    span: { since: Date; until: Date },
    filter: DeliveryFilter,
    after: number,
    limit: number,
  ): Promise<BoundedList> {
    const parameters = [
      notificationId,
      filter.code,
      after,
      filter.status ?? null,
      filter.provider ?? null,
      span.since,
      span.until,
    ];
    const rows: { device: number; provider: ProviderName }[] = await this.db.query(
      `select a.device_id as device, a.provider from (${WITH_CODE} limit $8) a where ${IS_LATEST}
       order by a.device_id limit $9`,
      [...parameters, MAX_COMPARED, limit],
    );
    const found = rows.map((row) => ({ ...row, notificationId, position: [row.device] }));
    if (rows.length === limit) return { rows: found, next: undefined };
    const [last] = await this.db.query(`select a.device_id as device from (${WITH_CODE} offset $8 limit 1) a`, [
      ...parameters,
      MAX_COMPARED - 1,
    ]);
    return { rows: found, next: last && [last.device] };
  }

  /** What a device was sent until then: one entry per notification, by its latest log entry, newest first. */
  async ofDevice(
    applicationId: string,
    device: number,
    until: Date,
    after: TimePosition | undefined,
    limit: number,
  ): Promise<ListedDelivery[]> {
    const rows: AttemptRow[] = await this.db.query(
      `select ${POSITION}, a.provider from delivery_attempt a
       where a.device_id = $1 and a.application_id = $2
         and a.at <= $3 and ($4::timestamptz is null or (a.at, a.notification_id) < ($4::timestamptz, $5::uuid))
         and ${IS_LATEST}
       order by a.at desc, a.notification_id desc limit $6`,
      [device, applicationId, after?.[0] ?? until, after?.[0] ?? null, after?.[1] ?? null, limit],
    );
    return rows.map(listed);
  }

  /** What the devices of a user were sent and what became of it, newest first. */
  async ofUser(
    applicationId: string,
    userId: string,
    filter: SearchFilter,
    after: TimePosition | undefined,
    limit: number,
  ): Promise<ListedDelivery[]> {
    const rows: AttemptRow[] = await this.db.query(
      `select page.* from device d, lateral (
         select ${POSITION}, a.provider from delivery_attempt a
         where a.device_id = d.id and a.application_id = $1 and a.status_after = $2 and ${IN_RANGE}
           and ($8::text is null or a.code = $8) and ($9::text is null or a.provider = $9) and ${IS_LATEST}
         order by a.at desc, a.notification_id desc limit $10) page
       where d.application_id = $1 and d.user_id = $11
       order by page.at desc, page."notificationId" desc, page.device desc limit $10`,
      [applicationId, ...rangeOf(filter, after), filter.code ?? null, filter.provider ?? null, limit, userId],
    );
    return rows.map(listed);
  }

  /**
   * Deliveries of an application that ended, or wait, in that status, newest first. A page may be short or empty and still
   * have a next one.
   */
  async search(
    applicationId: string,
    filter: SearchFilter,
    after: TimePosition | undefined,
    limit: number,
  ): Promise<BoundedList> {
    const isPending = filter.status === 'pending';
    const examined = isPending ? MAX_COMPARED : MAX_EXAMINED;
    const parameters = [applicationId, ...rangeOf(filter, after)];
    const rows: AttemptRow[] = await this.db.query(
      `select ${POSITION}, a.provider from (${IN_STATUS} limit $10) a
       where ($8::text is null or a.code = $8) and ($9::text is null or a.provider = $9) ${isPending ? `and ${HAS_NO_LATER}` : ''}
       order by a.at desc, a.notification_id desc, a.device_id desc limit $11`,
      [...parameters, filter.code ?? null, filter.provider ?? null, examined, limit],
    );
    if (rows.length === limit) return { rows: rows.map(listed), next: undefined };
    const [last]: Omit<AttemptRow, 'provider'>[] = await this.db.query(
      `select ${POSITION} from (${IN_STATUS} offset $8 limit 1) a`,
      [...parameters, examined - 1],
    );
    return { rows: rows.map(listed), next: last && positionOf(last) };
  }
}

interface BatchRow extends BatchState {
  /** The last device id that this window was complete for; null when it was the last window. */
  horizon: number | null;
  /** Null in the only row of an empty window. */
  device: number | null;
  provider: ProviderName;
}

interface AttemptRow {
  at: string;
  notificationId: string;
  device: number;
  provider: ProviderName;
}

function positionOf(row: Omit<AttemptRow, 'provider'>): TimePosition {
  return [row.at, row.notificationId, row.device];
}

function listed(row: AttemptRow): ListedDelivery {
  return { notificationId: row.notificationId, device: row.device, provider: row.provider, position: positionOf(row) };
}

/** The parameters $2 to $7 of {@link IN_STATUS} and {@link IN_RANGE}. */
function rangeOf(filter: SearchFilter, after: TimePosition | undefined): unknown[] {
  return [
    filter.status,
    filter.from,
    after?.[0] ?? filter.to,
    after?.[0] ?? null,
    after?.[1] ?? null,
    after?.[2] ?? null,
  ];
}

// Text, because a Date would lose the microseconds that tell neighbours apart.
const POSITION = `to_char(a.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
  a.notification_id as "notificationId", a.device_id as device`;

/**
 * No later entry of the same delivery. The end without a call is the later one of two at the same moment. With `offset 0` it is
 * asked row by row until the page is full; the planner would rather join it to everything a busy device was ever sent.
 */
const IS_LATEST = `not exists (
  select 1 from delivery_attempt later
  where later.notification_id = a.notification_id and later.device_id = a.device_id and later.at >= a.at
    and (later.at, later.batch_no, not later.is_call) > (a.at, a.batch_no, not a.is_call) offset 0)`;

const HAS_NO_LATER = `not exists (
  select 1 from delivery_attempt later
  where later.notification_id = a.notification_id and later.device_id = a.device_id and later.at > a.at)`;

const IN_RANGE = `a.at between $3 and $4
  and ($5::timestamptz is null or (a.at, a.notification_id, a.device_id) < ($5::timestamptz, $6::uuid, $7::bigint))`;

const WITH_CODE = `
  select * from delivery_attempt a
  where a.notification_id = $1 and a.code = $2 and a.status_after <> 'accepted' and a.device_id > $3
    and ($4::text is null or a.status_after = $4) and ($5::text is null or a.provider = $5)
    and a.at >= $6 and a.at <= $7
  order by a.device_id`;

// Only what the index holds, so that passing over many rows reads no table.
const IN_STATUS = `
  select a.at, a.notification_id, a.device_id, a.code, a.provider from delivery_attempt a
  where a.application_id = $1 and a.status_after = $2 and a.status_after <> 'accepted' and ${IN_RANGE}
  order by a.at desc, a.notification_id desc, a.device_id desc`;

/**
 * Batches of different providers and retries overlap in device ids. The window takes those that begin first; below the
 * beginning of the first batch outside of it, it is complete. In a finished batch, what moved belongs to the child.
 */
const batchWindow = (status: DeliveryStatus | undefined) => `
  with candidate as (
    select provider, state, not_before, device_ids, result, first_id,
      case when state = 'done' then $4 else $5 end as marks, row_number() over (order by first_id, batch_no) as place
    from dispatch_batch
    where notification_id = $1 and last_id > $2 and ($3::text is null or provider = $3)
      and ${mayHold(status)}
    order by first_id, batch_no limit $6::int + 1
  ), horizon as (
    select min(first_id) filter (where place > $6) - 1 as id from candidate
  )
  select horizon.id as horizon, page.* from horizon left join lateral (
    select d.device_id as device, c.provider, d.mark, c.state, c.not_before as "notBefore"
    from candidate c, unnest(c.device_ids, string_to_array(c.result, null)) d(device_id, mark)
    where c.place <= $6 and d.device_id > $2 and (horizon.id is null or d.device_id <= horizon.id)
      and position(d.mark in c.marks) > 0
    order by d.device_id limit $7) page on true
  order by page.device
`;

/** Batches that may hold such deliveries, by their counts, which are written with their results: reading those takes longer. */
function mayHold(status: DeliveryStatus | undefined): string {
  if (status === undefined) return `(state <> 'done' or moved < n)`;
  if (status === 'pending') return `state <> 'done'`;
  return `${status} > 0`;
}
