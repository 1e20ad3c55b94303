import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

describe('the files of the SDK', () => {
  it('are for every page, and asked for anew each time', async () => {
    const answer = await call(api, 'GET', '/sdk/carillon.js', { headers: { origin: 'https://anywhere.example' } });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatch(/export\{.*\bas Carillon\b/);
    expect(answer.body.length).toBeLessThan(25_000);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    const etag = answer.headers.get('etag') ?? '';
    const again = await call(api, 'GET', '/sdk/carillon.js', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(again.body).toBeUndefined();
  });

  it('are one each, with all the types that they name', async () => {
    const types = new Set<string>();
    for (const name of ['carillon', 'carillon-push']) {
      const { status, body } = await call(api, 'GET', `/sdk/${name}.js`);
      expect(status, name).toBe(200);
      expect(body).not.toMatch(/\bimport\b/);
      types.add(`${name}.d.ts`);
    }
    for (const name of types) {
      const { status, body } = await call(api, 'GET', `/sdk/${name}`);
      expect(status, name).toBe(200);
      for (const [, imported = ''] of body.matchAll(/from '\.\/([^']+)\.js'/g)) types.add(`${imported}.d.ts`);
    }
  });

  it('include a worker that may serve the whole origin, and needs no module', async () => {
    const { headers, body } = await call(api, 'GET', '/sdk/carillon-sw.js');
    expect(headers.get('service-worker-allowed')).toBe('/');
    expect(body).not.toMatch(/^(import|export)\b/m);
  });

  it('are no way to other files', async () => {
    for (const name of ['nothing.js', '..%2f..%2fsrc%2fmain.js', '.built-from']) {
      expect((await call(api, 'GET', `/sdk/${name}`)).body.code).toBe('file_not_found');
    }
    const status = await new Promise((resolve) => {
      request(`${api.baseUrl}/`, { path: '/sdk/../package.json' }, (answer) =>
        resolve(answer.resume().statusCode),
      ).end();
    });
    expect(status).toBe(404);
  });
});

it('there is no demo where no demo was set up', async () => {
  expect((await call(api, 'GET', '/demo')).status).toBe(404);
  expect((await call(api, 'POST', '/demo/session', { body: { userId: 'u-1' } })).status).toBe(404);
});
