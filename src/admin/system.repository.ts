import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import type { Lane, ProviderName } from '../lib/names.js';

/** What waits in one lane for one provider. Deliveries, not batches. */
export interface LaneDepth {
  lane: Lane;
  provider: ProviderName;
  /** Could be sent now: nobody has taken them, or they are on their way to a worker. */
  due: number;
  /** Unsent in batches that workers hold. */
  sending: number;
  /** Wait for their retry. */
  waiting: number;
  /** Of notifications that are paused. */
  paused: number;
  /** When the oldest of `due` became due. */
  oldestDueAt: Date | null;
}

export interface GateState {
  applicationId: string;
  provider: ProviderName;
  /** The push service's origin for Web Push, else ''. */
  scope: string;
  state: 'half_open' | 'closed';
  kind: 'throttled' | 'breaker' | 'credential';
  reason: string;
  closedUntil: Date;
  changedAt: Date;
}

export interface MassGuardState {
  applicationId: string;
  provider: ProviderName;
  trippedAt: Date;
  /** Devices that were set aside and are active again. */
  restored: number;
}

export interface WorkerActivity {
  worker: string;
  lastAttemptAt: Date;
  /** In the last 15 minutes. */
  attempts: number;
}

/** What waits, by lane and provider, of the batches `live`; `paused` and `present` are there, too. The end of a `with` statement. */
export const DEPTHS = `
  placed as (
    select lane, provider, unsent, not_before, case
      when state = 'leased' then 'sending'
      when notification_id in (select id from paused) then 'paused'
      when state = 'queued' or not_before <= (select now from present) then 'due'
      else 'waiting' end as place
    from live
  )
  select lane, provider,
    coalesce(sum(unsent) filter (where place = 'due'), 0)::int as due,
    coalesce(sum(unsent) filter (where place = 'sending'), 0)::int as sending,
    coalesce(sum(unsent) filter (where place = 'waiting'), 0)::int as waiting,
    coalesce(sum(unsent) filter (where place = 'paused'), 0)::int as paused,
    min(not_before) filter (where place = 'due') as "oldestDueAt"
  from placed group by lane, provider order by lane, provider`;

/** What operators ask of the whole installation. Every query reads what is live, never what is past. */
@Injectable()
export class SystemRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  async now(): Promise<Date> {
    const [row] = await this.db.query('select carillon_now() as now');
    return row.now;
  }

  laneDepths(): Promise<LaneDepth[]> {
    return this.db.query(
      `with paused as materialized (select id from notification where state = 'paused' and completed_at is null),
       present as materialized (select carillon_now() as now),
       live as (
         select lane, provider, state, not_before, notification_id,
           n - accepted - failed - moved - expired - cancelled - suppressed - unknown as unsent
         from dispatch_batch where state = 'pending'
         union all
         select lane, provider, state, not_before, notification_id,
           n - accepted - failed - moved - expired - cancelled - suppressed - unknown
         from dispatch_batch where state in ('queued', 'leased')
       ), ${DEPTHS}`,
    );
  }

  /** Notifications whose audience is still being resolved, or should be. */
  async unplanned(): Promise<number> {
    const [row] = await this.db.query(
      `select count(*)::int as n from notification
       where not is_planned and state in ('scheduled', 'planning') and plan_wake_at <= (select carillon_now())`,
    );
    return row.n;
  }

  /** Those that are not open. */
  gates(): Promise<GateState[]> {
    return this.db.query(
      `select application_id as "applicationId", provider, scope, state, kind, reason, closed_until as "closedUntil",
         changed_at as "changedAt"
       from gate where state <> 'open' order by changed_at desc limit 1000`,
    );
  }

  massGuards(): Promise<MassGuardState[]> {
    return this.db.query(
      `select application_id as "applicationId", provider, tripped_at as "trippedAt", restored
       from mass_guard order by tripped_at desc limit 1000`,
    );
  }

  /** Workers that made provider calls in the last 15 minutes. */
  workers(): Promise<WorkerActivity[]> {
    return this.db.query(
      `select worker, max(minute) as "lastAttemptAt", sum(n)::int as attempts from attempt_stat
       where minute >= carillon_now() - interval '15 minutes' and worker <> '' group by worker order by worker`,
    );
  }

  /** Notifications accepted from `since` up to `until`, by the time in their ids. */
  async accepted(since: Date, until: Date): Promise<number> {
    const [row] = await this.db.query(
      'select count(*)::int as n from notification where id >= carillon_uuid_floor($1) and id < carillon_uuid_floor($2)',
      [since, until],
    );
    return row.n;
  }

  /**
   * Notifications whose books do not balance: of those accepted in the last minutes, and of those that have not ended, the
   * newest `limit` of each.
   */
  async violations(minutes: number, limit: number): Promise<{ notificationId: string; rule: string }[]> {
    return this.db.query(VIOLATIONS, [minutes, limit]);
  }
}

/**
 * `planned`: what was planned is in root batches. `ended`: everything planned has ended. `batch`: a finished batch has an end
 * for each delivery. `moved`: what was moved is in child batches.
 */
const VIOLATIONS = `
  with recent as materialized (
    (select id, planned, completed_at, accepted + failed + expired + cancelled + suppressed + unknown as ended
     from notification where id >= carillon_uuid_floor(carillon_now() - make_interval(mins => $1)) order by id desc limit $2)
    union
    (select id, planned, completed_at, accepted + failed + expired + cancelled + suppressed + unknown
     from notification where completed_at is null order by id desc limit $2)
  ), batch as materialized (
    select b.notification_id, b.batch_no, b.parent_batch, b.n, b.moved, b.state,
      b.accepted + b.failed + b.moved + b.expired + b.cancelled + b.suppressed + b.unknown as ended
    from recent r join dispatch_batch b on b.notification_id = r.id
    where b.notification_id between (select id from recent order by id limit 1) and (select id from recent order by id desc limit 1)
  ), roots as (
    select notification_id, sum(n) as n from batch where parent_batch is null group by 1
  ), children as (
    select notification_id, parent_batch, sum(n) as n from batch where parent_batch is not null group by 1, 2
  )
  select id as "notificationId", 'planned' as rule from recent left join roots on roots.notification_id = recent.id
    where planned <> coalesce(roots.n, 0)
  union all
  select id, 'ended' from recent where completed_at is not null and planned <> ended
  union all
  select distinct notification_id, 'batch' from batch where state = 'done' and n <> ended
  union all
  select distinct b.notification_id, 'moved' from batch b
    left join children c on c.notification_id = b.notification_id and c.parent_batch = b.batch_no
    where b.state = 'done' and b.moved <> coalesce(c.n, 0)
`;
