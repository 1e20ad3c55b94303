import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';

export interface SharedTokenRow {
  sealed: Buffer;
  issuedAt: Date;
  expiresAt: Date;
}

@Injectable()
export class SharedTokensRepository {
  /** The present time of the database, with the stored token if there is one. */
  async find(database: Database, credentialId: string): Promise<{ now: Date; stored: SharedTokenRow | undefined }> {
    const rows: { now: Date; sealed: Buffer | null; issued_at: Date; expires_at: Date }[] = await database.query(
      `select carillon_now() as now, t.sealed, t.issued_at, t.expires_at
       from (select 1) one left join provider_token t on t.credential_id = $1`,
      [credentialId],
    );
    const row = rows[0];
    if (!row) throw new Error('the statement returned no row');
    const stored = row.sealed && { sealed: row.sealed, issuedAt: row.issued_at, expiresAt: row.expires_at };
    return { now: row.now, stored: stored ?? undefined };
  }

  /** Until the transaction ends, nobody else mints for this credential. */
  async lock(database: Database, credentialId: string): Promise<void> {
    await database.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`provider_token ${credentialId}`]);
  }

  /** Of a credential that was removed meanwhile nothing is kept. */
  async store(database: Database, credentialId: string, token: SharedTokenRow): Promise<void> {
    await database.query(
      `insert into provider_token (credential_id, sealed, issued_at, expires_at)
       select id, $2, $3, $4 from credential where id = $1
       on conflict (credential_id) do update
         set sealed = excluded.sealed, issued_at = excluded.issued_at, expires_at = excluded.expires_at`,
      [credentialId, token.sealed, token.issuedAt, token.expiresAt],
    );
  }
}
