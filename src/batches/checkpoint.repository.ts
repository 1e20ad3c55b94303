import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { idRange } from '../lib/ids.js';
import type { Attempt, BatchCheckpoint } from './batch.js';

/** Writes what providers answered: the batch's results, the log and the statistics in one statement. */
@Injectable()
export class CheckpointRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * @param leaseMs new length of the lease
   * @returns indices of the batches that were written; the others are fenced: another worker holds them, nothing of them is stored
   */
  async write(
    worker: string,
    leaseMs: number,
    batches: readonly BatchCheckpoint[],
    attempts: readonly Attempt[],
    db: Database = this.db,
  ): Promise<Set<number>> {
    const ids = batches.map((batch) => batch.notificationId);
    const rows = await db.query(CHECKPOINT, [
      worker,
      leaseMs,
      ids,
      batches.map((batch) => batch.batchNo),
      batches.map((batch) => batch.epoch),
      batches.map((batch) => batch.result),
      batches.map((batch) => batch.isDone),
      attempts.map((attempt) => attempt.batch + 1),
      attempts.map((attempt) => attempt.deviceId),
      attempts.map((attempt) => attempt.isCall),
      attempts.map((attempt) => attempt.outcome),
      attempts.map((attempt) => attempt.code),
      attempts.map((attempt) => attempt.statusAfter),
      attempts.map((attempt) => (attempt.retryInMs === null ? null : Math.ceil(attempt.retryInMs))),
      attempts.map((attempt) => attempt.providerMessageId),
      attempts.map((attempt) => (attempt.latencyMs === null ? null : Math.round(attempt.latencyMs))),
      attempts.map((attempt) => attempt.detail),
      attempts.map((attempt) => Math.max(0, Math.round(attempt.ageMs))),
      ...idRange(ids),
    ]);
    return new Set(rows.map((row: { position: number }) => row.position - 1));
  }
}

// `claims` counts claims without progress; only an answer is progress, an intent is not.
const CHECKPOINT = `
  with input as (
    select * from unnest($3::uuid[], $4::bigint[], $5::int[], $6::text[], $7::boolean[])
      with ordinality as i(id, batch_no, epoch, result, is_done, position)
  ), answer as (
    select * from unnest($8::int[], $9::bigint[], $10::boolean[], $11::text[], $12::text[], $13::text[], $14::bigint[],
      $15::text[], $16::int[], $17::text[], $18::int[])
      as a(position, device_id, is_call, outcome, code, status_after, retry_ms, message_id, latency_ms, detail, age_ms)
  ), written as (
    update dispatch_batch b set result = i.result,
      state = case when i.is_done then 'done' else 'leased' end,
      lease_until = case when i.is_done then null else carillon_now() + make_interval(secs => $2 / 1000.0) end,
      claims = case when exists (select 1 from answer where answer.position = i.position) then 0 else b.claims end,
      first_attempt_at = coalesce(b.first_attempt_at,
        case when exists (select 1 from answer where answer.position = i.position and answer.is_call) then carillon_now() end),
      accepted = length(i.result) - length(replace(i.result, '1', '')),
      failed = length(i.result) - length(replace(i.result, '2', '')),
      moved = length(i.result) - length(replace(i.result, '3', '')),
      expired = length(i.result) - length(replace(i.result, '4', '')),
      cancelled = length(i.result) - length(replace(i.result, '5', '')),
      suppressed = length(i.result) - length(replace(i.result, '6', '')),
      unknown = length(i.result) - length(replace(i.result, '7', ''))
    from input i
    where b.notification_id = i.id and b.batch_no = i.batch_no and b.epoch = i.epoch and b.state = 'leased'
      and b.notification_id between $19 and $20
    returning i.position, b.notification_id, b.batch_no, b.application_id, b.provider, b.lane
  ), logged as (
    insert into delivery_attempt (at, application_id, notification_id, device_id, batch_no, is_call, provider, lane, outcome,
      code, status_after, retry_at, provider_message_id, latency_ms, detail)
    select carillon_now() - make_interval(secs => a.age_ms / 1000.0), w.application_id, w.notification_id, a.device_id,
      w.batch_no, a.is_call, w.provider, w.lane, a.outcome, a.code, a.status_after,
      carillon_now() + make_interval(secs => (a.retry_ms - a.age_ms) / 1000.0), a.message_id, a.latency_ms, a.detail
    from answer a join written w using (position)
  ), counted as (
    insert into attempt_stat as s (minute, worker, application_id, provider, lane, outcome, code, n, latency_buckets, latency_sum_ms)
    select date_trunc('minute', carillon_now()), $1, w.application_id, w.provider, w.lane, a.outcome, a.code, count(*),
      array[count(*) filter (where a.latency_ms <= 10),
        count(*) filter (where a.latency_ms > 10 and a.latency_ms <= 25),
        count(*) filter (where a.latency_ms > 25 and a.latency_ms <= 50),
        count(*) filter (where a.latency_ms > 50 and a.latency_ms <= 100),
        count(*) filter (where a.latency_ms > 100 and a.latency_ms <= 250),
        count(*) filter (where a.latency_ms > 250 and a.latency_ms <= 500),
        count(*) filter (where a.latency_ms > 500 and a.latency_ms <= 1000),
        count(*) filter (where a.latency_ms > 1000 and a.latency_ms <= 2500),
        count(*) filter (where a.latency_ms > 2500 and a.latency_ms <= 10000),
        count(*) filter (where a.latency_ms > 10000)],
      coalesce(sum(a.latency_ms), 0)
    from answer a join written w using (position)
    where a.is_call
    group by w.application_id, w.provider, w.lane, a.outcome, a.code
    -- The same order in every worker job: two upserts can wait for each other, but never in a circle.
    order by w.application_id, w.provider, w.lane, a.outcome, a.code
    on conflict (minute, application_id, provider, lane, outcome, code, worker) do update set
      n = s.n + excluded.n, latency_sum_ms = s.latency_sum_ms + excluded.latency_sum_ms,
      latency_buckets = (select array_agg(x + y order by p)
        from unnest(s.latency_buckets, excluded.latency_buckets) with ordinality as both_(x, y, p))
  )
  select position::int from written
`;
