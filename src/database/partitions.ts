import type { DataSource, QueryRunner } from 'typeorm';

/** Tables with a partition per day: of the notification's id, and for attempts of their own time. */
export const PARTITIONED_TABLES = ['notification', 'dispatch_batch', 'receipt', 'delivery_attempt'] as const;
export type PartitionedTable = (typeof PARTITIONED_TABLES)[number];

export interface Retention {
  attemptDays: number;
  /** Of notifications with their batches and receipts. */
  notificationDays: number;
}

export interface Partition {
  table: PartitionedTable;
  name: string;
  /** The day in UTC, `2026-11-22`; null for the default partition, which takes what has no other place. */
  day: string | null;
  bytes: number;
  /** Postgres's own estimate. */
  rows: number;
}

export interface PartitionUpkeep {
  /** Names. */
  dropped: string[];
  /** Tables that were too busy or still needed; the next round tries again. */
  postponed: string[];
}

export const DAYS_AHEAD = 7;
/** Arbitrary, fixed: one node at a time drops. */
const DROP_LOCK = 7_226_002;
/**
 * Milliseconds. Whoever waits for an exclusive lock makes everybody behind him wait as well; so long may they be held up.
 * Detaching concurrently would hold up nobody, but Postgres refuses it where there is a default partition.
 */
const LOCK_WAIT_MS = 500;
const DELETE_PAGE = 10_000;
/** Pages per round that are deleted from a default partition. */
const MAX_DELETE_PAGES = 20;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Makes the partitions of yesterday, today and the days ahead; safe to call from many processes at once.
 *
 * @returns how many were made, and the tables that were too busy
 */
export async function ensurePartitions(db: DataSource): Promise<{ made: number; postponed: string[] }> {
  let made = 0;
  const postponed: string[] = [];
  for (const table of PARTITIONED_TABLES) {
    // A transaction for each: locks on several busy tables at once would be a deadlock waiting to happen.
    const rows = await withLockTimeout(db, (runner) =>
      runner.query('select carillon_ensure_partitions($1, array[$2]) as made', [DAYS_AHEAD, table]),
    );
    if (rows) made += rows[0].made;
    else postponed.push(table);
  }
  if (made > 0) await db.query('select carillon_skip_array_statistics()');
  return { made, postponed };
}

/**
 * Drops the days that are older than the retention, by the database's clock. Each is detached first and dropped then, so
 * that the parent is locked for a moment only; a crash in between leaves a table of its own, which the next round drops.
 * A day with notifications that have not ended is kept, with all that belongs to them.
 *
 * @returns undefined when another node is doing it
 */
export async function dropOldPartitions(db: DataSource, retention: Retention): Promise<PartitionUpkeep | undefined> {
  const lock = db.createQueryRunner();
  await lock.connect();
  try {
    const [row] = await lock.query('select pg_try_advisory_lock($1) as ours', [DROP_LOCK]);
    if (!row.ours) return undefined;
    try {
      return await dropOld(db, retention);
    } finally {
      await lock.query('select pg_advisory_unlock($1)', [DROP_LOCK]);
    }
  } finally {
    await lock.release();
  }
}

/** Every partition, by table and day. */
export async function listPartitions(db: DataSource): Promise<Partition[]> {
  const rows: { table: PartitionedTable; name: string; bytes: number; rows: number }[] = await db.query(
    `select p.relname as "table", c.relname as name, pg_total_relation_size(c.oid) as bytes, greatest(c.reltuples, 0)::bigint as rows
     from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_class c on c.oid = i.inhrelid
     where p.oid = any($1::regclass[]) order by p.relname, c.relname`,
    [PARTITIONED_TABLES],
  );
  return rows.map((row) => ({ ...row, day: dayOf(row.table, row.name) }));
}

async function dropOld(db: DataSource, retention: Retention): Promise<PartitionUpkeep> {
  const dropped: string[] = [];
  const postponed: string[] = [];
  for (const table of PARTITIONED_TABLES) {
    const days = table === 'delivery_attempt' ? retention.attemptDays : retention.notificationDays;
    const { firstDay, kept } = await daysToKeep(db, days);
    for (const { name, isAttached } of await tablesOf(db, table)) {
      const day = dayOf(table, name);
      if (day === null || day >= firstDay) continue;
      if (table !== 'delivery_attempt' && kept.has(day)) {
        postponed.push(name);
        continue;
      }
      const isDetached =
        !isAttached ||
        (await withLockTimeout(db, (runner) => runner.query(`alter table ${table} detach partition ${name}`)));
      if (isDetached) {
        await db.query(`drop table ${name}`);
        dropped.push(name);
      } else postponed.push(name);
    }
    await emptyDefault(db, table, firstDay);
  }
  return { dropped, postponed };
}

/** The oldest day within the retention, and those before it on which there are notifications that have not ended. */
async function daysToKeep(db: DataSource, days: number): Promise<{ firstDay: string; kept: Set<string> }> {
  const [row] = await db.query(
    `with first as (select (carillon_now() at time zone 'utc')::date - $1::int as day)
     select day::text as "firstDay", array(
       select distinct to_char(to_timestamp(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) at time zone 'utc', 'YYYY-MM-DD')
       from notification
       where id < carillon_uuid_floor(day::timestamp at time zone 'utc')
         and (state not in ('completed', 'cancelled') or completed_at is null)) as kept
     from first`,
    [days],
  );
  return { firstDay: row.firstDay, kept: new Set(row.kept) };
}

/** Tables that are, or were until a crash, partitions of `table`. */
async function tablesOf(db: DataSource, table: PartitionedTable): Promise<{ name: string; isAttached: boolean }[]> {
  return db.query(
    `select c.relname as name, c.relispartition as "isAttached" from pg_class c
     where c.relkind = 'r' and c.relnamespace = (select relnamespace from pg_class where oid = $1::regclass)
       and c.relname ~ ('^' || $1 || '_[0-9]{8}$') order by c.relname`,
    [table],
  );
}

/** What had no partition of its own ages too, only more slowly. */
async function emptyDefault(db: DataSource, table: PartitionedTable, firstDay: string): Promise<void> {
  const isOld =
    table === 'delivery_attempt'
      ? `at < $1::timestamp at time zone 'utc'`
      : `${table === 'notification' ? 'id' : 'notification_id'} < carillon_uuid_floor($1::timestamp at time zone 'utc')
         and not exists (select 1 from notification n where n.id = d.${table === 'notification' ? 'id' : 'notification_id'}
           and (n.state not in ('completed', 'cancelled') or n.completed_at is null))`;
  for (let page = 0; page < MAX_DELETE_PAGES; page++) {
    const [, deleted] = await db.query(
      `delete from ${table}_default where ctid = any(array(select ctid from ${table}_default d where ${isOld} limit ${DELETE_PAGE}))`,
      [firstDay],
    );
    if (deleted < DELETE_PAGE) return;
  }
}

function dayOf(table: PartitionedTable, name: string): string | null {
  const digits = /^_(\d{4})(\d{2})(\d{2})$/.exec(name.slice(table.length));
  return digits ? digits.slice(1).join('-') : null;
}

/** @returns undefined when the lock could not be had in time; nothing has changed then */
async function withLockTimeout<T>(
  db: DataSource,
  work: (runner: Pick<QueryRunner, 'query'>) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await db.transaction(async (tx) => {
      await tx.query(`set local lock_timeout = '${LOCK_WAIT_MS}ms'`);
      return await work(tx);
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE) return undefined;
    throw error;
  }
}
