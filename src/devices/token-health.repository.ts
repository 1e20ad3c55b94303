import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import type { TokenVerdict } from './device.js';

/** A device that was taken out of the audience, and the provider's word for why. */
export interface MarkedDevice {
  id: number;
  applicationId: string;
  provider: ProviderName;
  code: string;
}

/** All SQL that takes devices out of the audience and puts them back. */
@Injectable()
export class TokenHealthRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * Marks devices `invalid`, unless the token is another one by now or was registered again after the provider's time.
   * Returns those that changed.
   */
  async invalidate(db: Database, verdicts: readonly TokenVerdict[]): Promise<MarkedDevice[]> {
    return this.mark(db, verdicts, 'invalid');
  }

  /** Marks devices `refused` in the same way, unless the mass guard holds. */
  async setAside(db: Database, verdicts: readonly TokenVerdict[]): Promise<MarkedDevice[]> {
    return this.mark(db, verdicts, 'refused');
  }

  private async mark(
    db: Database,
    verdicts: readonly TokenVerdict[],
    status: 'invalid' | 'refused',
  ): Promise<MarkedDevice[]> {
    return db.query(
      `with verdict as (
         select * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::int[])
           as v(id, token, code, since, sent_ago_ms)
       ), locked as (
         -- One order for everybody: two workers that mark the same devices wait for each other, never in a circle.
         select d.id from device d join verdict using (id) order by d.id for update of d
       ), marked as (
         update device d set status = $6, invalid_at = carillon_now(), invalid_reason = verdict.code
         from verdict, locked
         where d.id = verdict.id and locked.id = d.id and d.token = verdict.token
           and d.status in ('active', 'refused') and d.status <> $6
           and d.registered_at <= coalesce(verdict.since, carillon_now() - make_interval(secs => verdict.sent_ago_ms / 1000.0))
           and ($6 = 'invalid' or not exists (
             select 1 from mass_guard g where g.application_id = d.application_id and g.provider = d.provider
               and g.tripped_at > carillon_now() - interval '10 minutes'))
         returning d.id, d.application_id, d.public_id, d.provider, verdict.code
       ), noted as (
         insert into device_history (at, application_id, public_id, event, detail)
         select (select carillon_now()), application_id, public_id, $7, code from marked
       )
       select id, application_id as "applicationId", provider, code from marked`,
      [
        verdicts.map((verdict) => verdict.deviceId),
        verdicts.map((verdict) => verdict.token),
        verdicts.map((verdict) => verdict.code),
        verdicts.map((verdict) => verdict.since ?? null),
        verdicts.map((verdict) => Math.ceil(verdict.sentAgoMs)),
        status,
        status === 'invalid' ? 'invalidated' : 'refused',
      ],
    );
  }

  /** Results of the last ten minutes, and how many of them refused the token. */
  async recentRefusals(applicationId: string, provider: ProviderName): Promise<{ refused: number; total: number }> {
    const rows = await this.db.query(
      `select coalesce(sum(n) filter (where outcome = 'token_refused'), 0)::int as refused, coalesce(sum(n), 0)::int as total
       from attempt_stat
       where application_id = $1 and provider = $2 and minute >= date_trunc('minute', carillon_now() - interval '10 minutes')`,
      [applicationId, provider],
    );
    return rows[0];
  }

  /** Trips the mass guard and makes the devices of the last ten minutes active again; returns how many. */
  async tripGuard(applicationId: string, provider: ProviderName): Promise<number> {
    const rows = await this.db.query(
      `with restored as (
         update device set status = 'active', invalid_at = null, invalid_reason = null
         where application_id = $1 and provider = $2 and status = 'refused' and invalid_at >= carillon_now() - interval '11 minutes'
         returning application_id, public_id
       ), noted as (
         insert into device_history (at, application_id, public_id, event)
         select (select carillon_now()), application_id, public_id, 'restored' from restored
       ), n as (select count(*)::int as n from restored), guard as (
         insert into mass_guard as g (application_id, provider, tripped_at, restored)
         select $1, $2, carillon_now(), n.n from n
         on conflict (application_id, provider) do update set tripped_at = excluded.tripped_at,
           restored = case when g.tripped_at > carillon_now() - interval '10 minutes' then g.restored else 0 end + excluded.restored)
       select n from n`,
      [applicationId, provider],
    );
    return rows[0].n;
  }
}
