import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { numbers, words } from '../database/array-literal.js';
import { runPrepared } from '../database/prepared.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { tellingOf } from '../events/event-log.js';
import { idRange } from '../lib/ids.js';
import type { ProviderName } from '../lib/names.js';
import type { BatchRef } from '../queue/queues.js';
import type { BatchProgress, ClaimedBatch, NewRoot } from './batch.js';

/** All SQL over `dispatch_batch` except feed and checkpoint: insert, claim, lease, finish, sweep. */
@Injectable()
export class BatchesRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Writes root batches. Those with `queuedMs` count as already handed to Bull for that long. */
  async insertRoots(
    db: Database,
    roots: readonly NewRoot[],
  ): Promise<{ notificationId: string; provider: ProviderName; batchNo: number; n: number }[]> {
    return db.query(
      `insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, device_ids, first_id,
         last_id, n, result, not_before, expires_at, queued_until)
       select r.id, nextval('dispatch_batch_no'), r.application_id, r.provider, r.lane,
         case when r.queued_ms is null then 'pending' else 'queued' end, r.ids::bigint[], r.first_id, r.last_id, r.n,
         repeat('0', r.n), carillon_now() + make_interval(secs => r.delay_ms / 1000.0), r.expires_at,
         carillon_now() + make_interval(secs => r.queued_ms / 1000.0)
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::int[], $6::text[], $7::text[], $8::bigint[],
         $9::bigint[], $10::int[], $11::int[])
         as r(id, application_id, lane, expires_at, queued_ms, provider, ids, first_id, last_id, n, delay_ms)
       returning notification_id as "notificationId", provider, batch_no as "batchNo", n`,
      [
        roots.map(({ notification }) => notification.id),
        roots.map(({ notification }) => notification.applicationId),
        roots.map(({ notification }) => notification.lane),
        roots.map(({ notification }) => notification.expiresAt),
        roots.map(({ queuedMs }) => queuedMs ?? null),
        roots.map(({ group }) => group.provider),
        roots.map(({ group }) => group.deviceIds),
        roots.map(({ group }) => group.firstId),
        roots.map(({ group }) => group.lastId),
        roots.map(({ group }) => group.n),
        roots.map(({ delayMs }) => delayMs ?? 0),
      ],
    );
  }

  /**
   * Takes the lease of those batches that are due and nobody holds; the others are left out of the answer.
   *
   * @param leaseMs how long the lease lasts on the database's clock
   */
  async claim(refs: readonly BatchRef[], leaseMs: number): Promise<ClaimedBatch[]> {
    const ids = refs.map((ref) => ref[0]);
    const rows = await runPrepared<ClaimedBatch & { ids: string }>(this.db, CLAIM, [
      words(ids),
      numbers(refs.map((ref) => ref[1])),
      leaseMs,
      ...idRange(ids),
    ]);
    return rows.map(({ ids: literal, ...row }) => ({
      ...row,
      deviceIds: parseIds(literal),
    }));
  }

  /** Extends leases; those missing from the answer are lost. */
  async renew(batches: readonly ClaimedBatch[], leaseMs: number): Promise<BatchRef[]> {
    const ids = batches.map((batch) => batch.notificationId);
    const [rows] = await this.db.query(
      `update dispatch_batch b set lease_until = carillon_now() + make_interval(secs => $4 / 1000.0)
       from unnest($1::uuid[], $2::bigint[], $3::int[]) as r(id, batch_no, epoch)
       where b.notification_id = r.id and b.batch_no = r.batch_no and b.epoch = r.epoch and b.state = 'leased'
         and b.notification_id between $5 and $6
       returning b.notification_id as id, b.batch_no`,
      [ids, batches.map((b) => b.batchNo), batches.map((b) => b.epoch), leaseMs, ...idRange(ids)],
    );
    return rows.map((row: { id: string; batch_no: number }) => [row.id, row.batch_no] as const);
  }

  /** Gives a lease back: what is unsent becomes due after `delayMs`. */
  async release(batch: ClaimedBatch, delayMs: number, db: Database = this.db): Promise<boolean> {
    const [rows] = await db.query(
      `update dispatch_batch set state = 'pending', lease_until = null, claims = greatest(claims - 1, 0),
         not_before = carillon_now() + make_interval(secs => $4 / 1000.0)
       where notification_id = $1 and batch_no = $2 and epoch = $3 and state = 'leased' returning 1`,
      [batch.notificationId, batch.batchNo, batch.epoch, delayMs],
    );
    return rows.length === 1;
  }

  /** Undoes the feeder's work for batches that were not claimed. */
  async unqueue(refs: readonly BatchRef[]): Promise<void> {
    await this.db.query(
      `update dispatch_batch b set state = 'pending', queued_until = null from unnest($1::uuid[], $2::bigint[]) as r(id, batch_no)
       where b.notification_id = r.id and b.batch_no = r.batch_no and b.state = 'queued'`,
      [refs.map((ref) => ref[0]), refs.map((ref) => ref[1])],
    );
  }

  /** Ends a batch of which nothing is pending, and makes the children of what was moved. False: the lease was lost. */
  async finish(batch: ClaimedBatch): Promise<boolean> {
    const rows = await this.db.query(FINISH, [batch.notificationId, batch.batchNo, batch.epoch]);
    return rows[0].finished === 1;
  }

  /** Sums over the batches of these notifications; one that has none is missing. */
  async progress(db: Database, ids: readonly string[]): Promise<({ notificationId: string } & BatchProgress)[]> {
    return db.query(
      `select notification_id as "notificationId",
         coalesce(sum(n) filter (where parent_batch is null), 0)::int as planned,
         sum(accepted)::int as accepted, sum(failed)::int as failed, sum(expired)::int as expired,
         sum(cancelled)::int as cancelled, sum(suppressed)::int as suppressed, sum(unknown)::int as unknown,
         sum(moved)::int as moved, count(*) filter (where state <> 'done')::int as open, min(first_attempt_at) as "firstAttemptAt"
       from dispatch_batch where notification_id = any($1) and notification_id between $2 and $3 group by 1`,
      [ids, ...idRange(ids)],
    );
  }

  /** Returns what Bull lost and what dead workers held. */
  async sweepLeases(): Promise<{ queued: number; leased: number }> {
    const rows = await runPrepared<{ was: string }>(this.db, SWEEP_LEASES, []);
    const queued = rows.filter(({ was }) => was === 'queued').length;
    return { queued, leased: rows.length - queued };
  }

  /** Notifications with unsent batches whose time has passed. */
  async expired(limit: number): Promise<string[]> {
    const rows = await runPrepared<{ id: string }>(this.db, EXPIRED, [limit]);
    return rows.map(({ id }) => id);
  }

  /**
   * Ends what is unsent in up to `limit` batches that no worker holds, with an entry in the log for each delivery.
   * Returns how many batches it touched; call again until 0.
   */
  async endPending(db: Database, notificationId: string, end: EndPending, limit: number): Promise<number> {
    const rows = await db.query(END_PENDING, [
      notificationId,
      end.result,
      end.status,
      end.code,
      end.onlyExpired,
      limit,
    ]);
    return rows[0].n;
  }
}

/** How {@link BatchesRepository.endPending} ends deliveries. */
export interface EndPending {
  result: string;
  status: string;
  code: string;
  onlyExpired: boolean;
}

function parseIds(literal: string): number[] {
  return literal.slice(1, -1).split(',').map(Number);
}

// These two look into every partition once a second: planning that takes twenty times as long as looking.
const SWEEP_LEASES = {
  name: 'sweep_leases',
  text: `
  with late as (
    select notification_id, batch_no, state from dispatch_batch
    where state in ('queued', 'leased') and coalesce(lease_until, queued_until) < (select carillon_now())
    limit 5000 for update skip locked)
  update dispatch_batch b
  set state = 'pending', queued_until = null, lease_until = null, not_before = least(b.not_before, (select carillon_now()))
  from late where b.notification_id = late.notification_id and b.batch_no = late.batch_no
  returning late.state as was`,
};
const EXPIRED = {
  name: 'expired_notifications',
  text: `
  select distinct notification_id as id from (
    select notification_id from dispatch_batch
    where state in ('pending', 'queued') and expires_at <= (select carillon_now()) order by expires_at limit $1) late`,
};

const CLAIM = {
  name: 'claim',
  text: `
  with moment as materialized (
    select carillon_now() as now
  )
  update dispatch_batch b
  set state = 'leased', epoch = epoch + 1, claims = claims + 1, queued_until = null,
      lease_until = moment.now + make_interval(secs => $3 / 1000.0)
  from unnest($1::uuid[], $2::bigint[]) as r(id, batch_no), moment
  where b.notification_id = r.id and b.batch_no = r.batch_no and b.notification_id between $4 and $5
    and (b.state = 'queued' or (b.state = 'pending' and b.not_before <= moment.now)
         or (b.state = 'leased' and b.lease_until < moment.now))
  returning b.notification_id as "notificationId", b.batch_no as "batchNo", b.application_id as "applicationId",
    b.provider, b.lane, b.step, b.claims, b.epoch, b.device_ids::text as ids, b.result,
    b.expires_at as "expiresAt", moment.now as "claimedAt"`,
};

/**
 * Children come from what the log says of each moved delivery, one per step and second of its retry, rounded up so that
 * nothing goes out early. A throttled delivery keeps its step: waiting for a quota is no failure.
 */
const FINISH = `
  with batch as (
    update dispatch_batch set state = 'done', lease_until = null
    where notification_id = $1 and batch_no = $2 and epoch = $3 and state = 'leased'
      and position('0' in result) = 0 and position('8' in result) = 0 and position('9' in result) = 0
    returning *
  ), moved as (
    select d.device_id from batch, unnest(batch.device_ids) with ordinality d(device_id, position)
    where substr(batch.result, d.position::int, 1) = '3'
  ), due as (
    select moved.device_id, batch.step + case when last.outcome = 'throttled' then 0 else 1 end as step,
      date_trunc('second', last.retry_at) + interval '1 second' as not_before
    from batch, moved, lateral (
      select a.outcome, a.retry_at from delivery_attempt a
      where a.notification_id = $1 and a.device_id = moved.device_id and a.batch_no = $2 and a.retry_at is not null
      order by a.at desc limit 1) last
  ), children as (
    insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, parent_batch, step, device_ids,
      first_id, last_id, n, result, not_before, expires_at)
    select batch.notification_id, nextval('dispatch_batch_no'), batch.application_id, batch.provider, batch.lane, 'pending',
      batch.batch_no, due.step, array_agg(due.device_id order by due.device_id), min(due.device_id), max(due.device_id),
      count(*), repeat('0', count(*)::int), due.not_before, batch.expires_at
    from batch, due
    group by batch.notification_id, batch.application_id, batch.provider, batch.lane, batch.batch_no, batch.expires_at,
      due.step, due.not_before
    returning 1
  )
  select (select count(*) from batch)::int as finished, (select count(*) from children)::int as children
`;

/**
 * A batch whose finish was cut off still owes children for what was moved: it stays pending, and the worker that claims it
 * makes them. An intent of an at-most-once notification may have gone out: it ends as unknown.
 */
const END_PENDING = `
  with candidate as (
    select batch_no, sum(n) over (order by batch_no) - n as deliveries_before from dispatch_batch
    where notification_id = $1 and state in ('pending', 'queued') and (not $5::boolean or expires_at <= carillon_now())
      and result ~ '[089]'
    order by batch_no limit 1000
  ), target as (
    select b.notification_id, b.batch_no, b.result as before,
      translate(b.result, '089', $2::text || case when n.semantics = 'at_most_once' then '77' else $2::text || $2::text end) as after,
      -- What remains of the marks when the others are taken out: so many unsent ones, and intents.
      length(translate(b.result, '123456789', '')) as unsent, length(translate(b.result, '01234567', '')) as intents,
      n.semantics = 'at_most_once' as may_be_sent
    from candidate join dispatch_batch b using (batch_no) join notification n on n.id = b.notification_id
    where b.notification_id = $1 and b.state in ('pending', 'queued') and candidate.deliveries_before < $6
    for update of b skip locked
  ), ended as (
    update dispatch_batch b set result = target.after, epoch = b.epoch + 1, claims = 0, queued_until = null,
      state = case when position('3' in target.after) > 0 then 'pending' else 'done' end,
      not_before = least(b.not_before, carillon_now()),
      failed = length(target.after) - length(replace(target.after, '2', '')),
      expired = length(target.after) - length(replace(target.after, '4', '')),
      cancelled = length(target.after) - length(replace(target.after, '5', '')),
      unknown = length(target.after) - length(replace(target.after, '7', '')),
      failures = carillon_add_counts(b.failures, jsonb_strip_nulls(jsonb_build_object(
        $3::text || ' ' || $4::text, nullif(unsent + case when may_be_sent then 0 else intents end, 0),
        'unknown worker_lost', case when may_be_sent then nullif(intents, 0) end)))
    from target where b.notification_id = target.notification_id and b.batch_no = target.batch_no
    returning b.application_id, b.notification_id, b.batch_no, b.device_ids, b.provider, b.lane, target.before, target.after
  ), logged as (
    insert into delivery_attempt (at, application_id, notification_id, device_id, batch_no, is_call, provider, lane, outcome, code, status_after)
    select carillon_now(), e.application_id, e.notification_id, d.device_id, e.batch_no, false, e.provider, e.lane, '',
      case when substr(e.after, d.position::int, 1) = '7' then 'worker_lost' else $4::text end,
      case when substr(e.after, d.position::int, 1) = '7' then 'unknown' else $3::text end
    from ended e, unnest(e.device_ids) with ordinality d(device_id, position)
    where substr(e.before, d.position::int, 1) in ('0', '8', '9')
    returning application_id, notification_id, device_id, provider, code, status_after
  ), fact as (
    select 0 as position, application_id, 'delivery.' || status_after as type, notification_id, device_id,
      jsonb_build_object('provider', provider, 'code', code) as data
    from logged where status_after in ('failed', 'expired')
  ), ${tellingOf('fact')}
  select (select count(*) from ended)::int as n, (select count(*) from logged)::int as deliveries
`;
