import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

const URL_ = 'https://hooks.example.com/carillon';

let database: TestDatabase;
let api: TestApi;
let application: { id: string; serverKey: string; clientKey: string; adminKey: string };

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});
beforeEach(async () => {
  application = await createApplication(api);
});

const ask = (method: string, path: string, body?: unknown, key = application.serverKey): Promise<Answer> =>
  call(api, method, `/v1/webhooks${path}`, { key, body });
const make = async (fields: object = {}): Promise<Answer['body']> => {
  const answer = await ask('POST', '', { url: URL_, events: ['delivery.failed'], ...fields });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
};

describe('a webhook', () => {
  it('is made, and its secret shown once', async () => {
    const made = await make({ events: ['notification.completed', 'delivery.failed', 'delivery.failed'] });
    expect(made).toEqual({
      id: expect.any(String),
      url: URL_,
      events: ['notification.completed', 'delivery.failed'],
      enabled: true,
      disabledReason: null,
      disabledAt: null,
      failingSince: null,
      previousSecretUntil: null,
      createdAt: expect.any(String),
      secret: expect.stringMatching(/^whsec_[\w+/]{43}=$/),
    });
    const { secret, ...rest } = made;
    expect((await ask('GET', `/${made.id}`)).body).toEqual(rest);
    expect((await ask('GET', '')).body).toEqual({ items: [rest], nextCursor: null });
  });

  it('is changed, disabled and enabled', async () => {
    const { id } = await make();
    const url = 'https://other.example.com/';
    expect((await ask('PATCH', `/${id}`, { url, events: ['receipt.opened'] })).body).toMatchObject({
      url,
      events: ['receipt.opened'],
      enabled: true,
    });
    const off = (await ask('PATCH', `/${id}`, { enabled: false })).body;
    expect(off).toMatchObject({ url, enabled: false, disabledReason: 'requested', disabledAt: expect.any(String) });
    expect((await ask('PATCH', `/${id}`, {})).body).toEqual(off);
    expect((await ask('POST', `/${id}/replay`, { eventId: randomUUID() })).body.code).toBe('webhook_disabled');
    expect((await ask('PATCH', `/${id}`, { enabled: true })).body).toMatchObject({
      enabled: true,
      disabledReason: null,
    });
  });

  it('gets a new secret, and keeps the old one for a day', async () => {
    const made = await make();
    const rotated = (await ask('POST', `/${made.id}/rotate-secret`)).body;
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(rotated.secret).not.toBe(made.secret);
    const overlapMs = Date.parse(rotated.previousSecretUntil) - Date.parse(made.createdAt);
    expect(overlapMs).toBeGreaterThanOrEqual(86_400_000);
    expect(overlapMs).toBeLessThan(86_460_000);
    expect((await ask('GET', `/${made.id}`)).body.secret).toBeUndefined();
  });

  it('is removed', async () => {
    const { id } = await make();
    expect((await ask('DELETE', `/${id}`)).status).toBe(204);
    expect((await ask('GET', `/${id}`)).body).toMatchObject({ status: 404, code: 'webhook_not_found' });
    expect((await ask('DELETE', `/${id}`)).status).toBe(404);
  });

  it('leaves a trace of every change', async () => {
    const { id } = await make();
    await ask('PATCH', `/${id}`, { enabled: false });
    await ask('POST', `/${id}/rotate-secret`);
    await ask('DELETE', `/${id}`);
    const { body } = await call(api, 'GET', `/v1/audit?applicationId=${application.id}`, { key: api.adminKey });
    const actions = body.items.filter(({ subject }: { subject: string }) => subject === id);
    expect(actions.map(({ action }: { action: string }) => action)).toEqual([
      'webhook.delete',
      'webhook.rotate_secret',
      'webhook.update',
      'webhook.create',
    ]);
  });

  it('is one of at most twenty', async () => {
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => ask('POST', '', { url: URL_, events: ['delivery.failed'] })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
    expect(answers.find(({ status }) => status !== 201)?.body).toMatchObject({
      status: 409,
      code: 'webhook_limit_reached',
    });
    const first = (await ask('GET', '?limit=12')).body;
    const second = (await ask('GET', `?limit=12&cursor=${first.nextCursor}`)).body;
    const ids = [...first.items, ...second.items].map(({ id }: { id: string }) => id);
    expect([ids.length, new Set(ids).size, second.nextCursor]).toEqual([20, 20, null]);
  });
});

describe('what is wrong is named', () => {
  const cases: [body: unknown, path: string][] = [
    [{ events: ['delivery.failed'] }, 'url'],
    [{ url: 'http://hooks.example.com/', events: ['delivery.failed'] }, 'url'],
    [{ url: 'https://10.0.0.1/', events: ['delivery.failed'] }, 'url'],
    [{ url: 'https://localhost/', events: ['delivery.failed'] }, 'url'],
    [{ url: 7, events: ['delivery.failed'] }, 'url'],
    [{ url: URL_ }, 'events'],
    [{ url: URL_, events: [] }, 'events'],
    [{ url: URL_, events: ['delivery.failed', 'delivery.accepted'] }, 'events.1'],
    [{ url: URL_, events: ['webhook.test'] }, 'events.0'],
    [{ url: URL_, events: ['delivery.failed'], secret: 'mine' }, 'secret'],
  ];
  it.each(cases)('%j: %s', async (body, path) => {
    const answer = await ask('POST', '', body);
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request', errors: [{ path }] });
  });

  it('in a change, a replay, and a list', async () => {
    const { id } = await make();
    const errorsOf = async (method: string, path: string, body?: unknown) =>
      (await ask(method, path, body)).body.errors?.map((error: { path: string }) => error.path);
    expect(await errorsOf('PATCH', `/${id}`, { url: 'ftp://x' })).toEqual(['url']);
    expect(await errorsOf('PATCH', `/${id}`, { enabled: 'yes' })).toEqual(['enabled']);
    expect(await errorsOf('POST', `/${id}/replay`, { eventId: 'x' })).toEqual(['eventId']);
    expect(
      await errorsOf('POST', `/${id}/replay`, { from: '2026-11-22T00:00:00Z', to: '2026-11-21T00:00:00Z' }),
    ).toEqual(['to']);
    expect(await errorsOf('GET', `/${id}/attempts?cursor=x`)).toEqual(['query.cursor']);
    expect(await errorsOf('GET', '/not-an-id')).toEqual(['params.id']);
  });

  it('an event that is not known cannot be replayed', async () => {
    const { id } = await make();
    const answer = await ask('POST', `/${id}/replay`, { eventId: randomUUID() });
    expect(answer.body).toMatchObject({ status: 404, code: 'event_not_found' });
    const range = { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' };
    expect((await ask('POST', `/${id}/replay`, range)).body).toEqual({ replayed: 0 });
  });
});

describe('another application’s webhook', () => {
  it('does not exist', async () => {
    const { id } = await make();
    const other = await createApplication(api);
    for (const [method, path, body] of [
      ['GET', `/${id}`],
      ['PATCH', `/${id}`, { enabled: false }],
      ['DELETE', `/${id}`],
      ['POST', `/${id}/rotate-secret`],
      ['GET', `/${id}/attempts`],
      ['POST', `/${id}/replay`, { eventId: randomUUID() }],
      ['POST', `/${id}/test`],
    ] as const) {
      const answer = await ask(method, path, body, other.serverKey);
      expect(answer.body, `${method} ${path}`).toMatchObject({ status: 404, code: 'webhook_not_found' });
    }
    expect((await ask('GET', '', undefined, other.serverKey)).body.items).toEqual([]);
    expect((await ask('GET', `/${id}`)).body.enabled).toBe(true);
  });

  it('and a client key sees none at all', async () => {
    expect((await ask('GET', '', undefined, application.clientKey)).status).toBe(403);
    expect((await ask('GET', '', undefined, application.adminKey)).status).toBe(200);
  });
});
