import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StatsRepository } from '../../src/admin/stats.repository.js';
import { makeDataSource } from '../../src/database/data-source.js';
import { type TestAnswer, writeAnswers } from '../factories/attempt.js';
import { claimBatch, planBatch } from '../factories/batch.js';
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
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
});

afterAll(async () => {
  await api?.close();
  await db?.destroy();
  await database?.drop();
});

beforeEach(async () => {
  application = await createApplication(api);
});

async function moveClock(interval: string): Promise<void> {
  await db.query('update clock_offset set value = value + $1::interval', [interval]);
}

async function now(): Promise<Date> {
  const [row] = await db.query('select carillon_now() as now');
  return row.now;
}

/** One batch of made-up devices, ended by these answers. */
async function answer(
  answers: readonly Omit<TestAnswer, 'device'>[],
  options: { provider?: 'fcm' | 'apns'; worker?: string } = {},
): Promise<void> {
  const notification = await storeNotification(db, application.id);
  const devices = answers.map((_, i) => i + 1);
  const batchNo = await planBatch(db, notification, options.provider ?? 'fcm', devices);
  const batch = await claimBatch(db, notification.id, batchNo);
  await writeAnswers(
    db,
    batch,
    answers.map((fields, i) => ({ ...fields, device: i + 1 })),
    options.worker,
  );
}

async function stats(query = ''): Promise<Answer['body']> {
  const answered = await call(api, 'GET', `/v1/applications/${application.id}/stats${query}`, { key: api.adminKey });
  expect(answered.status, JSON.stringify(answered.body)).toBe(200);
  return answered.body;
}

describe('the statistics of an application', () => {
  it('count the provider calls of all workers by outcome, code and provider', async () => {
    await answer([{}, { fate: 'failed' }, { fate: 'suppressed' }], { worker: 'a' });
    await answer([{}, {}, { fate: 'retry' }], { worker: 'b', provider: 'apns' });
    const { totals, buckets, bucketSeconds } = await stats();
    expect(totals).toMatchObject({
      attempts: 5,
      outcomes: { accepted: 3, token_invalid: 1, unavailable: 1 },
      providers: { fcm: { attempts: 2 }, apns: { attempts: 3, outcomes: { accepted: 2, unavailable: 1 } } },
    });
    expect(totals.codes).toContainEqual({
      provider: 'fcm',
      outcome: 'token_invalid',
      code: 'UNREGISTERED',
      attempts: 1,
    });
    expect(totals.latencyMs).toEqual({ mean: 42, p50: 38, p90: 48, p95: 49, p99: 50 });
    expect(bucketSeconds).toBe(300);
    expect(buckets.reduce((sum: number, bucket: Answer['body']) => sum + bucket.attempts, 0)).toBe(5);
  });

  it('are cut into whole buckets, empty ones included', async () => {
    const from = await now();
    await answer([{}]);
    await moveClock('4 minutes');
    await answer([{}, {}]);
    const body = await stats(`?from=${from.toISOString()}&to=${(await now()).toISOString()}&bucketSeconds=120`);
    expect(body.buckets.map((bucket: Answer['body']) => Date.parse(bucket.at) % 120_000)).toEqual(
      body.buckets.map(() => 0),
    );
    expect(body.buckets.map((bucket: Answer['body']) => bucket.attempts).filter(Boolean)).toEqual([1, 2]);
    expect(body.buckets.length).toBeGreaterThanOrEqual(3);
    expect(Date.parse(body.buckets[0].at)).toBeLessThanOrEqual(from.getTime());
    expect(
      (await stats(`?bucketSeconds=60&to=${new Date(from.getTime() - 120_000).toISOString()}`)).totals.attempts,
    ).toBe(0);
  });

  it('refuse what they cannot answer', async () => {
    const refused = async (query: string, key = api.adminKey, id = application.id) => {
      const { status, body } = await call(api, 'GET', `/v1/applications/${id}/stats${query}`, { key });
      return [status, body.code];
    };
    expect(await refused('?bucketSeconds=90')).toEqual([400, 'invalid_request']);
    expect(await refused('?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')).toEqual([400, 'invalid_request']);
    expect(await refused('?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&bucketSeconds=60')).toEqual([
      400,
      'too_many_buckets',
    ]);
    expect(await refused('', application.serverKey)).toEqual([403, 'role_not_allowed']);
    const other = await createApplication(api);
    expect((await refused('', other.adminKey))[0]).toBe(404);
    expect(await refused('', application.adminKey)).toEqual([200, undefined]);
  });

  it('stay the same when old minutes are summed up into hours and days', async () => {
    // From the first hour of a day into its second: sums of hours then meet the sum of the day in one row.
    await db.query(
      `update clock_offset set value = value + (date_trunc('day', carillon_now(), 'UTC') + interval '1 day 40 minutes' - carillon_now())`,
    );
    for (const worker of ['a', 'b', 'a']) {
      await answer([{ latencyMs: 5 }, { latencyMs: 700 }, { fate: 'failed' }], { worker });
      await moveClock('14 minutes');
    }
    const from = new Date((await now()).getTime() - 86_400_000).toISOString();
    const to = new Date((await now()).getTime() + 86_400_000).toISOString();
    const query = `?from=${from}&to=${to}&bucketSeconds=3600`;
    const before = await stats(query);
    expect(before.totals.attempts).toBe(9);
    const repository = new StatsRepository(db);
    expect(await repository.compact()).toBe(0);

    await moveClock('5 days');
    expect(await repository.compact()).toBeGreaterThan(0);
    expect(await stats(query)).toEqual(before);
    expect(await repository.compact()).toBe(0);
    const [row] = await db.query(
      `select count(*)::int as n from attempt_stat where application_id = $1 and (worker <> '' or extract(minute from minute) <> 0)`,
      [application.id],
    );
    expect(row.n).toBe(0);

    await moveClock('70 days');
    await repository.compact();
    expect((await stats(`?from=${from}&to=${to}&bucketSeconds=86400`)).totals).toEqual(before.totals);
    await db.query(`update clock_offset set value = '0'`);
  });
});
