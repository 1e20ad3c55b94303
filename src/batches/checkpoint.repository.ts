import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { documents, numbers, texts } from '../database/array-literal.js';
import { runPrepared } from '../database/prepared.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { idRange } from '../lib/ids.js';
import type { Attempt, BatchCheckpoint } from './batch.js';
import { tallyAttempts } from './checkpoint-tally.js';

/** Writes what providers answered: the batches' results, the log and the statistics in one statement. */
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
    const { answers, kinds, kindOf, counts, failures } = tallyAttempts(batches.length, attempts);
    const rows = await runPrepared<{ position: number }>(db, CHECKPOINT, [
      worker,
      leaseMs,
      ids,
      numbers(batches.map((batch) => batch.batchNo)),
      numbers(batches.map((batch) => batch.epoch)),
      texts(batches.map((batch) => batch.result)),
      batches.map((batch) => batch.isDone),
      batches.map((_, batch) => answers[batch] !== 'none'),
      batches.map((_, batch) => answers[batch] === 'call'),
      kinds.map((kind) => kind.isCall),
      kinds.map((kind) => kind.outcome),
      kinds.map((kind) => kind.code),
      kinds.map((kind) => kind.statusAfter),
      counts.map((count) => count.batch + 1),
      counts.map((count) => count.kind + 1),
      counts.map((count) => count.n),
      counts.map((count) => numbers(count.latencyBuckets)),
      counts.map((count) => count.latencySumMs),
      numbers(attempts.map((attempt) => attempt.batch + 1)),
      numbers(kindOf.map((kind) => kind + 1)),
      numbers(attempts.map((attempt) => attempt.deviceId)),
      numbers(attempts.map((attempt) => attempt.latencyMs && Math.round(attempt.latencyMs))),
      numbers(attempts.map((attempt) => Math.max(0, Math.round(attempt.ageMs)))),
      sparse(attempts, 'providerMessageId', texts),
      sparse(attempts, 'detail', texts),
      sparse(attempts, 'retryInMs', (values) => numbers(values.map((value) => value && Math.ceil(value)))),
      ...idRange(ids),
      failures.some((ofBatch) => ofBatch !== undefined) ? documents(failures) : '{}',
    ]);
    return new Set(rows.map((row) => row.position - 1));
  }
}

/** A column that most checkpoints have nothing in: `unnest` fills what is missing with NULL. */
function sparse<Name extends 'providerMessageId' | 'detail' | 'retryInMs'>(
  attempts: readonly Attempt[],
  name: Name,
  literal: (values: Attempt[Name][]) => string,
): string {
  return attempts.some((attempt) => attempt[name] !== null) ? literal(attempts.map((attempt) => attempt[name])) : '{}';
}

// `claims` counts claims without progress; only an answer is progress, an intent is not. The time is taken once: a call of
// carillon_now() for each row costs more than the row. What attempts have in common comes once, as their kind.
const CHECKPOINT = {
  name: 'checkpoint',
  text: `
  with moment as materialized (
    select carillon_now() as now
  ), input as (
    select * from unnest($3::uuid[], $4::bigint[], $5::int[], $6::text[], $7::boolean[], $8::boolean[], $9::boolean[],
      $29::text[]) with ordinality as i(id, batch_no, epoch, result, is_done, has_answer, has_call, failures, position)
  ), kind as materialized (
    select * from unnest($10::boolean[], $11::text[], $12::text[], $13::text[])
      with ordinality as k(is_call, outcome, code, status_after, kind)
  ), written as (
    update dispatch_batch b set result = i.result,
      state = case when i.is_done then 'done' else 'leased' end,
      lease_until = case when i.is_done then null else moment.now + make_interval(secs => $2 / 1000.0) end,
      claims = case when i.has_answer then 0 else b.claims end,
      first_attempt_at = case when i.has_call then coalesce(b.first_attempt_at, moment.now) else b.first_attempt_at end,
      accepted = length(i.result) - length(replace(i.result, '1', '')),
      failed = length(i.result) - length(replace(i.result, '2', '')),
      moved = length(i.result) - length(replace(i.result, '3', '')),
      expired = length(i.result) - length(replace(i.result, '4', '')),
      cancelled = length(i.result) - length(replace(i.result, '5', '')),
      suppressed = length(i.result) - length(replace(i.result, '6', '')),
      unknown = length(i.result) - length(replace(i.result, '7', '')),
      failures = case when i.failures is null then b.failures else carillon_add_counts(b.failures, i.failures::jsonb) end
    from input i, moment
    where b.notification_id = i.id and b.batch_no = i.batch_no and b.epoch = i.epoch and b.state = 'leased'
      and b.notification_id between $27 and $28
    returning i.position, b.notification_id, b.batch_no, b.application_id, b.provider, b.lane
  ), logged as (
    insert into delivery_attempt (at, application_id, notification_id, device_id, batch_no, is_call, provider, lane, outcome,
      code, status_after, retry_at, provider_message_id, latency_ms, detail)
    select moment.now - a.age_ms * interval '1 millisecond', w.application_id, w.notification_id, a.device_id, w.batch_no,
      k.is_call, w.provider, w.lane, k.outcome, k.code, k.status_after,
      moment.now + (a.retry_ms - a.age_ms) * interval '1 millisecond', a.message_id, a.latency_ms, a.detail
    from unnest($19::int[], $20::int[], $21::bigint[], $22::int[], $23::int[], $24::text[], $25::text[], $26::bigint[])
        as a(position, kind, device_id, latency_ms, age_ms, message_id, detail, retry_ms)
      join written w using (position) join kind k using (kind), moment
  ), counted as (
    insert into attempt_stat as s (minute, worker, application_id, provider, lane, outcome, code, n, latency_buckets, latency_sum_ms)
    select date_trunc('minute', moment.now), $1, w.application_id, w.provider, w.lane, k.outcome, k.code, sum(c.n),
      array[sum(buckets[1]), sum(buckets[2]), sum(buckets[3]), sum(buckets[4]), sum(buckets[5]), sum(buckets[6]),
        sum(buckets[7]), sum(buckets[8]), sum(buckets[9]), sum(buckets[10])],
      sum(c.latency_sum_ms)
    from unnest($14::int[], $15::int[], $16::int[], $17::text[], $18::bigint[])
        as c(position, kind, n, latency_buckets, latency_sum_ms)
      join written w using (position) join kind k using (kind), moment, lateral (select c.latency_buckets::bigint[] as buckets) b
    group by moment.now, w.application_id, w.provider, w.lane, k.outcome, k.code
    -- The same order in every statement: two upserts can wait for each other, but never in a circle.
    order by w.application_id, w.provider, w.lane, k.outcome, k.code
    on conflict (minute, application_id, provider, lane, outcome, code, worker) do update set
      n = s.n + excluded.n, latency_sum_ms = s.latency_sum_ms + excluded.latency_sum_ms,
      latency_buckets = (select array_agg(x + y order by p)
        from unnest(s.latency_buckets, excluded.latency_buckets) with ordinality as both_(x, y, p))
  )
  select position::int from written`,
};
