import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiKeysService } from '../../src/applications/api-keys.service.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl(), RATE_LIMIT_PER_SECOND: 20 });
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const burst = (n: number, key: string, path: string) =>
  Promise.all(Array.from({ length: n }, () => call(api, 'GET', path, { key })));

describe('RATE_LIMIT_PER_SECOND', () => {
  it('answers a key that is too fast with 429 and when to come back, and no other key', async () => {
    const [one, other] = [await createApplication(api), await createApplication(api)];
    const answers = await burst(60, one.adminKey, `/v1/applications/${one.id}`);
    const limited = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(20);
    expect(limited.length).toBeGreaterThan(10);
    expect(limited[0]?.body.code).toBe('rate_limited');
    expect(Number(limited[0]?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await call(api, 'GET', `/v1/applications/${other.id}`, { key: other.adminKey })).status).toBe(200);
    await eventually(async () => {
      expect((await call(api, 'GET', `/v1/applications/${one.id}`, { key: one.adminKey })).status).toBe(200);
    });
  });

  it('leaves probes alone', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => call(api, 'GET', '/livez')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });
});

describe('wrong keys', () => {
  it('are slowed down per address, while a key that was good works on, also when it is no longer cached', async () => {
    const { adminKey, id } = await createApplication(api);
    const path = `/v1/applications/${id}`;
    expect((await call(api, 'GET', path, { key: adminKey })).status).toBe(200);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => call(api, 'GET', path, { key: `ad_guess-${index}` })),
    );
    expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(25);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(10);
    api.app.get(ApiKeysService).forgetCached();
    expect((await call(api, 'GET', path, { key: adminKey })).status).toBe(200);
    expect((await call(api, 'GET', path, { key: 'ad_another-guess' })).status).toBe(429);
    expect((await call(api, 'GET', path)).status).toBe(429);
  });
});
