import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { Accepted } from './notifications.dto.js';

/** Hours for which a key's first response is kept. */
export const IDEMPOTENCY_KEY_HOURS = 72;
const PURGE_PAGE = 5_000;

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

  /** The first response under this key, if there is one that is committed and not older than 72 hours. */
  async find(applicationId: string, key: string): Promise<StoredResponse | undefined> {
    const rows = await this.db.query(
      `select request_hash as "requestHash", response from idempotency_key
       where application_id = $1 and key = $2 and ${IS_CURRENT}`,
      [applicationId, key],
    );
    return rows[0];
  }

  /**
   * Takes a key for this transaction; false when another one has it. Waits for a transaction that is about to take it.
   *
   * @throws an error with the SQLSTATE 55P03 when that lasts longer than `waitMs`
   */
  async claim(
    db: Database,
    applicationId: string,
    key: string,
    stored: StoredResponse,
    waitMs: number,
  ): Promise<boolean> {
    await db.query(`select set_config('lock_timeout', $1, true)`, [`${waitMs}ms`]);
    const rows = await db.query(
      `insert into idempotency_key (application_id, key, request_hash, response) values ($1, $2, $3, $4)
       on conflict (application_id, key) do update
         set request_hash = excluded.request_hash, response = excluded.response, created_at = excluded.created_at
         where not (idempotency_key.${IS_CURRENT})
       returning 1`,
      [applicationId, key, stored.requestHash, JSON.stringify(stored.response)],
    );
    return rows.length === 1;
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
