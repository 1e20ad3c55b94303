import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { Role } from '../http/route.js';
import type { ApiKey } from './api-key.js';

interface ApiKeyRow {
  id: string;
  application_id: string | null;
  role: Role;
  name: string;
  prefix: string;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

/** A key that may be used now. */
export interface ValidKey {
  id: string;
  applicationId: string | null;
  role: Role;
  /** Milliseconds until it runs out, by the database's clock; null: never. */
  remainingMs: number | null;
  /** The application's exact origins. */
  corsOrigins: readonly string[];
}

const COLUMNS = 'id, application_id, role, name, prefix, created_at, expires_at, revoked_at, last_used_at';

@Injectable()
export class ApiKeysRepository {
  async insert(
    database: Database,
    key: Pick<ApiKey, 'id' | 'applicationId' | 'role' | 'name' | 'prefix' | 'expiresAt'> & { hash: Buffer },
  ): Promise<ApiKey> {
    const rows: ApiKeyRow[] = await database.query(
      `insert into api_key (id, application_id, role, name, prefix, secret_hash, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7) returning ${COLUMNS}`,
      [key.id, key.applicationId, key.role, key.name, key.prefix, key.hash, key.expiresAt],
    );
    const row = rows[0];
    if (!row) throw new Error('the statement returned no row');
    return toApiKey(row);
  }

  /** In the order of creation, after the id `afterId`; revoked and expired ones included. */
  async list(database: Database, applicationId: string, afterId: string, limit: number): Promise<ApiKey[]> {
    const rows: ApiKeyRow[] = await database.query(
      `select ${COLUMNS} from api_key where application_id = $1 and id > $2 order by id limit $3`,
      [applicationId, afterId, limit],
    );
    return rows.map(toApiKey);
  }

  /** @returns whether the application has such a key, revoked before or now */
  async revoke(database: Database, applicationId: string, id: string): Promise<boolean> {
    const rows: unknown[] = await database.query(
      `with changed as (
         update api_key set revoked_at = coalesce(revoked_at, carillon_now())
         where application_id = $1 and id = $2 returning id)
       select id from changed`,
      [applicationId, id],
    );
    return rows.length > 0;
  }

  async findValid(database: Database, hash: Buffer): Promise<ValidKey | undefined> {
    const rows: {
      id: string;
      application_id: string | null;
      role: Role;
      remaining_ms: number | null;
      cors_origins: string[] | null;
    }[] = await database.query(
      `select k.id, k.application_id, k.role, a.cors_origins,
              (extract(epoch from k.expires_at - carillon_now()) * 1000)::float8 as remaining_ms
       from api_key k left join application a on a.id = k.application_id
       where k.secret_hash = $1 and k.revoked_at is null
         and (k.expires_at is null or k.expires_at > carillon_now())`,
      [hash],
    );
    const row = rows[0];
    if (!row) return undefined;
    return {
      id: row.id,
      applicationId: row.application_id,
      role: row.role,
      remainingMs: row.remaining_ms,
      corsOrigins: row.cors_origins ?? [],
    };
  }

  /** Other processes note the same key; one write in a while is enough for all. */
  async markUsed(database: Database, id: string): Promise<void> {
    await database.query(
      `update api_key set last_used_at = carillon_now()
       where id = $1 and (last_used_at is null or last_used_at < carillon_now() - interval '20 seconds')`,
      [id],
    );
  }
}

function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    applicationId: row.application_id,
    role: row.role,
    name: row.name,
    prefix: row.prefix,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}
