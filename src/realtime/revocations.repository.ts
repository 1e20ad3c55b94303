import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import type { Grant, Revocation } from './grant.js';
import { MAX_TOKEN_SECONDS } from './token-codec.js';

/** Seconds that a revocation is kept: longer than anything that it revokes can live, whatever the clocks of two nodes say. */
const KEPT_SECONDS = MAX_TOKEN_SECONDS + 3_600;
const PURGE_PAGE = 5_000;

interface RevocationRow {
  application_id: string;
  kind: Revocation['kind'];
  subject: string;
  generation: number;
}

/** SQL over `realtime_revocation`, which alone decides who is let in. */
@Injectable()
export class RevocationsRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Of an application that is gone nothing has to be revoked. */
  async add({ applicationId, kind, subject }: Omit<Revocation, 'generation'>): Promise<void> {
    await this.db.query(
      `insert into realtime_revocation (application_id, kind, subject, expires_at)
       select id, $2, $3, carillon_now() + make_interval(secs => $4) from application where id = $1 for key share
       on conflict (application_id, kind, subject) do update set
         generation = excluded.generation, revoked_at = carillon_now(), expires_at = excluded.expires_at`,
      [applicationId, kind, subject, KEPT_SECONDS],
    );
  }

  /** The number under which tokens of a user are issued now. */
  async generationOf(applicationId: string, userId: string): Promise<number> {
    const rows: { generation: number }[] = await this.db.query(
      `select generation from realtime_revocation where application_id = $1 and kind = 'user' and subject = $2`,
      [applicationId, userId],
    );
    return rows[0]?.generation ?? 0;
  }

  /** True when the grant is revoked, or its application is gone. */
  async isRevoked({ applicationId, userId, tokenId, generation }: Grant): Promise<boolean> {
    const rows: { revoked: boolean }[] = await this.db.query(
      `select not exists (select 1 from application where id = $1) or exists (
         select 1 from realtime_revocation
         where application_id = $1
           and (kind = 'token' and subject = $2 or kind = 'user' and subject = $3 and generation > $4)) as revoked`,
      [applicationId, tokenId, userId, generation],
    );
    return rows[0]?.revoked ?? true;
  }

  async since(secondsAgo: number): Promise<Revocation[]> {
    const rows: RevocationRow[] = await this.db.query(
      `select application_id, kind, subject, generation from realtime_revocation
       where revoked_at > carillon_now() - make_interval(secs => $1)`,
      [secondsAgo],
    );
    return rows.map(({ application_id: applicationId, ...rest }) => ({ applicationId, ...rest }));
  }

  /** Forgets up to 5,000 that revoke nothing any more; returns how many. */
  async purge(): Promise<number> {
    const [, purged]: [unknown, number] = await this.db.query(
      `delete from realtime_revocation where ctid = any(array(
         select ctid from realtime_revocation where expires_at <= carillon_now()
         order by expires_at limit ${PURGE_PAGE} for update skip locked))`,
    );
    return purged;
  }
}
