import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BatchesRepository } from '../../src/batches/batches.repository.js';
import { BatchesService } from '../../src/batches/batches.service.js';
import { makeDataSource } from '../../src/database/data-source.js';
import { EventLog } from '../../src/events/event-log.js';
import { systemClock } from '../../src/lib/clock.js';
import { LiveRepository } from '../../src/notifications/live.repository.js';
import { endedOf } from '../../src/notifications/notification.js';
import { NotificationsRepository } from '../../src/notifications/notifications.repository.js';
import { NotificationsService } from '../../src/notifications/notifications.service.js';
import { PlanningRepository } from '../../src/notifications/planning.repository.js';
import { RollUp } from '../../src/notifications/roll-up.js';
import { RollUpRepository } from '../../src/notifications/roll-up.repository.js';
import { TimelineRepository } from '../../src/notifications/timeline.repository.js';
import { addBatch, finishBatch, storeNotification } from '../factories/notification.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';

let database: TestDatabase;
let db: DataSource;
let applicationId: string;
let rollUp: RollUp;

const makeRollUp = () =>
  new RollUp(
    new RollUpRepository(db),
    new BatchesService(new BatchesRepository(db)),
    new EventLog(db, systemClock),
    db,
    systemClock,
  );

beforeAll(async () => {
  database = await createTestDatabase();
  db = await makeDataSource({ url: database.url, poolSize: 6, applicationName: 'test' }).initialize();
});

afterAll(async () => {
  await db?.destroy();
  await database?.drop();
});

beforeEach(async () => {
  applicationId = randomUUID();
  await db.query(`insert into application (id, name) values ($1, 'test')`, [applicationId]);
  rollUp = makeRollUp();
});

async function read(id: string) {
  const [notification] = await new NotificationsRepository(db).find([id]);
  if (!notification) throw new Error('the notification is gone');
  return notification;
}

describe('a flush', () => {
  it('sums the batches and ends the notification once, when nothing is open', async () => {
    const notification = await storeNotification(db, applicationId);
    const [one, other] = [await addBatch(db, notification, 3), await addBatch(db, notification, 2, 'apns')];
    await finishBatch(db, notification.id, one, '112');
    rollUp.mark(notification.id);
    expect(await rollUp.flush()).toEqual([]);
    expect(await read(notification.id)).toMatchObject({
      state: 'sending',
      completedAt: null,
      counts: { planned: 5, accepted: 2, failed: 1 },
    });

    await finishBatch(db, notification.id, other, '17');
    rollUp.mark(notification.id);
    expect(await rollUp.flush()).toEqual([notification.id]);
    expect(await read(notification.id)).toMatchObject({
      state: 'completed',
      completedAt: expect.any(Date),
      firstAttemptAt: expect.any(Date),
      counts: { planned: 5, accepted: 3, failed: 1, unknown: 1, retried: 0 },
    });

    rollUp.mark(notification.id);
    expect(await rollUp.flush()).toEqual([]);
  });

  it('waits for what was moved to a retry and counts it once as planned', async () => {
    const notification = await storeNotification(db, applicationId);
    await finishBatch(db, notification.id, await addBatch(db, notification, 3), '131');
    rollUp.mark(notification.id);
    expect(await rollUp.flush()).toEqual([]);
    expect((await read(notification.id)).counts).toMatchObject({ planned: 3, accepted: 2, retried: 1 });

    const [child] = await db.query(
      `select batch_no from dispatch_batch where notification_id = $1 and state = 'pending'`,
      [notification.id],
    );
    await finishBatch(db, notification.id, child.batch_no, '2');
    rollUp.mark(notification.id);
    expect(await rollUp.flush()).toEqual([notification.id]);
    expect((await read(notification.id)).counts).toMatchObject({ planned: 3, accepted: 2, failed: 1, retried: 1 });
  });

  it('does not end a notification that is still being planned', async () => {
    const notification = await storeNotification(db, applicationId, {}, { state: 'planning', isPlanned: false });
    await finishBatch(db, notification.id, await addBatch(db, notification, 1), '1');
    rollUp.mark(notification.id);
    expect(await rollUp.flush()).toEqual([]);
    expect(await read(notification.id)).toMatchObject({ state: 'planning', counts: { planned: 1, accepted: 1 } });
  });

  it('ends a cancelled one when nothing is open, planned or not, and leaves it cancelled', async () => {
    const notification = await storeNotification(db, applicationId, {}, { state: 'cancelled', isPlanned: false });
    await addBatch(db, notification, 2);
    rollUp.mark(notification.id);
    // The first finds the open batch and ends it, the second sees that nothing is left.
    expect(await rollUp.flush()).toEqual([]);
    expect(await rollUp.flush()).toEqual([notification.id]);
    expect(await read(notification.id)).toMatchObject({
      state: 'cancelled',
      completedAt: expect.any(Date),
      counts: { planned: 2, cancelled: 2 },
    });
  });

  it('comes back to a notification that somebody else holds', async () => {
    const notification = await storeNotification(db, applicationId);
    await finishBatch(db, notification.id, await addBatch(db, notification, 1), '1');
    rollUp.mark(notification.id);
    await db.transaction(async (tx) => {
      await tx.query('select 1 from notification where id = $1 for update', [notification.id]);
      expect(await rollUp.flush()).toEqual([]);
    });
    expect(await rollUp.flush()).toEqual([notification.id]);
  });

  it('keeps what is marked while the database is away', async () => {
    const notification = await storeNotification(db, applicationId);
    await finishBatch(db, notification.id, await addBatch(db, notification, 1), '1');
    rollUp.mark(notification.id);
    await db.query('alter table dispatch_batch rename to dispatch_batch_away');
    await expect(rollUp.flush()).rejects.toThrow('dispatch_batch');
    await db.query('alter table dispatch_batch_away rename to dispatch_batch');
    expect(await rollUp.flush()).toEqual([notification.id]);
  });

  it('by two workers ends each of many notifications exactly once', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 40; i++) {
      const notification = await storeNotification(db, applicationId);
      await finishBatch(db, notification.id, await addBatch(db, notification, 1), '1');
      ids.push(notification.id);
    }
    const workers = [makeRollUp(), makeRollUp(), makeRollUp()];
    const ended: string[] = [];
    await eventually(async () => {
      for (const worker of workers) for (const id of ids) worker.mark(id);
      for (const some of await Promise.all(workers.map((worker) => worker.flush()))) ended.push(...some);
      return ended.length >= ids.length;
    });
    expect(ended.sort()).toEqual(ids.sort());
  });
});

describe('the pass', () => {
  it('finds what a dead worker had marked, and an empty audience', async () => {
    const [full, empty, open] = [
      await storeNotification(db, applicationId),
      await storeNotification(db, applicationId),
      await storeNotification(db, applicationId),
    ];
    await finishBatch(db, full.id, await addBatch(db, full, 2), '12');
    await addBatch(db, open, 1);
    const ended = await rollUp.advancePass();
    expect(ended.sort()).toEqual([full.id, empty.id].sort());
    expect(await read(full.id)).toMatchObject({ state: 'completed', counts: { planned: 2, accepted: 1, failed: 1 } });
    expect(await read(empty.id)).toMatchObject({ state: 'completed', counts: { planned: 0 } });
    expect((await read(open.id)).state).toBe('sending');
  });

  it('ends retries that were made while a notification was being cancelled', async () => {
    const notification = await storeNotification(db, applicationId);
    const batchNo = await addBatch(db, notification, 2);
    await db.query(`update notification set state = 'cancelled' where id = $1`, [notification.id]);
    await finishBatch(db, notification.id, batchNo, '13');
    await rollUp.advancePass();
    expect(await rollUp.flush()).toContain(notification.id);
    expect((await read(notification.id)).counts).toMatchObject({ planned: 2, accepted: 1, cancelled: 1, retried: 1 });
  });

  it('rests between two rounds', async () => {
    await rollUp.advancePass();
    const late = await storeNotification(db, applicationId);
    expect(await rollUp.advancePass()).toEqual([]);
    expect(await makeRollUp().advancePass()).toContain(late.id);
  });
});

it('never shows counts that do not add up while batches are written and finished', async () => {
  const notification = await storeNotification(db, applicationId, {}, { state: 'planning', isPlanned: false });
  const batches = new BatchesService(new BatchesRepository(db));
  const repository = new NotificationsRepository(db);
  const service = new NotificationsService(
    db,
    repository,
    new PlanningRepository(db),
    batches,
    new LiveRepository(db),
    new TimelineRepository(db),
  );
  let isWorking = true;
  const worker = (async () => {
    for (let round = 0; round < 30; round++) {
      const batchNo = await addBatch(db, notification, 4);
      await finishBatch(db, notification.id, batchNo, '1127');
      rollUp.mark(notification.id);
    }
    await db.query(`update notification set is_planned = true, state = 'sending' where id = $1`, [notification.id]);
    isWorking = false;
  })();
  let reads = 0;
  while (isWorking) {
    await rollUp.flush();
    const { counts } = await service.view(applicationId, notification.id);
    expect(counts.pending).toBeGreaterThanOrEqual(0);
    expect(counts.accepted).toBe(2 * counts.failed);
    expect(counts.planned).toBe(counts.accepted + counts.failed + counts.unknown + counts.pending);
    const [listed] = (await repository.list(applicationId, {}, 1)).rows;
    if (!listed) throw new Error('the notification is gone');
    expect(listed.counts.planned).toBeGreaterThanOrEqual(endedOf(listed.counts));
    reads++;
  }
  await worker;
  rollUp.mark(notification.id);
  await rollUp.flush();
  const view = await service.view(applicationId, notification.id);
  expect(view).toMatchObject({ status: 'completed', progress: 1, counts: { planned: 120, pending: 0, accepted: 60 } });
  expect(reads).toBeGreaterThan(0);
});
