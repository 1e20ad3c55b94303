import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import type { SealedCredential, StoredCredential } from './credential.js';

interface CredentialRow {
  id: string;
  application_id: string;
  provider: ProviderName;
  version: number;
  state: 'ok' | 'broken';
  state_reason: string | null;
  sealed: Buffer;
  fingerprint: string;
  public_parts: Record<string, string>;
  simulated: boolean;
  created_at: Date;
}

/** Older VAPID pairs that are kept at most: each is tried for the devices that were registered with it. */
const MAX_VERSIONS = 20;

@Injectable()
export class CredentialsRepository {
  /** Serialises replacements of one application's credentials. @returns whether the application exists */
  async lockApplication(database: Database, applicationId: string): Promise<boolean> {
    const rows: unknown[] = await database.query('select 1 from application where id = $1 for update', [applicationId]);
    return rows.length > 0;
  }

  async insert(
    database: Database,
    credential: Omit<SealedCredential, 'state' | 'stateReason' | 'createdAt'>,
  ): Promise<void> {
    await database.query(
      `insert into credential (id, application_id, provider, version, sealed, fingerprint, public_parts, simulated)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        credential.id,
        credential.applicationId,
        credential.provider,
        credential.version,
        credential.sealed,
        credential.fingerprint,
        JSON.stringify(credential.publicParts),
        credential.simulated,
      ],
    );
  }

  /** Newest first; of an application, or of one of its providers. */
  async list(database: Database, applicationId: string, provider: ProviderName | null): Promise<SealedCredential[]> {
    const rows: CredentialRow[] = await database.query(
      `select id, application_id, provider, version, state, state_reason, sealed, fingerprint, public_parts, simulated,
              created_at
       from credential where application_id = $1 and ($2::text is null or provider = $2)
       order by provider, version desc limit $3`,
      [applicationId, provider, MAX_VERSIONS * 3],
    );
    return rows.map(toCredential);
  }

  /** Any one, the newest: to see whether the master key opens it. */
  async newest(database: Database): Promise<SealedCredential | undefined> {
    const rows: CredentialRow[] = await database.query('select * from credential order by created_at desc limit 1');
    return rows[0] && toCredential(rows[0]);
  }

  /**
   * Removes what the new version replaces. Of Web Push, pairs that active devices are still registered with stay,
   * unless the new version is the same pair.
   */
  async deleteReplaced(
    database: Database,
    current: Pick<StoredCredential, 'applicationId' | 'provider' | 'version'>,
  ): Promise<void> {
    await database.query(
      `delete from credential old using credential new
       where new.application_id = $1 and new.provider = $2 and new.version = $3
         and old.application_id = $1 and old.provider = $2 and old.version < $3
         and (old.provider <> 'webpush' or old.version <= $3 - $4
           or old.public_parts->>'publicKey' = new.public_parts->>'publicKey'
           or not exists (
             select 1 from device where application_id = $1 and provider = 'webpush' and status = 'active'
               and vapid_public_key = old.public_parts->>'publicKey'))`,
      [current.applicationId, current.provider, current.version, MAX_VERSIONS],
    );
  }

  /** @returns whether there was one */
  async delete(database: Database, applicationId: string, provider: ProviderName): Promise<boolean> {
    const rows: unknown[] = await database.query(
      'with gone as (delete from credential where application_id = $1 and provider = $2 returning 1) select * from gone',
      [applicationId, provider],
    );
    return rows.length > 0;
  }

  /**
   * The version that a credential stored now gets. None is used twice, not even after a removal: a late verdict on a
   * removed credential must not meet its successor.
   */
  async nextVersion(database: Database, applicationId: string, provider: ProviderName): Promise<number> {
    const rows: { version: number }[] = await database.query(
      `select 1 + greatest(
         (select coalesce(max(version), 0) from credential where application_id = $1 and provider = $2),
         (select count(*) from audit_log
          where application_id = $1 and action = 'credential.put' and subject = $2))::int as version`,
      [applicationId, provider],
    );
    return rows[0]?.version ?? 1;
  }

  /** @returns false when it was in that state already, or is no longer there */
  async setState(
    database: Database,
    key: Pick<StoredCredential, 'applicationId' | 'provider' | 'version' | 'state' | 'stateReason'>,
  ): Promise<boolean> {
    const rows: unknown[] = await database.query(
      `with changed as (
         update credential set state = $4, state_reason = $5
         where application_id = $1 and provider = $2 and version = $3 and state <> $4 returning 1)
       select * from changed`,
      [key.applicationId, key.provider, key.version, key.state, key.stateReason],
    );
    return rows.length > 0;
  }

  /** Lets sending go on that had stopped because of the credential. */
  async openGates(database: Database, applicationId: string, provider: ProviderName): Promise<void> {
    await database.query(`delete from gate where application_id = $1 and provider = $2 and kind = 'credential'`, [
      applicationId,
      provider,
    ]);
  }
}

function toCredential(row: CredentialRow): SealedCredential {
  return {
    id: row.id,
    applicationId: row.application_id,
    provider: row.provider,
    version: row.version,
    state: row.state,
    stateReason: row.state_reason,
    sealed: row.sealed,
    fingerprint: row.fingerprint,
    publicParts: row.public_parts,
    simulated: row.simulated,
    createdAt: row.created_at,
  };
}
