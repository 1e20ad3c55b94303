import { afterAll, beforeAll, expect, it } from 'vitest';
import { typesOf } from '../../console/openapi-types.js';
import { call, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

it('the console knows the API by the types that its document describes', async () => {
  const { body } = await call(api, 'GET', '/openapi.json');
  await expect(typesOf(body)).toMatchFileSnapshot('../../console/src/api/schema.ts');
});
