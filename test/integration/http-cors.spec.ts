import { Controller, Module } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Route } from '../../src/http/route.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

const responses = { 200: { description: 'ok' } };

@Controller()
class ProbeController {
  @Route('POST', '/v1/probe/client/:id', { summary: 'c', tag: 'Test', access: ['client', 'server'], responses })
  client(): unknown {
    return { ok: true };
  }

  @Route('POST', '/v1/probe/server', { summary: 's', tag: 'Test', access: ['server'], responses })
  server(): unknown {
    return { ok: true };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

const ORIGIN = 'https://app.example.com';
const OTHER_ORIGIN = 'https://other.example.com:8443';
const CLIENT_PATH = '/v1/probe/client/1';

let database: TestDatabase;
let api: TestApi;
let application: Awaited<ReturnType<typeof createApplication>>;
let other: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl(), modules: [ProbeModule] });
  application = await createApplication(api, { corsOrigins: [ORIGIN] });
  other = await createApplication(api, { corsOrigins: [OTHER_ORIGIN] });
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const preflight = (path: string, origin: string, method = 'POST') =>
  call(api, 'OPTIONS', path, { headers: { origin, 'access-control-request-method': method } });
const allowed = (answer: { headers: Headers }) => answer.headers.get('access-control-allow-origin');

describe('a preflight', () => {
  it.each([ORIGIN, OTHER_ORIGIN])('passes on a client route from %s, which some application lists', async (origin) => {
    const answer = await preflight(CLIENT_PATH, origin);
    expect(answer.status).toBe(204);
    expect(allowed(answer)).toBe(origin);
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST');
    expect(answer.headers.get('access-control-allow-headers')).toContain('x-device-secret');
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  it.each([
    ['an origin that nobody lists', CLIENT_PATH, 'https://evil.example.com', 'POST'],
    ['the origin with another port', CLIENT_PATH, `${ORIGIN}:444`, 'POST'],
    ['a null origin', CLIENT_PATH, 'null', 'POST'],
    ['a server route', '/v1/probe/server', ORIGIN, 'POST'],
    ['an admin route', '/v1/applications', ORIGIN, 'GET'],
    ['a method that the route has not', CLIENT_PATH, ORIGIN, 'DELETE'],
    ['a path that does not exist', '/v1/nowhere', ORIGIN, 'GET'],
  ])('fails for %s', async (_, path, origin, method) => {
    const answer = await preflight(path, origin, method);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(allowed(answer)).toBeNull();
  });
});

describe('an answer', () => {
  const send = (path: string, key: string, origin: string) => call(api, 'POST', path, { key, headers: { origin } });

  it("is readable from the key's own application's origin alone", async () => {
    expect(allowed(await send(CLIENT_PATH, application.clientKey, ORIGIN))).toBe(ORIGIN);
    expect(allowed(await send(CLIENT_PATH, application.clientKey, OTHER_ORIGIN))).toBeNull();
    expect(allowed(await send(CLIENT_PATH, other.clientKey, OTHER_ORIGIN))).toBe(OTHER_ORIGIN);
    expect((await send(CLIENT_PATH, application.clientKey, OTHER_ORIGIN)).headers.get('vary')).toBe('Origin');
  });

  it('of a server route or to an unknown key is not readable', async () => {
    expect(allowed(await send('/v1/probe/server', application.serverKey, ORIGIN))).toBeNull();
    expect(allowed(await send(CLIENT_PATH, 'cl_unknown', ORIGIN))).toBeNull();
  });

  it('follows a change of the origins at once', async () => {
    const changing = await createApplication(api, { corsOrigins: ['https://before.example.com'] });
    const path = `/v1/applications/${changing.id}`;
    await send(CLIENT_PATH, changing.clientKey, 'https://before.example.com');
    await call(api, 'PATCH', path, { key: api.adminKey, body: { corsOrigins: ['https://after.example.com'] } });
    expect(allowed(await send(CLIENT_PATH, changing.clientKey, 'https://before.example.com'))).toBeNull();
    expect(allowed(await send(CLIENT_PATH, changing.clientKey, 'https://after.example.com'))).toBe(
      'https://after.example.com',
    );
  });
});

describe('corsOrigins', () => {
  it.each([
    '*',
    'null',
    'https://a.example.com/',
    'https://a.example.com/x',
    'https://*.example.com',
    'a.example.com',
    'https://a.example.com:443',
    'HTTPS://A.example.com',
    'ftp://a.example.com',
  ])('refuse %s, which is no exact origin', async (origin) => {
    const body = { name: 'x', corsOrigins: [origin] };
    const answer = await call(api, 'POST', '/v1/applications', { key: api.adminKey, body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe('corsOrigins.0');
  });
});
