import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { Application, ApplicationChanges } from './application.js';

interface ApplicationRow {
  id: string;
  name: string;
  user_token_public_key: string | null;
  require_user_token: boolean;
  cors_origins: string[];
  created_at: Date;
}

const COLUMNS = 'id, name, user_token_public_key, require_user_token, cors_origins, created_at';

/** Devices removed in one statement, so that none of them runs into the statement timeout. */
const DELETE_CHUNK = 5_000;

@Injectable()
export class ApplicationsRepository {
  async insert(
    database: Database,
    application: Pick<Application, 'id' | 'name'> & ApplicationChanges,
  ): Promise<Application> {
    const rows: ApplicationRow[] = await database.query(
      `insert into application (id, name, user_token_public_key, require_user_token, cors_origins)
       values ($1, $2, $3, $4, $5) returning ${COLUMNS}`,
      [
        application.id,
        application.name,
        application.userTokenPublicKey ?? null,
        application.requireUserToken ?? true,
        application.corsOrigins ?? [],
      ],
    );
    return only(rows);
  }

  async find(database: Database, id: string): Promise<Application | undefined> {
    const rows: ApplicationRow[] = await database.query(`select ${COLUMNS} from application where id = $1`, [id]);
    return rows[0] && toApplication(rows[0]);
  }

  /** In the order of creation, after the id `afterId`. `onlyId` narrows it to one. */
  async list(database: Database, afterId: string, limit: number, onlyId: string | null): Promise<Application[]> {
    const rows: ApplicationRow[] = await database.query(
      `select ${COLUMNS} from application where id > $1 and ($3::uuid is null or id = $3) order by id limit $2`,
      [afterId, limit, onlyId],
    );
    return rows.map(toApplication);
  }

  async update(database: Database, id: string, changes: ApplicationChanges): Promise<Application | undefined> {
    const rows: ApplicationRow[] = await database.query(
      `with changed as (
         update application set
           name = coalesce($2, name),
           user_token_public_key = case when $3 then $4 else user_token_public_key end,
           require_user_token = coalesce($5, require_user_token),
           cors_origins = coalesce($6, cors_origins)
         where id = $1 returning ${COLUMNS})
       select * from changed`,
      [
        id,
        changes.name ?? null,
        changes.userTokenPublicKey !== undefined,
        changes.userTokenPublicKey ?? null,
        changes.requireUserToken ?? null,
        changes.corsOrigins ?? null,
      ],
    );
    return rows[0] && toApplication(rows[0]);
  }

  /** With their history. @returns how many were removed; 0 when none is left */
  async deleteSomeDevices(database: Database, id: string): Promise<number> {
    const rows: { n: number }[] = await database.query(
      `with gone as (
         delete from device where id in (select id from device where application_id = $1 limit $2) returning public_id),
       forgotten as (delete from device_history h using gone where h.public_id = gone.public_id)
       select count(*)::int as n from gone`,
      [id, DELETE_CHUNK],
    );
    return rows[0]?.n ?? 0;
  }

  async delete(database: Database, id: string): Promise<void> {
    await database.query('delete from application where id = $1', [id]);
  }

  async corsOrigins(database: Database): Promise<string[]> {
    const rows: { origin: string }[] = await database.query(
      'select distinct unnest(cors_origins) as origin from application',
    );
    return rows.map(({ origin }) => origin);
  }
}

function toApplication(row: ApplicationRow): Application {
  return {
    id: row.id,
    name: row.name,
    userTokenPublicKey: row.user_token_public_key,
    requireUserToken: row.require_user_token,
    corsOrigins: row.cors_origins,
    createdAt: row.created_at,
  };
}

function only(rows: ApplicationRow[]): Application {
  const row = rows[0];
  if (!row) throw new Error('the statement returned no row');
  return toApplication(row);
}
