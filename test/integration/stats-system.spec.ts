import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StatsRepository } from '../../src/admin/stats.repository.js';
import { SystemRepository } from '../../src/admin/system.repository.js';
import { makeDataSource } from '../../src/database/data-source.js';
import { writeAnswers } from '../factories/attempt.js';
import { claimBatch, claimBatchOf, planBatch } from '../factories/batch.js';
import { storeNotification } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let db: DataSource;
let api: TestApi;
let application: { id: string; serverKey: string; adminKey: string };

beforeAll(async () => {
  database = await createTestDatabase();
  db = await makeDataSource({ url: database.url, poolSize: 4, applicationName: 'test' }).initialize();
  api = await start();
});

afterAll(async () => {
  await api?.close();
  await db?.destroy();
  await database?.drop();
});

beforeEach(async () => {
  await db.query('truncate notification, dispatch_batch, delivery_attempt, attempt_stat, gate, mass_guard');
  await db.query(`update clock_offset set value = '0'`);
  application = await createApplication(api);
});

/** Violations that the tests make are logged as errors. */
async function start(): Promise<TestApi> {
  return startApi({ database: database.url, redis: await testRedisUrl(), LOG_LEVEL: 'silent' });
}

/** Runs `work` with a process of its own, which remembers nothing of the other tests. */
async function withFreshApi(work: (fresh: TestApi) => Promise<void>): Promise<void> {
  const fresh = await start();
  try {
    await work(fresh);
  } finally {
    await fresh.close();
  }
}

async function moveClock(interval: string): Promise<void> {
  await db.query('update clock_offset set value = value + $1::interval', [interval]);
}

async function system(): Promise<Answer['body']> {
  const answer = await call(api, 'GET', '/v1/system', { key: api.adminKey });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

/** Values of the exposition, by name and labels as they are written there. */
async function metrics(from: TestApi): Promise<Map<string, number>> {
  const { body } = await call(from, 'GET', '/metrics');
  const lines = String(body)
    .split('\n')
    .filter((line) => line.startsWith('carillon_'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

async function closeGate(fields: { kind: string; state?: string; provider?: string }): Promise<void> {
  await db.query(
    `insert into gate (application_id, provider, state, kind, closed_until, reason)
     values ($1, $2, $3, $4, carillon_now() + interval '1 minute', 'a reason')`,
    [application.id, fields.provider ?? 'fcm', fields.state ?? 'closed', fields.kind],
  );
}

describe('the state of the system', () => {
  it('is quiet at first', async () => {
    expect(await system()).toMatchObject({
      lanes: ['critical', 'normal', 'bulk'].map((lane) => ({
        lane,
        due: 0,
        waiting: 0,
        oldestDueSeconds: null,
        providers: [],
      })),
      unplannedNotifications: 0,
      gates: [],
      massGuards: [],
      workers: [],
    });
  });

  it('tells what is due, being sent, waiting and paused in each lane, and since when', async () => {
    const notification = await storeNotification(db, application.id, { options: { lane: 'critical' } });
    const batchNo = await planBatch(db, notification, 'fcm', [1, 2, 3, 4, 5]);
    await planBatch(db, notification, 'apns', [6, 7]);
    const batch = await claimBatch(db, notification.id, batchNo);
    await writeAnswers(db, batch, [{ device: 1 }, { device: 2, fate: 'retry', retryInMs: 3_600_000 }]);
    const paused = await storeNotification(db, application.id, { options: { lane: 'bulk' } }, { state: 'paused' });
    await planBatch(db, paused, 'fcm', [8]);
    await moveClock('30 seconds');

    const [critical, , bulk] = (await system()).lanes;
    expect(critical).toMatchObject({ lane: 'critical', due: 2, sending: 3, waiting: 0, paused: 0 });
    expect(critical.oldestDueSeconds).toBeGreaterThanOrEqual(30);
    expect(critical.oldestDueSeconds).toBeLessThan(60);
    expect(critical.providers.map((one: Answer['body']) => [one.provider, one.due, one.sending])).toEqual([
      ['apns', 2, 0],
      ['fcm', 0, 3],
    ]);
    expect(bulk).toMatchObject({ due: 0, paused: 1, oldestDueSeconds: null });

    await writeAnswers(db, batch, [{ device: 3 }, { device: 4 }, { device: 5 }]);
    expect((await system()).lanes[0]).toMatchObject({ due: 2, sending: 0, waiting: 1 });
  });

  it('names closed gates, mass guards, busy workers and partitions', async () => {
    await closeGate({ kind: 'credential' });
    await closeGate({ kind: 'throttled', provider: 'apns', state: 'open' });
    await db.query(
      `insert into mass_guard (application_id, provider, tripped_at, restored) values ($1, 'apns', carillon_now(), 7)`,
      [application.id],
    );
    const notification = await storeNotification(db, application.id);
    const batch = await claimBatch(db, notification.id, await planBatch(db, notification, 'fcm', [1]));
    await writeAnswers(db, batch, [{ device: 1 }], 'host-1');
    const body = await system();
    expect(body.gates).toMatchObject([
      { applicationId: application.id, provider: 'fcm', kind: 'credential', reason: 'a reason' },
    ]);
    expect(body.massGuards).toMatchObject([{ provider: 'apns', restored: 7 }]);
    expect(body.workers).toMatchObject([{ worker: 'host-1', attempts: 1 }]);
    const days = body.partitions.filter((one: Answer['body']) => one.table === 'notification');
    expect(days).toHaveLength(10);
    await moveClock('16 minutes');
    expect((await system()).workers).toEqual([]);
  });

  it('is for admins of the whole installation', async () => {
    for (const key of [application.serverKey, application.adminKey]) {
      expect((await call(api, 'GET', '/v1/system', { key })).status).toBe(403);
    }
  });
});

describe('the metrics', () => {
  it('count attempts with their latencies, the same after a restart and after old minutes are summed up', async () => {
    const accepted = 'carillon_attempts_total{provider="fcm",outcome="accepted",code="200"}';
    const upTo = (seconds: string) => `carillon_attempt_latency_seconds_bucket{le="${seconds}",provider="fcm"}`;
    const notification = await storeNotification(db, application.id);
    const batch = await claimBatch(db, notification.id, await planBatch(db, notification, 'fcm', [1, 2, 3]));
    await writeAnswers(db, batch, [
      { device: 1, latencyMs: 8 },
      { device: 2, latencyMs: 30 },
    ]);
    await withFreshApi(async (fresh) => {
      const shown = await metrics(fresh);
      expect(shown.get(accepted)).toBe(2);
      expect([shown.get(upTo('0.01')), shown.get(upTo('0.05')), shown.get(upTo('+Inf'))]).toEqual([1, 2, 2]);
      expect(shown.get('carillon_attempt_latency_seconds_sum{provider="fcm"}')).toBeCloseTo(0.038);
      expect(shown.get('carillon_attempt_latency_seconds_count{provider="fcm"}')).toBe(2);

      await moveClock('2 hours');
      await writeAnswers(db, await claimBatchOf(db, notification.id, 3), [{ device: 3, latencyMs: 20_000 }]);
      expect((await metrics(fresh)).get(accepted)).toBe(3);
      await moveClock('5 days');
      expect(await new StatsRepository(db).compact()).toBeGreaterThan(0);
      expect((await metrics(fresh)).get(accepted)).toBe(3);
    });
    await withFreshApi(async (restarted) => {
      const shown = await metrics(restarted);
      expect(shown.get(accepted)).toBe(3);
      expect([shown.get(upTo('10')), shown.get(upTo('+Inf'))]).toEqual([2, 3]);
    });
  });

  it('show lanes and gates as they are now', async () => {
    const notification = await storeNotification(db, application.id, { options: { lane: 'normal' } });
    await planBatch(db, notification, 'fcm', [1, 2]);
    await closeGate({ kind: 'breaker', state: 'half_open' });
    await moveClock('10 seconds');
    const shown = await metrics(api);
    expect(shown.get('carillon_lane_deliveries{lane="normal",provider="fcm",state="due"}')).toBe(2);
    expect(shown.get('carillon_lane_oldest_due_seconds{lane="normal"}')).toBeGreaterThanOrEqual(10);
    expect(shown.get('carillon_gates_closed{provider="fcm",kind="breaker"}')).toBe(1);
    expect(shown.get('carillon_collectors_failed')).toBe(0);
    await db.query('delete from gate');
    expect((await metrics(api)).get('carillon_gates_closed{provider="fcm",kind="breaker"}')).toBeUndefined();
  });

  it('count accepted notifications once, while their ids grow old', async () => {
    const name = 'carillon_notifications_accepted_total';
    await withFreshApi(async (fresh) => {
      expect((await metrics(fresh)).get(name)).toBe(0);
      await storeNotification(db, application.id);
      expect((await metrics(fresh)).get(name)).toBe(1);
      await moveClock('1 minute');
      await storeNotification(db, application.id);
      const [one, other] = await Promise.all([metrics(fresh), metrics(fresh)]);
      expect([one.get(name), other.get(name)]).toEqual([2, 2]);
      await moveClock('1 minute');
      expect((await metrics(fresh)).get(name)).toBe(2);
    });
  });
});

describe('the audit of the books', () => {
  const violations = async () =>
    (await new SystemRepository(db).violations(15, 1_000)).map(({ notificationId, rule }) => [notificationId, rule]);

  it('finds nothing wrong with deliveries that end, wait, move and are sent', async () => {
    const notification = await storeNotification(db, application.id);
    const batch = await claimBatch(db, notification.id, await planBatch(db, notification, 'fcm', [1, 2, 3]));
    await writeAnswers(db, batch, [
      { device: 1, fate: 'retry' },
      { device: 2, fate: 'failed' },
    ]);
    expect(await violations()).toEqual([]);
    await writeAnswers(db, batch, [{ device: 3, fate: 'retry', retryInMs: 120_000 }]);
    await planBatch(db, notification, 'apns', [4]);
    expect(await violations()).toEqual([]);
    await withFreshApi(async (fresh) => {
      expect((await metrics(fresh)).get('carillon_invariant_violations')).toBe(0);
    });
  });

  it.each([
    ['planned', 'update notification set planned = planned + 1'],
    ['ended', `update notification set state = 'completed', completed_at = carillon_now(), accepted = 0`],
    ['batch', `update dispatch_batch set accepted = accepted + 1 where state = 'done'`],
    ['moved', 'delete from dispatch_batch where parent_batch is not null'],
  ])('names a notification that breaks the rule "%s"', async (rule, sabotage) => {
    const notification = await storeNotification(db, application.id);
    const batch = await claimBatch(db, notification.id, await planBatch(db, notification, 'fcm', [1, 2]));
    await writeAnswers(db, batch, [{ device: 1 }, { device: 2, fate: 'retry' }]);
    await db.query(sabotage);
    expect(await violations()).toEqual([[notification.id, rule]]);
    await withFreshApi(async (fresh) => {
      expect((await metrics(fresh)).get('carillon_invariant_violations')).toBe(1);
    });
  });

  it('looks at what has not ended, however old', async () => {
    const notification = await storeNotification(db, application.id);
    await planBatch(db, notification, 'fcm', [1]);
    await db.query('update notification set planned = 5 where id = $1', [notification.id]);
    await moveClock('3 hours');
    expect(await violations()).toEqual([[notification.id, 'planned']]);
    await db.query(`update notification set completed_at = carillon_now(), accepted = 5 where id = $1`, [
      notification.id,
    ]);
    expect(await violations()).toEqual([]);
  });
});
