import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';

/**
 * A statement of the hot path: each connection parses it once, and plans it a few times. Do not use it where the plan must
 * follow the values.
 *
 * @param text one statement; it is a transaction of its own
 */
export interface Prepared {
  /** Stands for this very text; at most 63 characters. */
  name: string;
  text: string;
}

/** A part of a statement in which another feature has a hand: SQL around one parameter, always the same, and that parameter. */
export interface StatementPart {
  /** @param parameter such as `$2` */
  sql(parameter: string): string;
  value: string;
}

/** Runs a prepared statement on the pool, past TypeORM, which knows no names for statements. */
export async function runPrepared<Row extends object>(
  db: DataSource,
  statement: Prepared,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await poolOf(db).query<Row>({ ...statement, values: [...values] });
  return rows;
}

function poolOf(db: DataSource): Pool {
  if (!('master' in db.driver)) throw new Error('the database is not connected');
  return db.driver.master as Pool;
}
