import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { numbers, texts, words } from '../database/array-literal.js';
import { type Prepared, runPrepared } from '../database/prepared.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { Grouped } from '../lib/grouped.js';
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

/** A node that dies sends thousands of clients to the others at once, and the answer for each must be of this moment. */
const LOOK: Prepared = {
  name: 'realtime_revoked',
  text: `select a.id is null
       or exists (select 1 from realtime_revocation r
         where r.application_id = asked.application_id and r.kind = 'token' and r.subject = asked.token_id)
       or exists (select 1 from realtime_revocation r
         where r.application_id = asked.application_id and r.kind = 'user' and r.subject = asked.user_id
           and r.generation > asked.generation) as revoked
     from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
       with ordinality as asked (application_id, token_id, user_id, generation, place)
     left join application a on a.id = asked.application_id
     order by place`,
};

/** SQL over `realtime_revocation`, which alone decides who is let in. */
@Injectable()
export class RevocationsRepository {
  private readonly looks = new Grouped((grants: readonly Grant[]) => this.areRevoked(grants), { failsTogether: true });

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

  /** The number under which tokens of a user are issued now. From the first one on the application has screens. */
  async issuing(applicationId: string, userId: string): Promise<number> {
    const rows: { generation: number }[] = await this.db.query(
      `with first as (update application set has_screens = true where id = $1 and not has_screens)
       select generation from realtime_revocation where application_id = $1 and kind = 'user' and subject = $2`,
      [applicationId, userId],
    );
    return rows[0]?.generation ?? 0;
  }

  /** True when the grant is revoked, or its application is gone. Those who come at the same moment share a look. */
  isRevoked(grant: Grant): Promise<boolean> {
    return this.looks.submit(grant);
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

  private async areRevoked(grants: readonly Grant[]): Promise<boolean[]> {
    const rows = await runPrepared<{ revoked: boolean }>(this.db, LOOK, [
      words(grants.map(({ applicationId }) => applicationId)),
      texts(grants.map(({ tokenId }) => tokenId)),
      texts(grants.map(({ userId }) => userId)),
      numbers(grants.map(({ generation }) => generation)),
    ]);
    return rows.map(({ revoked }) => revoked);
  }
}
