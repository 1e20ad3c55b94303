import pg from 'pg';
import { DataSource } from 'typeorm';
import { Tenants1780000000000 } from '../../migrations/1780000000000-tenants.js';
import { Devices1780000000001 } from '../../migrations/1780000000001-devices.js';
import { Dispatch1780000000002 } from '../../migrations/1780000000002-dispatch.js';
import { Feed1780000000003 } from '../../migrations/1780000000003-feed.js';
import { ArrayStatistics1780000000004 } from '../../migrations/1780000000004-array-statistics.js';
import { Webhooks1780000000005 } from '../../migrations/1780000000005-webhooks.js';
import { Realtime1780000000006 } from '../../migrations/1780000000006-realtime.js';
import { Live1780000000007 } from '../../migrations/1780000000007-live.js';
import { Accounts1780000000008 } from '../../migrations/1780000000008-accounts.js';
import { Unplanned1780000000009 } from '../../migrations/1780000000009-unplanned.js';
import { ConsoleLists1780000000010 } from '../../migrations/1780000000010-console-lists.js';
import { NotificationTimeline1780000000011 } from '../../migrations/1780000000011-notification-timeline.js';
import { FailureCounts1780000000012 } from '../../migrations/1780000000012-failure-counts.js';

// Our 64-bit numbers are row ids and counts: far below 2^53, and unusable as the strings that pg makes of them.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export interface DataSourceOptions {
  url: string;
  /** Connections at most; 3 at least. */
  poolSize: number;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
}

/** Milliseconds. */
const CONNECT_TIMEOUT_MS = 5_000;
const LIMITS = {
  statement_timeout: 30_000,
  idle_in_transaction_session_timeout: 30_000,
  keepAlive: true,
  // A new connection has to plan every statement anew, 20 to 90 ms in all.
  idleTimeoutMillis: 300_000,
};

/**
 * A statement of the hot path finds a few rows by key: it has one good plan, and finding that again costs up to five times as
 * much as running it. With sequential scans ruled out, the plan that is made while a table is empty is still right when it is
 * full.
 */
const PLAN_ONCE = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off';

/** TypeORM's pool, and beside it one of connections that plan each statement once. */
export class PooledDataSource extends DataSource {
  /** For `prepared.ts`. Connects when it is first used. */
  readonly planOnce: pg.Pool;

  constructor({ url, poolSize, applicationName }: DataSourceOptions) {
    const planOnceSize = Math.max(1, Math.floor(poolSize / 2));
    super({
      type: 'postgres',
      url,
      poolSize: Math.max(2, poolSize - planOnceSize),
      applicationName,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      entities: [],
      migrations: [
        Tenants1780000000000,
        Devices1780000000001,
        Dispatch1780000000002,
        Feed1780000000003,
        ArrayStatistics1780000000004,
        Webhooks1780000000005,
        Realtime1780000000006,
        Live1780000000007,
        Accounts1780000000008,
        Unplanned1780000000009,
        ConsoleLists1780000000010,
        NotificationTimeline1780000000011,
        FailureCounts1780000000012,
      ],
      migrationsTransactionMode: 'each',
      extra: LIMITS,
    });
    this.planOnce = new pg.Pool({
      connectionString: url,
      max: planOnceSize,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      options: PLAN_ONCE,
      ...LIMITS,
    });
    // An idle connection that breaks is replaced when the next one is wanted; without a listener it would end the process.
    this.planOnce.on('error', () => {});
  }

  override async destroy(): Promise<void> {
    await Promise.all([super.destroy(), this.planOnce.end()]);
  }
}

/** The connections of this process, not yet connected. Every statement is bounded by a timeout. */
export function makeDataSource(options: DataSourceOptions): PooledDataSource {
  return new PooledDataSource(options);
}
