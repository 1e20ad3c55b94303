import type { DataSource } from 'typeorm';

/** SQLSTATE of a table that does not exist: nothing was ever migrated. */
const UNDEFINED_TABLE = '42P01';

/** Names of the migrations that this build knows and the database has not seen yet, oldest first. Changes nothing. */
export async function pendingMigrations(dataSource: DataSource): Promise<string[]> {
  const known = dataSource.migrations.map((migration) => migration.name ?? migration.constructor.name);
  const done = await appliedMigrations(dataSource);
  return known.filter((name) => !done.has(name));
}

async function appliedMigrations(dataSource: DataSource): Promise<ReadonlySet<string>> {
  try {
    const rows: { name: string }[] = await dataSource.query('select name from migrations');
    return new Set(rows.map(({ name }) => name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE) return new Set();
    throw error;
  }
}
