import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { Accepted } from './notifications.dto.js';

/** Hours for which a key's first response is kept. */
export const IDEMPOTENCY_KEY_HOURS = 72;
const PURGE_PAGE = 5_000;

/** A caller's key; another application's equal key is another one. */
export interface KeyOfApplication {
  applicationId: string;
  key: string;
}

/** A request that was answered before. */
export interface StoredResponse {
  requestHash: Buffer;
  response: Accepted;
}

const IS_CURRENT = `created_at > carillon_now() - interval '${IDEMPOTENCY_KEY_HOURS} hours'`;

/** All SQL over `idempotency_key`. */
@Injectable()
export class IdempotencyRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** For each key its first response, if there is one that is committed and not older than 72 hours. */
  async find(keys: readonly KeyOfApplication[]): Promise<(StoredResponse | undefined)[]> {
    const rows: (StoredResponse & { position: number })[] = await this.db.query(
      `select k.position::int, request_hash as "requestHash", response
       from unnest($1::uuid[], $2::text[]) with ordinality as k(application_id, key, position)
       join idempotency_key i using (application_id, key) where i.${IS_CURRENT}`,
      [keys.map((key) => key.applicationId), keys.map((key) => key.key)],
    );
    const found = new Map(rows.map(({ position, ...stored }) => [position - 1, stored]));
    return keys.map((_, i) => found.get(i));
  }

  /**
   * Takes distinct keys for this transaction; false for those that another one has. Waits for transactions that are about to
   * take them, in one order for everybody.
   *
   * @throws an error with the SQLSTATE 55P03 when that lasts longer than `waitMs`
   */
  async claim(
    db: Database,
    claims: readonly (KeyOfApplication & StoredResponse)[],
    waitMs: number,
  ): Promise<boolean[]> {
    const rows: { position: number }[] = await db.query(
      `with given as materialized (
         select *, set_config('lock_timeout', $1, true)
         from unnest($2::uuid[], $3::text[], $4::bytea[], $5::json[]) with ordinality
           as g(application_id, key, request_hash, response, position)
         order by application_id, key
       ), taken as (
         insert into idempotency_key (application_id, key, request_hash, response)
         select application_id, key, request_hash, response from given
         on conflict (application_id, key) do update
           set request_hash = excluded.request_hash, response = excluded.response, created_at = excluded.created_at
           where not (idempotency_key.${IS_CURRENT})
         returning application_id, key
       )
       select position::int from given join taken using (application_id, key)`,
      [
        `${waitMs}ms`,
        claims.map((claim) => claim.applicationId),
        claims.map((claim) => claim.key),
        claims.map((claim) => claim.requestHash),
        claims.map((claim) => JSON.stringify(claim.response)),
      ],
    );
    const taken = new Set(rows.map(({ position }) => position - 1));
    return claims.map((_, i) => taken.has(i));
  }

  /** Forgets up to 5,000 keys that are too old; returns how many. */
  async purge(): Promise<number> {
    const [, purged] = await this.db.query(
      `delete from idempotency_key where ctid = any(array(
         select ctid from idempotency_key where not (${IS_CURRENT}) order by created_at limit ${PURGE_PAGE}))`,
    );
    return purged;
  }
}
