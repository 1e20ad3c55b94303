import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FeedRepository } from '../../src/batches/feed.repository.js';
import { Feeder } from '../../src/batches/feeder.js';
import { loadConfig } from '../../src/config/config.js';
import { makeDataSource } from '../../src/database/data-source.js';
import { systemClock } from '../../src/lib/clock.js';
import { uuidV7 } from '../../src/lib/ids.js';
import { LANES, type Lane } from '../../src/lib/names.js';
import { Producers } from '../../src/queue/producers.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

const MAX_QUEUED = 32_000;
const SHARE = 8;

let database: TestDatabase;
let db: DataSource;
let producers: Producers;
let config: ReturnType<typeof loadConfig>;

beforeAll(async () => {
  database = await createTestDatabase();
  config = loadConfig({
    DATABASE_URL: database.url,
    REDIS_URL: await testRedisUrl(),
    CARILLON_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  });
  db = await makeDataSource({ url: database.url, poolSize: 4, applicationName: 'test' }).initialize();
  producers = new Producers(config);
});

afterAll(async () => {
  await producers?.onApplicationShutdown();
  await db?.destroy();
  await database?.drop();
});

beforeEach(async () => {
  await db.query('truncate dispatch_batch, notification');
  await db.query('delete from application');
});

const feeder = (lanes: readonly Lane[] = LANES) =>
  new Feeder(new FeedRepository(db), producers, systemClock, { ...config, WORKER_LANES: [...lanes] });

interface Line {
  application: string;
  lane?: Lane;
  n?: number;
  batches?: number;
  /** Seconds ago; negative: in the future. */
  dueSeconds?: number;
  /** Days ago that its notification was accepted. */
  days?: number;
}

/** Due batches of one notification; returns its id. */
async function line({ application, lane = 'bulk', n = 10, batches = 1, dueSeconds = 5, days = 0 }: Line) {
  const id = uuidV7(new Date(Date.now() - days * 86_400_000));
  await db.query(
    `insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, device_ids, first_id, last_id,
       n, result, not_before, expires_at)
     select $1, nextval('dispatch_batch_no'), $2, 'fcm', $3, 'pending', '{1}', 1, 1, $4, repeat('0', $4),
       now() - make_interval(secs => $5), now() + interval '1 day'
     from generate_series(1, $6)`,
    [id, application, lane, n, dueSeconds, batches],
  );
  return id;
}

/** Batches that are queued, by application. */
async function queued(): Promise<Record<string, number>> {
  const rows = await db.query(
    `select application_id as id, count(*)::int as n from dispatch_batch where state = 'queued' group by 1`,
  );
  return Object.fromEntries(rows.map((row: { id: string; n: number }) => [row.id, row.n]));
}

const application = (i: number) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
const [ONE, OTHER] = [application(1), application(2)];

describe('a round of the feeder', () => {
  it('takes what is due in the lanes of its worker, and nothing of others', async () => {
    await line({ application: ONE, lane: 'critical' });
    await line({ application: ONE, lane: 'normal' });
    await line({ application: OTHER, lane: 'bulk' });
    expect(await feeder(['bulk']).feed()).toBe(1);
    expect(await queued()).toEqual({ [OTHER]: 1 });
    expect(await feeder(['critical', 'normal']).feed()).toBe(2);
    expect(await feeder().feed()).toBe(0);
  });

  it('leaves what is not due', async () => {
    await line({ application: ONE, dueSeconds: -3_600 });
    expect(await feeder().feed()).toBe(0);
  });

  it('gives every application its share, however long the line of another is', async () => {
    await line({ application: ONE, batches: 300, dueSeconds: 60 });
    for (let i = 2; i <= 20; i += 1) await line({ application: application(i), dueSeconds: 1 });
    expect(await feeder().feed()).toBe(SHARE + 19);
    expect(await queued()).toMatchObject({ [ONE]: SHARE, [OTHER]: 1, [application(20)]: 1 });
  });

  it('finds what is due among very many applications that wait for a retry', async () => {
    for (let i = 0; i < 400; i += 1) await line({ application: application(1_000 + i), dueSeconds: -600 });
    await line({ application: ONE });
    expect(await feeder().feed()).toBe(1);
    expect(await queued()).toEqual({ [ONE]: 1 });
  });

  it('queues no more than a few seconds of work, and lets everybody have a first turn before a second', async () => {
    for (let i = 1; i <= 20; i += 1) await line({ application: application(i), n: 1_000, batches: 5 });
    expect(await feeder().feed()).toBe(MAX_QUEUED / 1_000);
    const turns = Object.values(await queued());
    expect(turns).toHaveLength(20);
    expect(turns.every((n) => n === 1 || n === 2)).toBe(true);
    expect(await feeder().feed()).toBe(0);
    await db.query(`update dispatch_batch set state = 'done' where state = 'queued'`);
    expect(await feeder().feed()).toBe(MAX_QUEUED / 1_000);
  });

  it('takes retries of notifications of any day', async () => {
    for (const days of [0, 1, 20, 39, 60, 400]) await line({ application: application(days + 1), days });
    expect(await feeder().feed()).toBe(6);
  });

  it('leaves paused notifications and closed gates, and sends one batch through a half-open gate', async () => {
    const paused = await line({ application: ONE });
    await db.query(
      `insert into notification (id, application_id, lane, semantics, audience, content, options, state, created_at, send_at, expires_at)
       values ($1, $2, 'bulk', 'at_least_once', '{}', '{}', '{}', 'paused', now(), now(), now() + interval '1 day')`,
      [paused, ONE],
    );
    for (const [i, state] of ['closed', 'half_open'].entries()) {
      const id = application(10 + i);
      await db.query(`insert into application (id, name) values ($1, 'x')`, [id]);
      await db.query(
        `insert into gate (application_id, provider, state, kind, closed_until, reason, probes_left)
         values ($1, 'fcm', $2, 'breaker', now() + interval '1 minute', 'x', 10)`,
        [id, state],
      );
      await line({ application: id, batches: 3 });
    }
    expect(await feeder().feed()).toBe(1);
    expect(await queued()).toEqual({ [application(11)]: 1 });
  });

  it('hands out no batch twice when many feed at once', async () => {
    for (let i = 1; i <= 30; i += 1) await line({ application: application(i), batches: 4 });
    const fed = await Promise.all([1, 2, 3, 4].map(() => feeder().feed()));
    expect(fed.reduce((sum, n) => sum + n, 0)).toBe(120);
    expect(Object.values(await queued()).reduce((sum, n) => sum + n, 0)).toBe(120);
  });

  it('is planned once, not at each round', async () => {
    const single = await makeDataSource({ url: database.url, poolSize: 3, applicationName: 'test' }).initialize();
    const own = new Feeder(new FeedRepository(single), producers, systemClock, config);
    for (let i = 0; i < 20; i += 1) await own.feed();
    const { rows } = await single.planOnce.query(
      `select generic_plans::int as generic, custom_plans::int as custom from pg_prepared_statements where name = 'due_spans'`,
    );
    await single.destroy();
    expect(rows).toEqual([{ generic: 20, custom: 0 }]);
  });
});
