import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';

/** What is known of an email, of an address, or of both together. */
export interface Failures {
  subject: string;
  isKnown: boolean;
  /** 0: not locked. */
  lockedSeconds: number;
}

/** Old rows that one attempt clears away. */
const CLEARED_AT_ONCE = 100;

@Injectable()
export class LockOutsRepository {
  async find(database: Database, subjects: readonly string[]): Promise<Failures[]> {
    return database.query(
      `select subject, is_known as "isKnown",
         coalesce(greatest(extract(epoch from locked_until - carillon_now()), 0), 0)::float8 as "lockedSeconds"
       from sign_in_failure where subject = any($1)`,
      [subjects],
    );
  }

  /**
   * Counts an attempt before it is made, so that many at once do not all pass. From the `most`th on, each locks for
   * twice as long as the one before.
   *
   * @returns undefined when it is locked at this moment; else whether this attempt has locked it
   */
  async count(
    database: Database,
    subject: string,
    most: number,
    seconds: { window: number; first: number; longest: number },
  ): Promise<boolean | undefined> {
    const rows: { is_locked: boolean }[] = await database.query(
      `insert into sign_in_failure as f (subject, failures, last_at) values ($1, 1, carillon_now())
       on conflict (subject) do update set
         failures = case when f.last_at < carillon_now() - make_interval(secs => $3) then 1 else f.failures + 1 end,
         last_at = carillon_now(),
         locked_until = case when f.last_at >= carillon_now() - make_interval(secs => $3) and f.failures + 1 >= $2
           then carillon_now() + make_interval(secs => least($5, $4 * power(2, least(f.failures + 1 - $2, 20)))) end
       where f.locked_until is null or f.locked_until <= carillon_now()
       returning locked_until is not null as is_locked`,
      [subject, most, seconds.window, seconds.first, seconds.longest],
    );
    return rows[0]?.is_locked;
  }

  /**
   * The attempt went well: email and address belong together from now on.
   *
   * @param isAddressCounted it was counted for the address, too, and was no failure of it
   */
  async succeed(
    database: Database,
    subjects: { address: string; email: string; pair: string },
    isAddressCounted: boolean,
  ): Promise<void> {
    await database.query('delete from sign_in_failure where subject = $1', [subjects.email]);
    if (isAddressCounted) {
      await database.query(
        `update sign_in_failure set failures = greatest(failures - 1, 0), locked_until = null where subject = $1`,
        [subjects.address],
      );
    }
    await database.query(
      `update sign_in_failure set failures = 0, locked_until = null, is_known = true where subject = $1`,
      [subjects.pair],
    );
  }

  /** Forgets what a day has passed over; addresses that people signed in from, after 90. */
  async clear(database: Database): Promise<void> {
    await database.query(
      `delete from sign_in_failure where subject in (
         select subject from sign_in_failure
         where last_at < carillon_now() - interval '1 day' and not (is_known and last_at > carillon_now() - interval '90 days')
         limit $1)`,
      [CLEARED_AT_ONCE],
    );
  }
}
