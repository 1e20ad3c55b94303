import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BatchesService } from '../../src/batches/batches.service.js';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { Planner } from '../../src/deliveries/planner.js';
import { DevicesService } from '../../src/devices/devices.service.js';
import { type Clock, systemClock } from '../../src/lib/clock.js';
import type { NewNotification } from '../../src/notifications/notification.js';
import { NotificationsService } from '../../src/notifications/notifications.service.js';
import { RollUp } from '../../src/notifications/roll-up.js';
import { Producers } from '../../src/queue/producers.js';
import { insertDevices, storeNotification } from '../factories/notification.js';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { jobsOn } from '../setup/jobs.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let redis: string;
let api: TestApi;
let db: DataSource;
let applicationId: string;
let planner: Planner;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await testRedisUrl();
  api = await startApi({ database: database.url, redis });
  db = api.app.get<DataSource>(DATA_SOURCE);
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

beforeEach(async () => {
  applicationId = (await createApplication(api)).id;
  planner = makePlanner();
});

function makePlanner(clock: Clock = systemClock): Planner {
  const { app } = api;
  const services = [app.get(NotificationsService), app.get(DevicesService), app.get(BatchesService)] as const;
  return new Planner(...services, app.get(Producers), app.get(RollUp), db, clock);
}

const unplanned = (fields = {}, row = {}): Promise<NewNotification> =>
  storeNotification(db, applicationId, fields, { state: 'planning', isPlanned: false, ...row });

async function read(id: string) {
  const [row] = await db.query(
    `select n.*, b.batches, b.deliveries, b.devices, b.largest from notification n, lateral (
       select count(*)::int as batches, coalesce(sum(n), 0)::int as deliveries, max(n) as largest,
         (select count(distinct d)::int from dispatch_batch x, unnest(x.device_ids) d where x.notification_id = $1) as devices
       from dispatch_batch where notification_id = $1) b
     where n.id = $1`,
    [id],
  );
  return row;
}

const moveClock = (interval: string) => db.query('update clock_offset set value = value + $1::interval', [interval]);

describe('planning', () => {
  it('batches every device once, at most 1,000 of one provider in a batch', async () => {
    await insertDevices(db, applicationId, 2_600, { provider: 'fcm' });
    await insertDevices(db, applicationId, 1_500, { provider: 'apns' });
    await insertDevices(db, (await createApplication(api)).id, 100);
    const { id } = await unplanned();
    await planner.plan(id);
    const row = await read(id);
    expect(row).toMatchObject({
      state: 'sending',
      is_planned: true,
      planned: 4_100,
      deliveries: 4_100,
      devices: 4_100,
    });
    expect(row.largest).toBeLessThanOrEqual(1_000);
    const mixed = await db.query(
      `select 1 from dispatch_batch b, unnest(b.device_ids) d join device on device.id = d
       where b.notification_id = $1 and device.provider <> b.provider`,
      [id],
    );
    expect(mixed).toEqual([]);
  });

  it('of several topics reaches a member of both once', async () => {
    const both = await insertDevices(db, applicationId, 50, { topic: 'news' });
    await db.query(
      `insert into topic_member select application_id, 'sport', id from device where public_id = any($1)`,
      [both],
    );
    await insertDevices(db, applicationId, 30, { topic: 'sport' });
    await insertDevices(db, applicationId, 20);
    const { id } = await unplanned({ audience: { topics: ['news', 'sport'] } });
    await planner.plan(id);
    expect(await read(id)).toMatchObject({ planned: 80, devices: 80 });
  });

  it('by many planners at once writes nothing twice and leaves nothing out', async () => {
    await insertDevices(db, applicationId, 5_000);
    const { id } = await unplanned();
    const planners = Array.from({ length: 6 }, () => makePlanner());
    await Promise.all(planners.flatMap((one) => [one.plan(id), one.plan(id)]));
    // Whoever finds the row locked leaves it to the other; one more round is what the sweep does.
    await planner.plan(id);
    expect(await read(id)).toMatchObject({ is_planned: true, planned: 5_000, deliveries: 5_000, devices: 5_000 });
  });

  it('fixes the audience when it starts: later devices are not meant', async () => {
    await insertDevices(db, applicationId, 2_500);
    const { id } = await unplanned();
    await stepOnce(id);
    await insertDevices(db, applicationId, 700);
    await planner.plan(id);
    expect(await read(id)).toMatchObject({ is_planned: true, planned: 2_500 });
  });

  it('makes its first batches visible before the rest is planned', async () => {
    await insertDevices(db, applicationId, 2_500);
    const { id } = await unplanned();
    await stepOnce(id);
    expect(await read(id)).toMatchObject({ state: 'planning', is_planned: false, planned: 2_000, deliveries: 2_000 });
  });

  it('of nobody ends with nothing planned', async () => {
    const { id } = await unplanned({ audience: { topics: ['empty'] } });
    await planner.plan(id);
    expect(await read(id)).toMatchObject({ state: 'sending', is_planned: true, planned: 0, batches: 0 });
  });

  it('gives its place to others after a while', async () => {
    await insertDevices(db, applicationId, 2_500);
    const { id } = await unplanned();
    let nowMs = 0;
    await makePlanner({ ...systemClock, monotonicMs: () => (nowMs += 3_000) }).plan(id);
    expect(await read(id)).toMatchObject({ is_planned: false, planned: 2_000 });
    expect(await jobsOn(redis, 'notify')).toContainEqual({ notificationId: id });
  });

  it('stops after the step under way when the worker is told to', async () => {
    await insertDevices(db, applicationId, 2_500);
    const { id } = await unplanned();
    const planning = planner.plan(id);
    await planner.drain();
    await planning;
    expect(await read(id)).toMatchObject({ is_planned: false, planned: 2_000 });
    await makePlanner().plan(id);
    expect(await read(id)).toMatchObject({ is_planned: true, planned: 2_500 });
  });
});

describe('a notification that must not go out now', () => {
  it.each(['cancel', 'pause'] as const)(
    'because of a %s in the middle of a step does not wait for it and undoes it',
    async (action) => {
      await insertDevices(db, applicationId, 10);
      const { id } = await unplanned();
      const planning = await db.transaction(async (tx) => {
        // Lets the planner walk, but not write.
        await tx.query('lock table dispatch_batch in share mode');
        const planning = planner.plan(id);
        await eventually(async () => {
          const [waiting] = await db.query(
            `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          );
          expect(waiting.n).toBe(1);
        });
        await tx.query(`set local lock_timeout = '2s'`);
        const state = action === 'cancel' ? 'cancelled' : 'paused';
        await tx.query('update notification set state = $2, state_before_pause = state where id = $1', [id, state]);
        return { planning };
      });
      await planning.planning;
      expect(await read(id)).toMatchObject({ is_planned: false, planned: 0, batches: 0 });
    },
  );

  it.each(['cancelled', 'completed'] as const)('because it is %s is not planned', async (state) => {
    await insertDevices(db, applicationId, 3);
    const { id } = await unplanned({}, { state });
    await planner.plan(id);
    expect(await read(id)).toMatchObject({ state, batches: 0 });
  });

  it('because it is scheduled is planned at its time, with the devices of that time', async () => {
    await insertDevices(db, applicationId, 3);
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const { id } = await unplanned({ options: { sendAt } }, { state: 'scheduled' });
    await planner.plan(id);
    expect(await read(id)).toMatchObject({ state: 'scheduled', batches: 0 });
    await insertDevices(db, applicationId, 2);
    await moveClock('1 hour 1 second');
    try {
      await planner.plan(id);
    } finally {
      await moveClock('-1 hour -1 second');
    }
    expect(await read(id)).toMatchObject({ state: 'sending', planned: 5 });
  });

  it('because it is paused stops at once, and goes on where it was', async () => {
    await insertDevices(db, applicationId, 2_500);
    const { id } = await unplanned();
    await stepOnce(id);
    await db.query(`update notification set state = 'paused', state_before_pause = 'planning' where id = $1`, [id]);
    await planner.plan(id);
    expect(await read(id)).toMatchObject({ state: 'paused', planned: 2_000 });
    await api.app.get(NotificationsService).resume(applicationId, id, 'key:test');
    await planner.plan(id);
    expect(await read(id)).toMatchObject({ state: 'sending', planned: 2_500, devices: 2_500 });
  });

  it('because its time passed while it was paused is planned all the same, so that each delivery is on record', async () => {
    await insertDevices(db, applicationId, 5);
    const { id } = await unplanned({ options: { ttlSeconds: 60 } });
    await api.app.get(NotificationsService).pause(applicationId, id, 'key:test');
    await moveClock('61 seconds');
    try {
      await planner.wakeDue();
      expect(await jobsOn(redis, 'notify')).toContainEqual({ notificationId: id });
      await planner.plan(id);
    } finally {
      await moveClock('-61 seconds');
    }
    expect(await read(id)).toMatchObject({
      state: 'paused',
      state_before_pause: 'sending',
      is_planned: true,
      planned: 5,
    });
  });
});

describe('the sweep', () => {
  it('wakes a planner for what a dead one left behind, within 20 seconds, and for each only now and then', async () => {
    await insertDevices(db, applicationId, 2_500);
    const { id } = await unplanned();
    await stepOnce(id);
    const isWoken = async () => {
      await planner.wakeDue();
      const jobs = (await jobsOn(redis, 'notify')) as { notificationId: string }[];
      return jobs.filter((job) => job.notificationId === id).length;
    };
    const before = await isWoken();
    await moveClock('19 seconds');
    try {
      expect(await isWoken()).toBe(before);
      await moveClock('1 second');
      expect(await isWoken()).toBe(before + 1);
      expect(await isWoken()).toBe(before + 1);
      await moveClock('5 seconds');
      expect(await isWoken()).toBe(before + 2);
    } finally {
      await moveClock('-25 seconds');
    }
  });

  it('leaves alone what is planned, paused, cancelled or not due', async () => {
    await planner.wakeDue();
    await storeNotification(db, applicationId);
    await unplanned({}, { state: 'cancelled' });
    await unplanned({}, { state: 'scheduled', planWakeAt: new Date(Date.now() + 60_000) });
    const paused = await unplanned();
    await api.app.get(NotificationsService).pause(applicationId, paused.id, 'key:test');
    expect(await api.app.get(NotificationsService).takeDuePlans(100)).toEqual([]);
  });
});

/** One step of planning, as by a planner that died after it. */
async function stepOnce(id: string): Promise<void> {
  const mortal = makePlanner();
  const planning = mortal.plan(id);
  await mortal.drain();
  await planning;
}
