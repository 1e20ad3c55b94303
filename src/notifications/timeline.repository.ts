import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';

/** A change of a notification's state as it was recorded. */
export interface StateChange {
  at: Date;
  kind: 'planning' | 'planned' | 'paused' | 'resumed' | 'cancelled' | 'provider_stopped';
  by: string | null;
  detail: Record<string, string | number> | null;
}

/** A gate that closed or opened. */
export interface GateChange {
  at: Date;
  provider: ProviderName;
  scope: string;
  isClosed: boolean;
  kind: 'throttled' | 'breaker' | 'credential';
  reason: string;
}

/** Deliveries of one provider that ended alike, otherwise than accepted. */
export interface FailureCount {
  provider: ProviderName;
  code: string;
  status: 'failed' | 'expired' | 'cancelled' | 'suppressed' | 'unknown';
  deliveries: number;
}

const MAX_CHANGES = 500;
const MAX_GATE_CHANGES = 200;
const MAX_FAILURES = 500;
const PURGE_PAGE = 5_000;

/** SQL of what happened to a notification as a whole. */
@Injectable()
export class TimelineRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  async append(db: Database, id: string, kind: StateChange['kind'], by: string): Promise<void> {
    await db.query('insert into notification_change (notification_id, kind, by) values ($1, $2, $3)', [id, kind, by]);
  }

  /** In order; the first ones, if somebody pauses and resumes without end. */
  changes(id: string): Promise<StateChange[]> {
    return this.db.query(
      `select at, kind, by, detail from notification_change where notification_id = $1 order by at limit ${MAX_CHANGES}`,
      [id],
    );
  }

  /**
   * Of the gates that this notification's deliveries pass, in order, with those that were closed already. `until` null: now.
   */
  gateChanges(applicationId: string, id: string, since: Date, until: Date | null): Promise<GateChange[]> {
    return this.db.query(
      `with own as materialized (select distinct provider from dispatch_batch where notification_id = $4),
       before as (
         select * from gate_change
         where application_id = $1 and at < $2 and at > $2::timestamptz - interval '1 day' order by at desc limit ${MAX_GATE_CHANGES}
       ), standing as (select distinct on (provider, scope) * from before order by provider, scope, at desc)
       select at, provider, scope, is_closed as "isClosed", kind, reason from (
         select * from standing where is_closed
         union all
         (select * from gate_change where application_id = $1 and at >= $2 and at <= coalesce($3, carillon_now())
          order by at limit ${MAX_GATE_CHANGES})) change
       where provider in (select provider from own) order by at`,
      [applicationId, since, until, id],
    );
  }

  /** What the batches counted, most frequent first: a row for each thousand deliveries is read. */
  failures(id: string): Promise<FailureCount[]> {
    return this.db.query(
      `select b.provider, substr(key, position(' ' in key) + 1) as code, split_part(key, ' ', 1) as status,
         sum(value::int)::int as deliveries
       from dispatch_batch b, jsonb_each_text(b.failures)
       where b.notification_id = $1 group by 1, 2, 3 order by deliveries desc, provider, code, status limit ${MAX_FAILURES}`,
      [id],
    );
  }

  /** Forgets what is older, in portions; returns how many rows. */
  async purge(days: number): Promise<number> {
    let purged = 0;
    for (const [table, age] of [
      ['notification_change', 'notification_id < carillon_uuid_floor(carillon_now() - make_interval(days => $1))'],
      ['gate_change', 'at < carillon_now() - make_interval(days => $1)'],
    ]) {
      const [, removed] = await this.db.query(
        `delete from ${table} where ctid = any(array(
           select ctid from ${table} where ${age} limit ${PURGE_PAGE} for update skip locked))`,
        [days],
      );
      purged += removed;
    }
    return purged;
  }
}
