import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import type { Tally } from './stats.js';

/** Minutes older than this are no longer kept one by one. */
const MINUTES_KEPT = '3 days';
/** Hours older than this are no longer kept one by one. */
const HOURS_KEPT = '60 days';

/** SQL over `attempt_stat`, which the checkpoint writes: one row per minute, worker and way to end. */
@Injectable()
export class StatsRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  async now(): Promise<Date> {
    const [row] = await this.db.query('select carillon_now() as now');
    return row.now;
  }

  /**
   * What an application's calls came to, per bucket; buckets without calls are missing.
   *
   * @param bucketSeconds buckets begin at its multiples since 1970
   */
  tallies(applicationId: string, from: Date, to: Date, bucketSeconds: number): Promise<(Tally & { bucketAt: Date })[]> {
    return this.db.query(
      `select date_bin(make_interval(secs => $4::int), minute, 'epoch') as "bucketAt", ${TALLY}
       from attempt_stat where application_id = $1 and minute >= $2 and minute < $3
       group by 1, provider, outcome, code order by 1`,
      [applicationId, from, to, bucketSeconds],
    );
  }

  /** What all calls since then came to; `isSettled`: in minutes before `settledBefore`, which no longer change. */
  totals(since: Date | null, settledBefore: Date): Promise<(Tally & { isSettled: boolean })[]> {
    return this.db.query(
      `select minute < $2 as "isSettled", ${TALLY} from attempt_stat
       where minute >= coalesce($1::timestamptz, '-infinity') group by 1, provider, outcome, code`,
      [since, settledBefore],
    );
  }

  /**
   * Sums minutes of long ago into hours, and hours of very long ago into days, over all workers. Sums over everything stay the
   * same, so counters that are made of them never fall.
   *
   * @returns rows that were summed up
   */
  async compact(): Promise<number> {
    return (await this.compactTo('hour', MINUTES_KEPT)) + (await this.compactTo('day', HOURS_KEPT));
  }

  private async compactTo(unit: 'hour' | 'day', kept: string): Promise<number> {
    const [row] = await this.db.query(
      `with old as (
         delete from attempt_stat
         where minute < date_trunc('day', carillon_now() - $1::interval, 'UTC')
           and (worker <> '' or minute <> date_trunc('${unit}', minute, 'UTC'))
         returning *
       ), summed as (
         insert into attempt_stat as s (minute, worker, application_id, provider, lane, outcome, code, n, latency_buckets, latency_sum_ms)
         select date_trunc('${unit}', minute, 'UTC'), '', application_id, provider, lane, outcome, code,
           sum(n), ${BUCKET_SUMS}, sum(latency_sum_ms)
         from old group by 1, application_id, provider, lane, outcome, code
         on conflict (minute, application_id, provider, lane, outcome, code, worker) do update set
           n = s.n + excluded.n, latency_sum_ms = s.latency_sum_ms + excluded.latency_sum_ms,
           latency_buckets = (select array_agg(x + y order by p)
             from unnest(s.latency_buckets, excluded.latency_buckets) with ordinality as both_(x, y, p))
       )
       select count(*)::int as n from old`,
      [kept],
    );
    return row.n;
  }
}

const BUCKET_SUMS = `array[${Array.from({ length: 10 }, (_, i) => `sum(latency_buckets[${i + 1}])::bigint`).join(', ')}]`;
// float8, because pg gives arrays of bigint as strings.
const TALLY = `provider, outcome, code, sum(n)::bigint as n, ${BUCKET_SUMS}::float8[] as "latencyBuckets",
  sum(latency_sum_ms)::bigint as "latencySumMs"`;
