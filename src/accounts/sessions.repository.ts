import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { Account } from './account.js';
import { ACCOUNT_COLUMNS, type AccountRow, toAccount } from './accounts.repository.js';

/** A session that is in force. */
export interface StoredSession {
  id: string;
  account: Account;
  expiresAt: Date;
}

/** Of one account at once; the oldest end first. */
const MAX_PER_ACCOUNT = 20;

@Injectable()
export class SessionsRepository {
  /** Begins a session of an account that may sign in, and ends what is too old or too much of it. */
  async insert(
    database: Database,
    session: { id: string; accountId: string; secretHash: Buffer; days: number },
  ): Promise<void> {
    await database.query(
      `delete from account_session where id in (
         select id from account_session where account_id = $1 and expires_at > carillon_now()
         order by created_at desc offset $2)
       or (account_id = $1 and expires_at <= carillon_now())`,
      [session.accountId, MAX_PER_ACCOUNT - 1],
    );
    await database.query(
      `insert into account_session (id, account_id, secret_hash, expires_at)
       values ($1, $2, $3, carillon_now() + make_interval(days => $4))`,
      [session.id, session.accountId, session.secretHash, session.days],
    );
    await database.query('update account set last_sign_in_at = carillon_now() where id = $1', [session.accountId]);
  }

  /** The session of this secret, unless it is over or its account disabled; it has been seen now. */
  async find(database: Database, secretHash: Buffer, idleHours: number): Promise<StoredSession | undefined> {
    const rows: (AccountRow & { session_id: string; expires_at: Date; unseen_seconds: number })[] =
      await database.query(
        `select s.id as session_id, s.expires_at, ${ACCOUNT_COLUMNS},
           extract(epoch from carillon_now() - s.last_seen_at)::float8 as unseen_seconds
         from account_session s join account a on a.id = s.account_id
         where s.secret_hash = $1 and s.expires_at > carillon_now() and not a.is_disabled
           and s.last_seen_at > carillon_now() - make_interval(hours => $2)`,
        [secretHash, idleHours],
      );
    const row = rows[0];
    if (!row) return undefined;
    // Once a minute is exact enough for an end that is hours away.
    if (row.unseen_seconds > 60) {
      await database.query('update account_session set last_seen_at = carillon_now() where id = $1', [row.session_id]);
    }
    return { id: row.session_id, account: toAccount(row), expiresAt: row.expires_at };
  }

  async delete(database: Database, id: string): Promise<void> {
    await database.query('delete from account_session where id = $1', [id]);
  }

  async deleteBySecret(database: Database, secretHash: Buffer): Promise<void> {
    await database.query('delete from account_session where secret_hash = $1', [secretHash]);
  }

  /** Ends all sessions of an account but `exceptId`. */
  async deleteOf(database: Database, accountId: string, exceptId: string | null): Promise<void> {
    await database.query('delete from account_session where account_id = $1 and ($2::uuid is null or id <> $2)', [
      accountId,
      exceptId,
    ]);
  }
}
