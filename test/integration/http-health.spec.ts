import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '../../src/http/metrics.js';
import { Readiness } from '../../src/http/readiness.js';
import { call, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { startTestRedis } from '../setup/redis.js';

let database: TestDatabase;
let redis: Awaited<ReturnType<typeof startTestRedis>>;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startTestRedis();
  api = await startApi({
    database: database.url,
    redis: redis.url,
    METRICS_TOKEN: 'metrics-token',
    LOG_LEVEL: 'silent',
  });
});

afterAll(async () => {
  await api?.close();
  await redis?.stop();
  await database?.drop();
});

const missing = async () => {
  const answer = await call(api, 'GET', '/readyz');
  expect(answer.status).toBe(Object.keys(answer.body.missing).length === 0 ? 200 : 503);
  return answer.body.missing;
};
const administer = async (work: (client: Client) => Promise<unknown>) => {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await work(client).finally(() => client.end());
};

describe('/readyz', () => {
  it('is ready when everything is there', async () => {
    await eventually(async () => expect(await missing()).toEqual({}));
    expect((await call(api, 'GET', '/livez')).status).toBe(200);
  });

  it('names a Redis that may evict queue entries, until it may not', async () => {
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await eventually(async () => expect((await missing()).redis).toMatch(/allkeys-lru.*noeviction/));
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await eventually(async () => expect(await missing()).toEqual({}));
    await client.quit();
  });

  it('accepts such a Redis when told to', async () => {
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const tolerant = await startApi({ database: database.url, redis: redis.url, REDIS_ALLOW_EVICTION: true });
    expect((await call(tolerant, 'GET', '/readyz')).body.missing).toEqual({});
    await tolerant.close();
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await client.quit();
  });

  it('names migrations that the database has not seen', async () => {
    await administer((client) => client.query(`update migrations set name = 'Old' where name like 'Devices%'`));
    await eventually(async () => expect((await missing()).database).toMatch(/Devices\d+/));
    await administer((client) =>
      client.query(`update migrations set name = 'Devices1780000000001' where name = 'Old'`),
    );
    await eventually(async () => expect(await missing()).toEqual({}));
  });

  it('names a check that another module registered, also when it throws', async () => {
    const readiness = api.app.get(Readiness);
    readiness.register('queue', async () => 'not connected');
    await eventually(async () => expect((await missing()).queue).toBe('not connected'));
    readiness.register('queue', () => Promise.reject(new Error('with a secret')));
    await eventually(async () => expect((await missing()).queue).toBe('failed'));
    readiness.register('queue', async () => undefined);
    await eventually(async () => expect(await missing()).toEqual({}));
  });

  it('names a master key that does not open what is stored', async () => {
    await administer(async (client) => {
      await client.query(`insert into application (id, name) values ('0b9f7a52-9d0e-4b5c-8a3e-6a2f5d9f0c11', 'x')`);
      await client.query(
        `insert into credential (id, application_id, provider, version, sealed, fingerprint, public_parts)
         values ('0b9f7a52-9d0e-4b5c-8a3e-6a2f5d9f0c12', '0b9f7a52-9d0e-4b5c-8a3e-6a2f5d9f0c11', 'fcm', 1, '\\x01', 'f', '{}')`,
      );
    });
    await eventually(async () => expect((await missing()).masterKey).toMatch(/CARILLON_MASTER_KEY/));
    await administer((client) => client.query('delete from application'));
    await eventually(async () => expect(await missing()).toEqual({}));
  });

  it('notices that Redis is gone, and that it is back', async () => {
    const client = new Redis(redis.url);
    await client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually(async () => expect(await missing()).toEqual({}));
    await client.quit();
  });

  it('says so while the process stops, and live requests are still answered', async () => {
    const stopping = await startApi({ database: database.url, redis: redis.url });
    stopping.app.get(Readiness).drain();
    const answer = await call(stopping, 'GET', '/readyz');
    expect(answer.status).toBe(503);
    expect(Object.keys(answer.body.missing)).toEqual(['draining']);
    expect((await call(stopping, 'GET', '/v1/applications', { key: stopping.adminKey })).status).toBe(200);
    await stopping.close();
  });
});

describe('/metrics', () => {
  it('wants its token', async () => {
    for (const key of [undefined, 'wrong', api.adminKey]) {
      expect((await call(api, 'GET', '/metrics', key === undefined ? {} : { key })).status).toBe(401);
    }
  });

  it('shows what modules collect at scrape time, and survives a collector that fails', async () => {
    const metrics = api.app.get(Metrics);
    metrics.onScrape(() => Promise.reject(new Error('database away')));
    const answer = await call(api, 'GET', '/metrics', { key: 'metrics-token' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(answer.body).toContain('process_cpu_user_seconds_total');
    expect(answer.body).toContain('carillon_collectors_failed 1');
    await call(api, 'GET', '/v1/users/somebody?secret=1');
    const again = await call(api, 'GET', '/metrics', { key: 'metrics-token' });
    expect(again.body).toMatch(
      /carillon_http_request_duration_seconds_count\{method="GET",route="\/metrics",status="200"\} \d/,
    );
    expect(again.body).not.toMatch(/somebody|secret/);
  });
});

describe('a database that is away', () => {
  it('is a 503 that asks to come back, not a bug', async () => {
    const own = await createTestDatabase();
    const lonely = await startApi({ database: own.url, redis: redis.url, LOG_LEVEL: 'silent' });
    await own.drop();
    const answer = await call(lonely, 'GET', '/v1/applications', { key: lonely.adminKey });
    expect(answer.body).toMatchObject({ status: 503, code: 'database_unavailable' });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect((await call(lonely, 'GET', '/readyz')).status).toBe(503);
    await lonely.close();
  });
});
