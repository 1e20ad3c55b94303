import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/database/migrate.js';
import { guardian } from '../../src/embedded/guardian.js';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startRedis } from '../../src/embedded/redis.js';
import { createDatabase, TEMPLATE_DATABASE } from './database.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Temporary folder of this run. */
    runDir: string;
    postgresUrl: string;
    redisUrl: string;
  }
}

/** One private Postgres, with a migrated template database, and one private Redis for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const runDir = await mkdtemp(join(tmpdir(), 'carillon-test-'));
  guardian.removeAtDeath(runDir);
  const [postgres, redis] = await Promise.all([
    // A power cut may cost a test database; a killed server loses nothing all the same.
    startPostgres({ dir: join(runDir, 'postgres'), settings: { fsync: 'off', full_page_writes: 'off' } }),
    startRedis({ dir: join(runDir, 'redis'), report: (message) => process.stderr.write(`${message}\n`) }),
  ]);
  await migrate(await createDatabase(postgres.url, TEMPLATE_DATABASE, 'template0'));
  project.provide('runDir', runDir);
  project.provide('postgresUrl', postgres.url);
  project.provide('redisUrl', redis.url);
  return async () => {
    await Promise.all([postgres.stop(), redis.stop()]);
    await rm(runDir, { recursive: true, force: true });
  };
}
