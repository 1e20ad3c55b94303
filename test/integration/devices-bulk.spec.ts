import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import type { LineResult } from '../../src/devices/bulk-registration.js';
import { apnsToken, createDevice, fcmToken, vapidPublicKey, webPushSubscription } from '../factories/device.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let db: DataSource;
let application: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  db = api.app.get<DataSource>(DATA_SOURCE);
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

beforeEach(async () => {
  application = await createApplication(api);
});

async function post(body: string | Buffer): Promise<LineResult[]> {
  const response = await fetch(`${api.baseUrl}/v1/devices/bulk`, {
    method: 'POST',
    headers: { authorization: `Bearer ${application.serverKey}`, 'content-type': 'application/x-ndjson' },
    body,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  return parse(await response.text());
}

const parse = (ndjson: string): LineResult[] =>
  ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

const lines = (...devices: unknown[]): string => devices.map((device) => `${JSON.stringify(device)}\n`).join('');
const statuses = (results: LineResult[]): string[] => results.map(({ status }) => status);
const count = async (): Promise<number> =>
  (await db.query('select count(*)::int as n from device where application_id = $1', [application.id]))[0].n;

describe('a bulk registration', () => {
  it('writes every field of every provider', async () => {
    const profile = {
      userId: 'u-1',
      topics: ['b', 'a'],
      tags: { 'a"\\b': "c,{d}'ü" },
      locale: 'ko-kr',
      timeZone: 'UTC',
      appVersion: '1',
    };
    const key = vapidPublicKey();
    const results = await post(
      lines(
        { provider: 'fcm', token: fcmToken(), ...profile },
        { provider: 'apns', token: apnsToken(), environment: 'sandbox' },
        { provider: 'webpush', token: webPushSubscription(), vapidPublicKey: key, topics: [] },
      ),
    );
    expect(statuses(results)).toEqual(['created', 'created', 'created']);
    const read = async (result: LineResult | undefined) =>
      'id' in (result ?? {}) &&
      (await call(api, 'GET', `/v1/devices/${Object(result).id}`, { key: application.serverKey })).body;
    expect(await read(results[0])).toMatchObject({ ...profile, topics: ['a', 'b'], locale: 'ko-KR', status: 'active' });
    expect(await read(results[1])).toMatchObject({ environment: 'sandbox', userId: null, topics: [], tags: {} });
    expect(await read(results[2])).toMatchObject({ vapidPublicKey: key, locale: null });
  });

  it('refreshes known devices and keeps what a line does not mention', async () => {
    const known = await createDevice(db, {
      applicationId: application.id,
      userId: 'u-1',
      topics: ['a'],
      tags: { plan: 'pro' },
      status: 'invalid',
    });
    const other = await createDevice(db, { applicationId: application.id, userId: 'u-2', topics: ['a', 'b'] });
    const results = await post(
      lines(
        { provider: 'fcm', token: known.token, locale: 'de' },
        { provider: 'fcm', token: other.token, topics: ['b', 'c'], userId: null },
      ),
    );
    expect(results).toEqual([
      { line: 1, status: 'updated', id: known.publicId },
      { line: 2, status: 'updated', id: other.publicId },
    ]);
    const read = async (id: string) =>
      (await call(api, 'GET', `/v1/devices/${id}`, { key: application.serverKey })).body;
    expect(await read(known.publicId)).toMatchObject({
      userId: 'u-1',
      topics: ['a'],
      tags: { plan: 'pro' },
      locale: 'de',
      status: 'active',
    });
    expect(await read(other.publicId)).toMatchObject({ userId: null, topics: ['b', 'c'] });
  });

  it('answers each line, and a bad one never spoils the others', async () => {
    const good = () => JSON.stringify({ provider: 'fcm', token: fcmToken() });
    const body = Buffer.concat([
      Buffer.from(`${good()}\n{"provider":"fcm"\n\n[]\n`),
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
      Buffer.from(`{"provider":"fcm","token":"a b"}\n{"provider":"fcm","token":"abc","nickname":1,"locale":"x"}\n`),
      Buffer.from(`{"provider":"fcm","token":"abc","userId":"a\\u0000"}\n{"token":"${'x'.repeat(70_000)}"}\n${good()}`),
    ]);
    const results = await post(body);
    expect(results.map(({ line }) => line)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10]);
    const codes = results.map((result) => (result.status === 'error' ? result.error.code : result.status));
    expect(codes).toEqual([
      'created',
      'malformed_line',
      'invalid_request',
      'malformed_line',
      'invalid_token',
      'invalid_request',
      'invalid_request',
      'malformed_line',
      'created',
    ]);
    const seventh = results[5];
    const paths = seventh?.status === 'error' ? seventh.error.errors?.map(({ path }) => path) : [];
    expect(paths).toEqual(expect.arrayContaining(['nickname', 'locale']));
    expect(await count()).toBe(2);
  });

  it('takes a token twice: the last line wins, both are answered', async () => {
    const token = fcmToken();
    const results = await post(
      lines(
        { provider: 'fcm', token, userId: 'u-1', topics: ['a'], locale: 'de' },
        { provider: 'fcm', token: fcmToken() },
        { provider: 'fcm', token, userId: 'u-2', topics: ['b'] },
      ),
    );
    expect(statuses(results)).toEqual(['created', 'created', 'updated']);
    expect(results[0]).toEqual({ ...results[2], line: 1, status: 'created' });
    const { body } = await call(api, 'GET', '/v1/devices?userId=u-2', { key: application.serverKey });
    expect(body.items).toMatchObject([{ topics: ['b'], locale: 'de' }]);
    expect(await count()).toBe(2);
  });

  it('leaves out what is beyond 10,000 lines, and says where', async () => {
    const body = lines(...Array.from({ length: 10_003 }, (_, i) => ({ provider: 'fcm', token: `token-${i}` })));
    const results = await post(body);
    expect(results).toHaveLength(10_001);
    expect(statuses(results.slice(0, 10_000)).every((status) => status === 'created')).toBe(true);
    expect(results.at(-1)).toMatchObject({ line: 10_001, status: 'error', error: { code: 'too_many_lines' } });
    expect(await count()).toBe(10_000);
  });

  it('from several clients over the same devices ends well, and without deadlocks', async () => {
    const tokens = Array.from({ length: 1_500 }, () => fcmToken());
    const device = (token: string, i: number, by: string) =>
      i % 2
        ? { provider: 'fcm', token, userId: by, topics: [by] }
        : { provider: 'fcm', token, tags: { by }, topics: [by] };
    const bodies = ['a', 'b', 'c', 'd'].map((by, n) => {
      const mine = tokens.map((token, i) => device(token, n % 2 ? i : i + 1, by));
      return lines(...(n % 2 ? mine : mine.reverse()));
    });
    for (const created of [1_500, 0, 0]) {
      const results = (await Promise.all(bodies.map((body) => post(body)))).flat();
      expect(results.filter(({ status }) => status === 'created')).toHaveLength(created);
      expect(results.filter(({ status }) => status === 'updated')).toHaveLength(6_000 - created);
    }
    const [members] = await db.query(
      'select count(*)::int as n, count(distinct device_id)::int as devices from topic_member where application_id = $1',
      [application.id],
    );
    expect(members).toEqual({ n: 1_500, devices: 1_500 });
    const [{ deadlocks }] = await db.query('select deadlocks from pg_stat_database where datname = current_database()');
    expect(deadlocks).toBe(0);
  });

  it('answers a client that reads only after it wrote everything', async () => {
    const body = lines(
      ...Array.from({ length: 10_000 }, () => ({ provider: 'fcm', token: randomUUID() + 'x'.repeat(500) })),
    );
    const url = new URL(`${api.baseUrl}/v1/devices/bulk`);
    const headers = { authorization: `Bearer ${application.serverKey}`, 'content-type': 'application/x-ndjson' };
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = request(url, { method: 'POST', headers }, (response) => {
        response.pause();
        sent.once('finish', () => text(response).then(resolve, reject));
      });
      sent.once('error', reject);
      // In pieces, so that answers are there long before the end.
      const pieces = body.match(/[\s\S]{1,200000}/g) ?? [];
      const next = () => {
        const piece = pieces.shift();
        if (piece === undefined) sent.end();
        else sent.write(piece, next);
      };
      next();
    });
    expect(statuses(parse(answer)).filter((status) => status === 'created')).toHaveLength(10_000);
  });

  it('without lines is empty, and as JSON is refused', async () => {
    expect(await post('')).toEqual([]);
    const refused = await call(api, 'POST', '/v1/devices/bulk', { key: application.serverKey, body: {} });
    expect(refused.status).toBe(415);
    expect((await call(api, 'POST', '/v1/devices/bulk', { key: application.clientKey, body: {} })).status).toBe(403);
  });
});
