import pg from 'pg';
import { DataSource } from 'typeorm';
import { Tenants1780000000000 } from '../../migrations/1780000000000-tenants.js';
import { Devices1780000000001 } from '../../migrations/1780000000001-devices.js';
import { Dispatch1780000000002 } from '../../migrations/1780000000002-dispatch.js';
import { Feed1780000000003 } from '../../migrations/1780000000003-feed.js';
import { ArrayStatistics1780000000004 } from '../../migrations/1780000000004-array-statistics.js';

// Our 64-bit numbers are row ids and counts: far below 2^53, and unusable as the strings that pg makes of them.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export interface DataSourceOptions {
  url: string;
  poolSize: number;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
}

/** The connection pool of this process, not yet connected. Every statement is bounded by a timeout. */
export function makeDataSource(options: DataSourceOptions): DataSource {
  return new DataSource({
    type: 'postgres',
    url: options.url,
    poolSize: options.poolSize,
    applicationName: options.applicationName,
    connectTimeoutMS: 5_000,
    entities: [],
    migrations: [
      Tenants1780000000000,
      Devices1780000000001,
      Dispatch1780000000002,
      Feed1780000000003,
      ArrayStatistics1780000000004,
    ],
    migrationsTransactionMode: 'each',
    extra: {
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 30_000,
      keepAlive: true,
      // A new connection has to plan every statement anew, 20 to 90 ms in all.
      idleTimeoutMillis: 300_000,
    },
  });
}
