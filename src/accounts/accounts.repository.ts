import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { AccountRole } from '../http/route.js';
import type { Account } from './account.js';

export interface AccountRow {
  id: string;
  email: string;
  name: string;
  role: AccountRole;
  is_disabled: boolean;
  has_password: boolean;
  created_at: Date;
  last_sign_in_at: Date | null;
}

export type AccountChanges = Partial<Pick<Account, 'email' | 'name' | 'role' | 'isDisabled'>>;

/** Of the table `account`, as `a`. */
export const ACCOUNT_COLUMNS =
  'a.id, a.email, a.name, a.role, a.is_disabled, a.password_hash is not null as has_password, a.created_at, a.last_sign_in_at';

@Injectable()
export class AccountsRepository {
  /** @returns undefined when the email is taken */
  async insert(
    database: Database,
    account: Pick<Account, 'id' | 'email' | 'name' | 'role'> & { passwordHash: string | null },
  ): Promise<Account | undefined> {
    const rows: AccountRow[] = await database.query(
      `insert into account as a (id, email, name, role, password_hash) values ($1, $2, $3, $4, $5)
       on conflict (email) do nothing returning ${ACCOUNT_COLUMNS}`,
      [account.id, account.email, account.name, account.role, account.passwordHash],
    );
    return rows[0] && toAccount(rows[0]);
  }

  /** In the order of creation, after the id `afterId`. */
  async list(database: Database, afterId: string, limit: number): Promise<Account[]> {
    const rows: AccountRow[] = await database.query(
      `select ${ACCOUNT_COLUMNS} from account a where id > $1 order by id limit $2`,
      [afterId, limit],
    );
    return rows.map(toAccount);
  }

  async findByEmail(
    database: Database,
    email: string,
  ): Promise<{ account: Account; passwordHash: string | null } | undefined> {
    const rows: (AccountRow & { password_hash: string | null })[] = await database.query(
      `select ${ACCOUNT_COLUMNS}, a.password_hash from account a where email = $1`,
      [email],
    );
    return rows[0] && { account: toAccount(rows[0]), passwordHash: rows[0].password_hash };
  }

  async passwordHash(database: Database, id: string): Promise<string | null> {
    const rows: { password_hash: string | null }[] = await database.query(
      'select password_hash from account where id = $1',
      [id],
    );
    return rows[0]?.password_hash ?? null;
  }

  /** Locked until the end of the transaction: neither its password nor its role changes meanwhile. */
  async lockOne(
    database: Database,
    id: string,
  ): Promise<{ account: Account; passwordHash: string | null } | undefined> {
    const rows: (AccountRow & { password_hash: string | null })[] = await database.query(
      `select ${ACCOUNT_COLUMNS}, a.password_hash from account a where id = $1 for update`,
      [id],
    );
    return rows[0] && { account: toAccount(rows[0]), passwordHash: rows[0].password_hash };
  }

  /** Locks the account and all owners until the end of the transaction, so that two of them cannot both stop being the last. */
  async lock(database: Database, id: string): Promise<{ account: Account | undefined; otherOwners: number }> {
    const rows: AccountRow[] = await database.query(
      `select ${ACCOUNT_COLUMNS} from account a where id = $1 or role = 'owner' order by id for update`,
      [id],
    );
    const others = rows.filter((row) => row.id !== id && row.role === 'owner' && !row.is_disabled);
    const own = rows.find((row) => row.id === id);
    return { account: own && toAccount(own), otherOwners: others.length };
  }

  /** @returns `taken`: another account has that email */
  async update(database: Database, id: string, changes: AccountChanges): Promise<Account | 'taken'> {
    const rows: AccountRow[] = await database.query(
      `with changed as (
         update account set email = coalesce($2, email), name = coalesce($3, name), role = coalesce($4, role),
           is_disabled = coalesce($5, is_disabled)
         where id = $1 and not exists (select 1 from account where email = $2 and id <> $1) returning *)
       select ${ACCOUNT_COLUMNS} from changed a`,
      [id, changes.email ?? null, changes.name ?? null, changes.role ?? null, changes.isDisabled ?? null],
    );
    return rows[0] ? toAccount(rows[0]) : 'taken';
  }

  async setPassword(database: Database, id: string, passwordHash: string | null): Promise<void> {
    await database.query('update account set password_hash = $2 where id = $1', [id, passwordHash]);
  }

  async delete(database: Database, id: string): Promise<void> {
    await database.query('delete from account where id = $1', [id]);
  }

  /** Replaces the link before. @returns when it ends */
  async putLink(database: Database, id: string, tokenHash: Buffer, hours: number): Promise<Date> {
    const rows: { expires_at: Date }[] = await database.query(
      `insert into sign_in_link (account_id, token_hash, expires_at) values ($1, $2, carillon_now() + make_interval(hours => $3))
       on conflict (account_id) do update set token_hash = excluded.token_hash, expires_at = excluded.expires_at
       returning expires_at`,
      [id, tokenHash, hours],
    );
    if (!rows[0]) throw new Error('the statement returned no row');
    return rows[0].expires_at;
  }

  /** Uses a link up. @returns whose it was */
  async takeLink(database: Database, tokenHash: Buffer): Promise<string | undefined> {
    const rows: { account_id: string }[] = await database.query(
      `with taken as (delete from sign_in_link where token_hash = $1 returning account_id, expires_at)
       select t.account_id from taken t join account a on a.id = t.account_id
       where t.expires_at > carillon_now() and not a.is_disabled`,
      [tokenHash],
    );
    return rows[0]?.account_id;
  }

  async deleteLink(database: Database, id: string): Promise<void> {
    await database.query('delete from sign_in_link where account_id = $1', [id]);
  }
}

export function toAccount(row: AccountRow): Account {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role: row.role,
    isDisabled: row.is_disabled,
    hasPassword: row.has_password,
    createdAt: row.created_at,
    lastSignInAt: row.last_sign_in_at,
  };
}
