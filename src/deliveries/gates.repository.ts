import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { runPrepared } from '../database/prepared.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import type { ClosedGate, GateKind } from './explanation.js';

export type { GateKind };

/** A gate as stored. `remainingMs`: until it opens or half-opens, by the database's clock; negative when due. */
export interface GateRow {
  applicationId: string;
  provider: ProviderName;
  scope: string;
  state: 'open' | 'half_open' | 'closed';
  kind: GateKind;
  remainingMs: number;
  probesLeft: number;
}

/** Probes that a half-open gate lets through. */
const BREAKER_PROBES = 10;
const CREDENTIAL_PROBES = 1;
/** A worker that took probes and died leaves the gate half-open; it closes again after this many seconds. */
const PROBE_TIMEOUT_SECONDS = 60;

/** Gates that are read for explanations. Those over a whole provider come first. */
const MAX_SHOWN = 200;

/** All SQL over `gate`. */
@Injectable()
export class GatesRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Every gate of these applications that is not open. */
  async find(applicationIds: readonly string[]): Promise<GateRow[]> {
    return runPrepared<GateRow>(this.db, FIND_GATES, [applicationIds]);
  }

  /** The gates of an application that hold deliveries back, for whoever explains them. */
  async holding(applicationId: string): Promise<ClosedGate[]> {
    return this.db.query(
      `select provider, scope, state, kind, reason, closed_until as "closedUntil" from gate
       where application_id = $1 and state <> 'open' and not (kind = 'throttled' and closed_until <= carillon_now())
       order by provider, scope limit ${MAX_SHOWN}`,
      [applicationId],
    );
  }

  /**
   * Closes a gate, or keeps it closed longer. A breaker's wait doubles with each trip in a row, up to ten minutes; a broken
   * credential wins over the other kinds, and a shorter wait never replaces a longer one.
   */
  async close(
    gate: {
      applicationId: string;
      provider: ProviderName;
      scope: string;
      kind: GateKind;
      reason: string;
      forMs: number;
    },
    db: Database = this.db,
  ): Promise<number> {
    const rows = await db.query(
      `insert into gate as g (application_id, provider, scope, state, kind, closed_until, reason)
       select $1, $2, $3, 'closed', $4, carillon_now() + make_interval(secs => $5 / 1000.0), $6
       where exists (select 1 from application where id = $1)
       on conflict (application_id, provider, scope) do update set
         failures = case when g.kind = excluded.kind and g.state <> 'closed' then g.failures + 1 else g.failures end,
         closed_until = case
           when g.state = 'closed' then greatest(g.closed_until, excluded.closed_until)
           when excluded.kind = 'breaker' then carillon_now()
             + least(interval '10 minutes', (excluded.closed_until - carillon_now()) * power(2, least(g.failures, 10)))
           else excluded.closed_until end,
         kind = case when g.state = 'closed' and g.kind = 'credential' then g.kind else excluded.kind end,
         reason = case when g.state = 'closed' and g.kind = 'credential' then g.reason else excluded.reason end,
         state = 'closed', changed_at = carillon_now()
       returning extract(epoch from closed_until - carillon_now())::float8 * 1000 as ms`,
      [gate.applicationId, gate.provider, gate.scope, gate.kind, gate.forMs, gate.reason.slice(0, 200)],
    );
    return rows[0]?.ms ?? gate.forMs;
  }

  /** Takes up to `want` of a half-open gate's probes; 0: none is left. */
  async takeProbes(applicationId: string, provider: ProviderName, scope: string, want: number): Promise<number> {
    const [rows] = await this.db.query(
      `with before as (
         select probes_left from gate where application_id = $1 and provider = $2 and scope = $3 and state = 'half_open' for update)
       update gate set probes_left = gate.probes_left - least(gate.probes_left, $4), changed_at = carillon_now()
       from before where application_id = $1 and provider = $2 and scope = $3
       returning least(before.probes_left, $4) as taken`,
      [applicationId, provider, scope, want],
    );
    return rows[0]?.taken ?? 0;
  }

  /** Opens a half-open gate after its probes went well. */
  async open(applicationId: string, provider: ProviderName, scope: string): Promise<void> {
    await this.db.query(
      `delete from gate where application_id = $1 and provider = $2 and scope = $3 and state = 'half_open'`,
      [applicationId, provider, scope],
    );
  }

  /** Half-opens what has waited long enough, forgets throttles that are over, and closes what nobody reported on. */
  async advance(): Promise<void> {
    await this.db.query(
      `update gate set state = 'half_open', changed_at = carillon_now(),
         probes_left = case kind when 'credential' then ${CREDENTIAL_PROBES} else ${BREAKER_PROBES} end
       where (state = 'closed' and kind in ('breaker', 'credential') and closed_until <= carillon_now())
          or (state = 'half_open' and probes_left = 0
              and changed_at < carillon_now() - make_interval(secs => ${PROBE_TIMEOUT_SECONDS}))`,
    );
    await this.db.query(`delete from gate where kind = 'throttled' and closed_until <= carillon_now()`);
  }
}

const FIND_GATES = {
  name: 'find_gates',
  text: `select application_id as "applicationId", provider, scope, state, kind, probes_left as "probesLeft",
         extract(epoch from closed_until - carillon_now())::float8 * 1000 as "remainingMs"
       from gate where application_id = any($1::uuid[]) and state <> 'open'`,
};
