import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { words } from '../database/array-literal.js';
import { runPrepared } from '../database/prepared.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { LANES, PROVIDER_NAMES } from '../lib/names.js';
import type { FailingWebhook, MinuteTally } from './overview.js';
import type { GateState, LaneDepth } from './system.repository.js';
import { DEPTHS } from './system.repository.js';

/** One that is not open. */
export interface ClosedGate extends Omit<GateState, 'applicationId'> {
  /** When it closed; probes since then have not opened it. */
  since: Date;
}

const MAX_GATES = 200;
const MAX_WEBHOOKS = 50;

/** SQL of one application's overview. Reads sums and what is live, never the log. */
@Injectable()
export class OverviewRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  async now(): Promise<Date> {
    const [row] = await this.db.query('select carillon_now() as now');
    return row.now;
  }

  /** Provider calls by minute, from that minute on. */
  minutes(applicationId: string, from: Date): Promise<MinuteTally[]> {
    return runPrepared(this.db, MINUTES, [applicationId, from]);
  }

  laneDepths(applicationId: string): Promise<LaneDepth[]> {
    return runPrepared(this.db, LANE_DEPTHS, [applicationId, words(LANES), words(PROVIDER_NAMES)]);
  }

  gates(applicationId: string): Promise<ClosedGate[]> {
    return this.db.query(
      `select provider, scope, state, kind, reason, closed_until as "closedUntil", changed_at as "changedAt",
         coalesce((
           select at from gate_change c
           where c.application_id = $1 and c.provider = gate.provider and c.scope = gate.scope and c.is_closed
           order by at desc limit 1), changed_at) as since
       from gate where application_id = $1 and state <> 'open' order by changed_at desc limit ${MAX_GATES}`,
      [applicationId],
    );
  }

  /** Longest first; those that somebody turned off are no trouble. */
  failingWebhooks(applicationId: string): Promise<FailingWebhook[]> {
    return this.db.query(
      `select id, url, failing_since as "failingSince" from webhook
       where application_id = $1 and failing_since is not null and disabled_reason is distinct from 'requested'
       order by failing_since limit ${MAX_WEBHOOKS}`,
      [applicationId],
    );
  }
}

const MINUTES = {
  name: 'overview_minutes',
  text: `
  select minute, provider, lane, outcome, code, sum(n)::bigint as n, sum(latency_sum_ms)::bigint as "latencySumMs",
    array[${Array.from({ length: 10 }, (_, i) => `sum(latency_buckets[${i + 1}])`).join(', ')}]::float8[] as "latencyBuckets"
  from attempt_stat where application_id = $1 and minute >= $2
  group by minute, provider, lane, outcome, code order by minute`,
};

/** Of each lane and provider the part of the index that belongs to the application; planned once, for it looks into every partition. */
const LANE_DEPTHS = {
  name: 'overview_lanes',
  text: `
  with paused as materialized (
    select id from notification where application_id = $1 and state = 'paused' and completed_at is null
  ), present as materialized (select carillon_now() as now),
  place as materialized (
    select lane, provider from unnest($2::text[]) lane cross join unnest($3::text[]) provider
  ), live as (
    select place.lane, place.provider, b.state, b.not_before, b.notification_id, b.unsent
    from place cross join lateral (
      select state, not_before, notification_id,
        n - accepted - failed - moved - expired - cancelled - suppressed - unknown as unsent
      from dispatch_batch
      where lane = place.lane and provider = place.provider and application_id = $1 and state = 'pending'
      union all
      select state, not_before, notification_id,
        n - accepted - failed - moved - expired - cancelled - suppressed - unknown
      from dispatch_batch
      where lane = place.lane and provider = place.provider and application_id = $1 and state in ('queued', 'leased')) b
  ), ${DEPTHS}`,
};
