import type { Pool, PoolClient } from 'pg';
import { EntityManager } from 'typeorm';
import { PooledDataSource } from './data-source.js';
import type { Database } from './transaction.js';

/**
 * A statement of the hot path: each connection parses and plans it once. Do not use it where the plan must follow the values.
 *
 * @param text one statement; a transaction of its own, unless one is open
 */
export interface Prepared {
  /** Stands for this very text; at most 63 characters. */
  name: string;
  text: string;
}

/** A part of a statement in which another feature has a hand: SQL that is always the same, and its parameters. */
export interface StatementPart {
  /** @param first number of its first parameter */
  sql(first: number): string;
  values: readonly string[];
}

/**
 * Runs a prepared statement, also an updating one, past TypeORM, which knows no names for statements. Outside a transaction it
 * runs on a connection that plans once. Array parameters: `array-literal.ts`.
 */
export async function runPrepared<Row extends object>(
  db: Database,
  statement: Prepared,
  values: readonly unknown[],
): Promise<Row[]> {
  const client = await clientOf(db);
  const { rows } = await client.query<Row>({ ...statement, values: [...values] });
  return rows;
}

async function clientOf(db: Database): Promise<Pool | PoolClient> {
  if (db instanceof PooledDataSource) return db.planOnce;
  if (!(db instanceof EntityManager)) throw new Error('neither a data source of ours nor a transaction');
  if (db.queryRunner === undefined) throw new Error('the transaction is over');
  return (await db.queryRunner.connect()) as PoolClient;
}
