import { afterAll, beforeAll, expect, it } from 'vitest';
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

interface Operation {
  operationId: string;
  parameters?: { name: string; in: string; required: boolean; schema: Record<string, unknown> }[];
  requestBody?: { content: Record<string, { schema: Record<string, unknown> }> };
  security?: unknown;
  responses: Record<string, unknown>;
}

it('describes every operation from the declarations that also validate it', async () => {
  const { status, body } = await call(api, 'GET', '/openapi.json');
  expect(status).toBe(200);
  expect(body.openapi).toBe('3.1.0');
  const operations: Operation[] = Object.values(body.paths).flatMap((methods) => Object.values(Object(methods)));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const operation of operations) expect(operation.responses).toHaveProperty('default');

  const create: Operation = body.paths['/v1/applications'].post;
  const schema = create.requestBody?.content['application/json']?.schema;
  expect(schema).toMatchObject({ type: 'object', required: ['name'], additionalProperties: false });
  expect(create.security).toEqual([{ apiKey: [] }, { session: [], csrfToken: [] }]);
  expect(body.paths['/v1/session'].get.security).toEqual([{ session: [] }]);
  expect(body.components.securitySchemes.session).toMatchObject({ in: 'cookie', name: '__Host-carillon' });
  expect(body.paths['/v1/receipts'].post.security).toEqual([{ apiKey: [] }]);
  const list: Operation = body.paths['/v1/applications'].get;
  expect(list.parameters?.find(({ name }) => name === 'limit')).toMatchObject({
    in: 'query',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 50 },
  });
  expect(body.paths['/v1/applications/{id}'].get.parameters[0]).toMatchObject({
    name: 'id',
    in: 'path',
    required: true,
  });
  const namesOf = ({ parameters = [] }: Operation) => parameters.map(({ name }) => name);
  expect(namesOf(body.paths['/v1/devices'].post)).toContain('applicationId');
  expect(namesOf(create)).not.toContain('applicationId');
  expect(body.paths['/livez'].get.security).toBeUndefined();
});

it('shows the same as a page that loads nothing from anywhere', async () => {
  const { status, headers, body } = await call(api, 'GET', '/docs');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(body).toContain('/v1/applications/{id}/credentials/{provider}/verify');
  expect(body).not.toMatch(/<script|<link|src=|https?:\/\/(?!app\.example\.com)[a-z]/);
});
