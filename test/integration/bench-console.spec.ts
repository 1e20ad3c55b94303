import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleData, writeLog } from '../../bench/console/data.js';
import { kindsOf, takeSamples } from '../../bench/console/requests.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

const DEVICES = 5_000;

let database: TestDatabase;
let api: TestApi;
let db: Client;
let application: { id: string; adminKey: string };
let data: ConsoleData;
let before: unknown;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  application = await createApplication(api);
  db = new Client({ connectionString: database.url });
  await db.connect();
  before = await indexes();
  data = await writeLog(db, application.id, DEVICES, 80, () => {});
});

afterAll(async () => {
  await db?.end();
  await api?.close();
  await database?.drop();
});

/** Rows of a query without parameters. */
const rows = async (sql: string) => (await db.query(sql)).rows;

const indexes = () =>
  rows(`select indexname, indexdef from pg_indexes where tablename in ('device', 'delivery_attempt') order by 1`);

const get = (path: string) => call(api, 'GET', path, { key: application.adminKey });

describe('a log for the benchmark of the console', () => {
  it('leaves the tables as the migrations made them, every row on its day', async () => {
    expect(await indexes()).toEqual(before);
    for (const table of ['notification', 'dispatch_batch', 'receipt', 'delivery_attempt']) {
      expect(await rows(`select count(*)::int as n from ${table}_default`), table).toEqual([{ n: 0 }]);
    }
    expect(await rows(`select count(*)::int as n from pg_index where not indisvalid`)).toEqual([{ n: 0 }]);
    expect(await rows(`select value = '0' as "isZero" from clock_offset`)).toEqual([{ isZero: true }]);
  });

  it('holds five attempts for each device, and batches that agree with it', async () => {
    expect(data.attempts).toBeGreaterThan(DEVICES * 5 * 0.97);
    const mismatches = await rows(`
      with delivery as (
        select b.notification_id, b.batch_no, b.state, d.id, d.mark
        from dispatch_batch b, unnest(b.device_ids, string_to_array(b.result, null)) d(id, mark))
      select d.mark, a.status_after from delivery d
        full join delivery_attempt a on a.notification_id = d.notification_id and a.batch_no = d.batch_no and a.device_id = d.id
      where coalesce(a.status_after, 'none') is distinct from
        case d.mark when '0' then 'none' when '1' then 'accepted' when '2' then 'failed' when '3' then 'pending' when '4' then 'expired'
          when '6' then 'suppressed' end`);
    expect(mismatches).toEqual([]);
    expect(
      await rows(`
        select parent.batch_no from dispatch_batch parent
          left join dispatch_batch child on child.notification_id = parent.notification_id and child.parent_batch = parent.batch_no
        where coalesce(child.n, 0) <> parent.moved`),
    ).toEqual([]);
    expect(await rows('select sum(n)::int as n from attempt_stat')).toEqual([{ n: data.attempts }]);
    const dead = `select d.id from device d where status <> 'active' and (
      select count(*) from delivery_attempt a where a.device_id = d.id and a.status_after = 'failed' and a.code = d.invalid_reason) <> 1`;
    expect(await rows(dead)).toEqual([]);
  });

  it('adds up as the api counts it', async () => {
    const states = new Set<string>();
    for (const id of [data.campaigns[0]?.id, data.campaigns.at(-1)?.id, data.singles[0]]) {
      const { body } = await get(`/v1/notifications/${id}`);
      const { planned, pending, accepted, failed, expired, suppressed } = body.counts;
      expect([pending + accepted + failed + expired + suppressed, planned > 0]).toEqual([planned, true]);
      states.add(body.status);
      const listed = await get(`/v1/notifications/${id}/deliveries?limit=1000`);
      expect(listed.body.items).toHaveLength(planned);
    }
    expect(states).toEqual(new Set(['completed', 'sending']));
  });

  it('answers everything that the benchmark asks', async () => {
    const empty: string[] = [];
    for (const { title, path } of kindsOf(application.id, data, await takeSamples(db))) {
      const answer = await get(path());
      expect(answer.status, `${title}: ${JSON.stringify(answer.body)}`).toBe(200);
      if (answer.body.items?.length === 0) empty.push(title);
    }
    // Those that begin deep may come out at the end, and few devices have a user with a failure.
    expect(empty.filter((title) => !/none|deep|a user|refused|invalid|a day/.test(title))).toEqual([]);
  });
});
