import { randomUUID } from 'node:crypto';
import type { DataSource, QueryRunner } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDataSource } from '../../src/database/data-source.js';
import {
  dropOldPartitions,
  ensurePartitions,
  listPartitions,
  PARTITIONED_TABLES,
} from '../../src/database/partitions.js';
import { writeAnswers } from '../factories/attempt.js';
import { claimBatch, planBatch } from '../factories/batch.js';
import { storeNotification } from '../factories/notification.js';
import { startApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

const RETENTION = { attemptDays: 30, notificationDays: 35 };

let database: TestDatabase;
let db: DataSource;
let applicationId: string;

beforeEach(async () => {
  database = await createTestDatabase();
  db = await makeDataSource({ url: database.url, poolSize: 6, applicationName: 'test' }).initialize();
  applicationId = randomUUID();
  await db.query(`insert into application (id, name) values ($1, 'test')`, [applicationId]);
});

afterEach(async () => {
  await db?.destroy();
  await database?.drop();
});

async function moveClock(days: number): Promise<void> {
  await db.query('update clock_offset set value = make_interval(days => $1)', [days]);
}

/** The day that is `days` from the database's today, `2026-11-22`. */
async function day(days: number): Promise<string> {
  const [row] = await db.query(`select ((carillon_now() at time zone 'utc')::date + $1::int)::text as day`, [days]);
  return row.day;
}

async function daysOf(table: string): Promise<string[]> {
  const partitions = await listPartitions(db);
  return partitions.flatMap((one) => (one.table === table && one.day !== null ? [one.day] : []));
}

const nameOf = (table: string, date: string) => `${table}_${date.replaceAll('-', '')}`;

/** One notification with one accepted delivery, ended or still live. */
async function deliver(state: 'completed' | 'sending'): Promise<string> {
  const notification = await storeNotification(db, applicationId);
  const batch = await claimBatch(db, notification.id, await planBatch(db, notification, 'fcm', [1]));
  await writeAnswers(db, batch, [{ device: 1 }]);
  if (state === 'completed') {
    await db.query(`update notification set state = 'completed', completed_at = carillon_now() where id = $1`, [
      notification.id,
    ]);
  }
  return notification.id;
}

async function count(table: string): Promise<number> {
  const [row] = await db.query(`select count(*)::int as n from ${table}`);
  return row.n;
}

/** Runs `work` while another connection holds what `statement` locks. */
async function whileLocked<T>(statement: string, work: () => Promise<T>): Promise<T> {
  const other: QueryRunner = db.createQueryRunner();
  await other.connect();
  await other.startTransaction();
  try {
    await other.query(statement);
    return await work();
  } finally {
    await other.rollbackTransaction();
    await other.release();
  }
}

describe('partitions ahead', () => {
  it('exist for yesterday, today and the next seven days, on every table', async () => {
    expect(await ensurePartitions(db)).toEqual({ made: 0, postponed: [] });
    await moveClock(3);
    expect(await ensurePartitions(db)).toEqual({ made: 3 * PARTITIONED_TABLES.length, postponed: [] });
    for (const table of PARTITIONED_TABLES) {
      const days = await daysOf(table);
      expect(days.at(-1)).toBe(await day(7));
      expect(days).toContain(await day(0));
    }
  });

  it('take the rows of their day, not the default partition', async () => {
    await moveClock(5);
    await ensurePartitions(db);
    await deliver('completed');
    const today = await day(0);
    for (const table of ['notification', 'dispatch_batch', 'delivery_attempt']) {
      expect(await count(nameOf(table, today)), table).toBe(1);
      expect(await count(`${table}_default`), table).toBe(0);
    }
  });

  it('are made by one of many processes that start together', async () => {
    await moveClock(8);
    const rounds = await Promise.all([ensurePartitions(db), ensurePartitions(db), ensurePartitions(db)]);
    expect(rounds.reduce((sum, round) => sum + round.made, 0)).toBe(8 * PARTITIONED_TABLES.length);
  });

  it('are postponed when somebody sits on the table, and the others are made', async () => {
    await moveClock(2);
    const round = await whileLocked('lock table receipt_default in access share mode', () => ensurePartitions(db));
    expect(round).toEqual({ made: 2 * (PARTITIONED_TABLES.length - 1), postponed: ['receipt'] });
    expect(await ensurePartitions(db)).toEqual({ made: 2, postponed: [] });
  });
});

describe('partitions past their time', () => {
  it('are dropped by the age of attempts and of notifications', async () => {
    const firstDay = await day(0);
    await deliver('completed');
    await moveClock(30);
    await ensurePartitions(db);
    await dropOldPartitions(db, RETENTION);
    expect((await daysOf('delivery_attempt'))[0]).toBe(firstDay);
    expect(await count('delivery_attempt')).toBe(1);

    await moveClock(31);
    await dropOldPartitions(db, RETENTION);
    expect(await daysOf('delivery_attempt')).not.toContain(firstDay);
    expect(await count('delivery_attempt')).toBe(0);
    expect(await count('notification')).toBe(1);
    expect(await daysOf('dispatch_batch')).toContain(firstDay);

    await moveClock(36);
    const round = await dropOldPartitions(db, RETENTION);
    expect(round?.dropped).toContain(nameOf('notification', firstDay));
    expect([await count('notification'), await count('dispatch_batch')]).toEqual([0, 0]);
    expect(await daysOf('receipt')).not.toContain(firstDay);
  });

  it('are kept while a notification of that day has not ended', async () => {
    const firstDay = await day(0);
    const id = await deliver('sending');
    await moveClock(40);
    const round = await dropOldPartitions(db, RETENTION);
    expect(round?.postponed).toEqual(
      ['notification', 'dispatch_batch', 'receipt'].map((table) => nameOf(table, firstDay)),
    );
    expect([await count('notification'), await count('dispatch_batch')]).toEqual([1, 1]);
    await db.query(`update notification set state = 'cancelled', completed_at = carillon_now() where id = $1`, [id]);
    await dropOldPartitions(db, RETENTION);
    expect([await count('notification'), await count('dispatch_batch')]).toEqual([0, 0]);
  });

  it('are dropped after a crash between detaching and dropping', async () => {
    const orphan = nameOf('delivery_attempt', await day(0));
    await db.query(`alter table delivery_attempt detach partition ${orphan}`);
    expect((await dropOldPartitions(db, RETENTION))?.dropped).toEqual([]);
    await moveClock(31);
    expect((await dropOldPartitions(db, RETENTION))?.dropped).toContain(orphan);
    const [row] = await db.query('select to_regclass($1) as found', [orphan]);
    expect(row.found).toBeNull();
  });

  it('wait for a better moment when somebody reads the table for long', async () => {
    await moveClock(31);
    const name = nameOf('delivery_attempt', await day(-31));
    const busy = await whileLocked('lock table delivery_attempt in access share mode', () =>
      dropOldPartitions(db, RETENTION),
    );
    expect(busy).toEqual({ dropped: [], postponed: expect.arrayContaining([name]) });
    expect((await dropOldPartitions(db, RETENTION))?.dropped).toContain(name);
  });

  it('are left alone while another node drops them', async () => {
    await moveClock(40);
    const other = await whileLocked('select pg_advisory_xact_lock(7226002)', () => dropOldPartitions(db, RETENTION));
    expect(other).toBeUndefined();
    expect((await dropOldPartitions(db, RETENTION))?.dropped.length).toBeGreaterThan(0);
  });

  it('also age in the default partitions, row by row', async () => {
    await moveClock(20);
    await deliver('completed');
    const live = await deliver('sending');
    expect([await count('notification_default'), await count('delivery_attempt_default')]).toEqual([2, 2]);
    await moveClock(56);
    await dropOldPartitions(db, RETENTION);
    expect([await count('delivery_attempt_default'), await count('dispatch_batch_default')]).toEqual([0, 1]);
    expect(await db.query('select id from notification_default')).toEqual([{ id: live }]);
  });
});

describe('a worker', () => {
  it('looks after partitions and statistics as soon as it starts', async () => {
    const firstDay = await day(0);
    await deliver('completed');
    await moveClock(40);
    const worker = await startApi({ database: database.url, redis: await testRedisUrl(), CARILLON_ROLE: 'worker' });
    try {
      expect(await daysOf('notification')).toContain(await day(0));
      await eventually(async () => {
        expect(await daysOf('delivery_attempt')).not.toContain(firstDay);
        expect(await daysOf('notification')).not.toContain(firstDay);
        expect(await db.query('select worker from attempt_stat')).toEqual([{ worker: '' }]);
      });
    } finally {
      await worker.close();
    }
  });
});
