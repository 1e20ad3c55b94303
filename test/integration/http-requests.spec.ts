import { once } from 'node:events';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Body, Controller, Headers, Module, Param, Query } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Caller, CurrentCaller } from '../../src/applications/caller.js';
import { NDJSON_MEDIA_TYPE } from '../../src/http/fastify.js';
import { pageQuery } from '../../src/http/pagination.js';
import { Route } from '../../src/http/route.js';
import { DomainError, type DomainErrorKind } from '../../src/lib/errors.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

const responses = { 200: { description: 'ok' } };
const echoBody = z.strictObject({
  content: z.strictObject({ data: z.record(z.string().max(5), z.string()) }),
  at: z.iso
    .datetime()
    .transform((at) => new Date(at))
    .optional(),
  any: z.unknown().optional(),
  audience: z
    .union([z.strictObject({ all: z.literal(true) }), z.strictObject({ userIds: z.array(z.string()) })])
    .optional(),
});

@Controller()
class ProbeController {
  @Route('POST', '/v1/probe/:id', {
    summary: 'echo',
    tag: 'Test',
    access: ['server'],
    params: z.strictObject({ id: z.uuid() }),
    query: z.strictObject({ ...pageQuery }),
    headers: z.strictObject({ 'idempotency-key': z.string().max(5).optional() }),
    body: echoBody,
    responses,
  })
  echo(
    @Param() params: unknown,
    @Query() query: unknown,
    @Headers('idempotency-key') idempotencyKey: unknown,
    @Body() body: z.infer<typeof echoBody>,
    @CurrentCaller() caller: Caller,
  ): unknown {
    return { params, query, idempotencyKey, body, isDate: body.at instanceof Date, caller };
  }

  @Route('GET', '/v1/probe/refusals/:kind', {
    summary: 'refuse',
    tag: 'Test',
    access: 'public',
    params: z.strictObject({ kind: z.string() }),
    responses,
  })
  refuse(@Param('kind') kind: DomainErrorKind | 'bug'): never {
    if (kind === 'bug') throw new Error('secret detail of the bug');
    throw new DomainError(kind, 'some_code', 'A sentence.', [], kind === 'limited' ? 2.4 : undefined);
  }

  @Route('POST', '/v1/probe/lines', {
    summary: 'stream',
    tag: 'Test',
    access: ['server'],
    bodyMediaType: NDJSON_MEDIA_TYPE,
    responses,
  })
  async lines(@Body() body: Readable): Promise<unknown> {
    return { lines: (await text(body)).split('\n').length };
  }

  @Route('POST', '/v1/probe/nothing', { summary: 'no body', tag: 'Test', access: ['server'], responses })
  nothing(): unknown {
    return { ok: true };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

const ID = '0b9f7a52-9d0e-4b5c-8a3e-6a2f5d9f0c11';
const VALID = { content: { data: { k: 'v' } } };

let database: TestDatabase;
let api: TestApi;
let key: string;
let applicationId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({
    database: database.url,
    redis: await testRedisUrl(),
    modules: [ProbeModule],
    MAX_BODY_BYTES: 20_000,
    LOG_LEVEL: 'silent',
  });
  const application = await createApplication(api);
  ({ serverKey: key, id: applicationId } = application);
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  call(api, 'POST', path, { key, body, headers });
const postRaw = async (body: string | Uint8Array<ArrayBuffer>, contentType: string, path = `/v1/probe/${ID}`) => {
  const headers = { authorization: `Bearer ${key}`, 'content-type': contentType };
  const response = await fetch(api.baseUrl + path, { method: 'POST', headers, body });
  const answer: Pick<Answer, 'status' | 'body'> = { status: response.status, body: await response.json() };
  return answer;
};
const pathsOf = (answer: { body: { errors?: { path: string }[] } }) => answer.body.errors?.map(({ path }) => path);

describe('a request', () => {
  it('reaches the handler as its schemas parsed it', async () => {
    const answer = await post(
      `/v1/probe/${ID}?limit=7`,
      { ...VALID, at: '2026-01-02T03:04:05Z' },
      { 'idempotency-key': 'abc' },
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      params: { id: ID },
      query: { limit: 7 },
      idempotencyKey: 'abc',
      isDate: true,
      caller: { role: 'server', applicationId },
    });
    expect((await post(`/v1/probe/${ID}`, VALID)).body.query).toEqual({ limit: 50 });
  });

  it('is refused with every wrong field by its path', async () => {
    const answer = await post(
      '/v1/probe/nope?limit=0&color=red',
      { content: { data: { k: 1 }, extra: 1 }, unknown: 1 },
      { 'idempotency-key': 'too long' },
    );
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      code: 'invalid_request',
    });
    expect(pathsOf(answer)?.toSorted()).toEqual([
      'content.data.k',
      'content.extra',
      'headers.idempotency-key',
      'params.id',
      'query.color',
      'query.limit',
      'unknown',
    ]);
  });

  it('names the field inside the closest branch of a union', async () => {
    const answer = await post(`/v1/probe/${ID}`, { ...VALID, audience: { userIds: ['a', 2] } });
    expect(pathsOf(answer)).toEqual(['audience.userIds.1']);
  });

  it('names a field name that is too long', async () => {
    const answer = await post(`/v1/probe/${ID}`, { content: { data: { 'longer than five': 'v' } } });
    expect(pathsOf(answer)).toEqual(['content.data.longer than five']);
  });

  it.each([
    ['a NUL in a value', '{"content":{"data":{"k":"a\\u0000b"}}}', 'content.data.k'],
    ['a NUL in a name', '{"content":{"data":{"a\\u0000":"b"}}}', 'content.data'],
    ['half a surrogate pair', '{"content":{"data":{"k":"\\ud83d"}}}', 'content.data.k'],
    ['a number beyond JSON', '{"content":{"data":{}},"any":{"n":1e400}}', 'any.n'],
  ])('with %s is refused by its path', async (_, body, path) => {
    const answer = await postRaw(body, 'application/json');
    expect(answer.status).toBe(400);
    expect(pathsOf(answer)).toEqual([path]);
  });

  it('that is nested deeper than any stack is refused, and the service lives on', async () => {
    const depth = 9_000;
    const answer = await postRaw(
      `{"content":{"data":{}},"any":${'['.repeat(depth)}${']'.repeat(depth)}}`,
      'application/json',
    );
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].message).toMatch(/nested/);
  });

  it('with a NUL in its path or query is refused', async () => {
    expect(pathsOf(await post(`/v1/probe/${ID}?cursor=%00`, VALID))).toEqual(['query.cursor']);
    expect(pathsOf(await post('/v1/probe/%00', VALID))).toEqual(['params.id']);
  });

  it.each([
    ['broken JSON', '{"a":', 'application/json', 400, 'malformed_request'],
    ['a poisoned prototype', '{"__proto__":{"a":1}}', 'application/json', 400, 'malformed_request'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'application/json', 400, 'malformed_request'],
    ['a form', 'a=1', 'application/x-www-form-urlencoded', 415, 'unsupported_media_type'],
    ['text', 'hello', 'text/plain', 415, 'unsupported_media_type'],
    ['NDJSON where JSON is wanted', '{}\n', NDJSON_MEDIA_TYPE, 415, 'unsupported_media_type'],
    ['a body over the limit', JSON.stringify('x'.repeat(30_000)), 'application/json', 413, 'body_too_large'],
  ])('with %s is refused', async (_, body, contentType, status, code) => {
    expect(await postRaw(body, contentType)).toMatchObject({ status, body: { status, code } });
  });

  it('that is compressed is refused, since nobody would unpack it', async () => {
    expect((await post(`/v1/probe/${ID}`, VALID, { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  it('streams NDJSON past the JSON limit, and only where it is declared', async () => {
    const line = `${JSON.stringify({ a: 'x'.repeat(90) })}\n`;
    const body = line.repeat(10_000);
    expect(await postRaw(body, NDJSON_MEDIA_TYPE, '/v1/probe/lines')).toEqual({ status: 200, body: { lines: 10_001 } });
    expect((await postRaw('{}', 'application/json', '/v1/probe/lines')).status).toBe(415);
  });

  it('needs no body where none is declared, and says which fields nobody reads', async () => {
    expect((await call(api, 'POST', '/v1/probe/nothing', { key })).status).toBe(200);
    expect((await post('/v1/probe/nothing', {})).status).toBe(200);
    expect((await postRaw('', 'application/json', '/v1/probe/nothing')).status).toBe(200);
    expect(pathsOf(await post('/v1/probe/nothing', { surprise: 1 }))).toEqual(['surprise']);
  });
});

describe('an error', () => {
  it.each([
    ['invalid', 400],
    ['unauthorized', 401],
    ['forbidden', 403],
    ['not_found', 404],
    ['conflict', 409],
    ['unprocessable', 422],
    ['limited', 429],
    ['unavailable', 503],
  ])('of kind %s is answered with %i', async (kind, status) => {
    const answer = await call(api, 'GET', `/v1/probe/refusals/${kind}`);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status, code: 'some_code', detail: 'A sentence.' });
    expect(answer.headers.get('x-request-id')).toBe(answer.body.requestId);
  });

  it('that asks to wait says for how long, in whole seconds', async () => {
    expect((await call(api, 'GET', '/v1/probe/refusals/limited')).headers.get('retry-after')).toBe('3');
    expect((await call(api, 'GET', '/v1/probe/refusals/unavailable')).headers.get('retry-after')).toBe('1');
    expect((await call(api, 'GET', '/v1/probe/refusals/conflict')).headers.get('retry-after')).toBeNull();
  });

  it('that is a bug tells nothing of itself', async () => {
    const answer = await call(api, 'GET', '/v1/probe/refusals/bug');
    expect(answer.status).toBe(500);
    expect(answer.body.code).toBe('internal_error');
    expect(JSON.stringify(answer.body)).not.toContain('secret detail');
  });

  it('of the path or the method is 404 or 405 with the methods that exist', async () => {
    expect((await call(api, 'GET', '/v1/nowhere')).body).toMatchObject({ status: 404, code: 'route_not_found' });
    const wrong = await call(api, 'DELETE', '/v1/applications');
    expect(wrong.body).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(wrong.headers.get('allow')?.split(', ').toSorted()).toEqual(['GET', 'POST']);
    expect((await call(api, 'GET', '/%zz')).body).toMatchObject({ status: 400, code: 'malformed_request' });
  });

  it.each([
    ['a missing host', 'GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['a malformed header', 'GET /livez HTTP/1.1\r\nno colon here\r\n\r\n', 400],
    ['headers without end', `GET /livez HTTP/1.1\r\nhost: x\r\nx-a: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
  ])('before there is a request, such as %s, is readable too', async (_, sent, status) => {
    const socket = connect(Number(new URL(api.baseUrl).port), '127.0.0.1');
    socket.write(sent);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
    await once(socket, 'close');
    const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toContain('application/problem+json');
    expect(JSON.parse(body).status).toBe(status);
  });
});

describe('x-request-id', () => {
  it('is echoed when it is harmless and replaced when it is not', async () => {
    const echo = async (id: string) =>
      (await call(api, 'GET', '/livez', { headers: { 'x-request-id': id } })).headers.get('x-request-id');
    expect(await echo('abc-1._Z')).toBe('abc-1._Z');
    expect(await echo('x'.repeat(128))).toBe('x'.repeat(128));
    expect(await echo('x'.repeat(129))).toMatch(/^[0-9a-f-]{36}$/);
    expect(await echo('{"a": 1}')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('an admin key', () => {
  it('calls server routes with ?applicationId=, and not without', async () => {
    const withId = await call(api, 'POST', `/v1/probe/${ID}?applicationId=${applicationId}`, {
      key: api.adminKey,
      body: VALID,
    });
    expect(withId.body).toMatchObject({ query: { limit: 50 }, caller: { role: 'admin', applicationId } });
    const without = await call(api, 'POST', `/v1/probe/${ID}`, { key: api.adminKey, body: VALID });
    expect(pathsOf(without)).toEqual(['query.applicationId']);
    const unknown = await call(api, 'POST', `/v1/probe/${ID}?applicationId=${ID}`, { key: api.adminKey, body: VALID });
    expect(unknown.body.code).toBe('application_not_found');
  });

  it('of another application is refused there', async () => {
    const other = await createApplication(api);
    for (const wrongKey of [other.adminKey, other.serverKey]) {
      const path = `/v1/probe/${ID}?applicationId=${applicationId}`;
      expect((await call(api, 'POST', path, { key: wrongKey, body: VALID })).body.code).toBe('wrong_application');
    }
  });
});
