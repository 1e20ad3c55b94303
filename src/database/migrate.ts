import { pathToFileURL } from 'node:url';
import { makeDataSource } from './data-source.js';

/** Arbitrary, fixed: one process migrates at a time. */
const MIGRATION_LOCK = 7_226_001;

/** Brings the database up to date; safe to call from many processes at once. Returns the names of what was run. */
export async function migrate(url: string): Promise<string[]> {
  const dataSource = makeDataSource({ url, poolSize: 2, applicationName: 'carillon-migrate' });
  await dataSource.initialize();
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const done = await dataSource.runMigrations();
    return done.map((migration) => migration.name);
  } finally {
    await lock.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await lock.release();
    await dataSource.destroy();
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { loadDatabaseUrl } = await import('../config/config.js');
  const done = await migrate(loadDatabaseUrl());
  process.stdout.write(`${JSON.stringify({ level: 'info', event: 'database.migrated', migrations: done })}\n`);
}
