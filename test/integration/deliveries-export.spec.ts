import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { DeliveriesService } from '../../src/deliveries/deliveries.service.js';
import { CSV_COLUMNS } from '../../src/deliveries/deliveries-csv.js';
import { DeliveriesExport, MAX_EXPORTS } from '../../src/deliveries/deliveries-export.js';
import { type TestAnswer, writeAnswers } from '../factories/attempt.js';
import { claimBatch, planBatch } from '../factories/batch.js';
import { createDevice, createDevices } from '../factories/device.js';
import { storeNotification } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let db: DataSource;
let application: { id: string; serverKey: string };

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

afterEach(() => {
  vi.restoreAllMocks();
});

const get = (path: string, key = application.serverKey): Promise<Answer> => call(api, 'GET', path, { key });

/** The lines of a file, without the ends of the lines. */
async function linesOf(path: string): Promise<string[]> {
  const response = await fetch(api.baseUrl + path, { headers: { authorization: `Bearer ${application.serverKey}` } });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return text.split(/\r?\n/).slice(0, -1);
}

/** A notification whose deliveries to these devices have come to that. */
async function send(answers: readonly TestAnswer[]): Promise<string> {
  const notification = await storeNotification(db, application.id);
  const batchNo = await planBatch(
    db,
    notification,
    'fcm',
    answers.map(({ device }) => device),
  );
  await writeAnswers(db, await claimBatch(db, notification.id, batchNo), answers);
  return notification.id;
}

describe('an export', () => {
  it('of a notification holds every delivery that the filters let through', async () => {
    const [one, two, three] = await createDevices(db, 3, { applicationId: application.id, userId: 'u-1' });
    if (!one || !two || !three) throw new Error('no devices were made');
    const id = await send([{ device: one }, { device: two, fate: 'failed' }, { device: three, fate: 'retry' }]);
    const path = `/v1/notifications/${id}/deliveries`;
    const all = (await linesOf(`${path}/export?format=ndjson`)).map((line) => JSON.parse(line));
    const listed = JSON.stringify((await get(path)).body.items);
    expect(all).toEqual(JSON.parse(listed, (key, value) => (key === 'explanation' ? undefined : value)));
    expect(all.map(({ status }) => status)).toEqual(['accepted', 'failed', 'pending']);

    const query = 'status=failed&code=UNREGISTERED';
    const [head, line, ...more] = await linesOf(`${path}/export?${query}`);
    expect([head, more]).toEqual([CSV_COLUMNS.join(','), []]);
    const [failed] = (await get(`${path}?status=failed`)).body.items;
    const { at, detail } = failed.attempts[0];
    const expected = [id, failed.deviceId, 'u-1', 'fcm', 'failed', 1, at, 'token_invalid', 'UNREGISTERED', detail, 42];
    expect(line).toBe(`${expected.join(',')},,,,,,`);
    const answer = await get(`${path}/export?${query}`);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="notification-${id}.csv"`);
  });

  it('of a search goes on over its pages, and also finds nothing', async () => {
    const devices = await createDevices(db, 1_001, { applicationId: application.id });
    const devicesOf = (from: number, to?: number) =>
      devices.slice(from, to).map((device) => ({ device, fate: 'failed' as const }));
    await send(devicesOf(0, 1_000));
    await send(devicesOf(999));
    const lines = await linesOf('/v1/deliveries/export?format=ndjson');
    expect(new Set(lines.map((line) => JSON.stringify(Object.values(JSON.parse(line)).slice(0, 2)))).size).toBe(1_002);
    expect(await linesOf('/v1/deliveries/export?code=other')).toEqual([CSV_COLUMNS.join(',')]);
    expect(await linesOf('/v1/deliveries/export?format=ndjson&code=other')).toEqual([]);
  });

  it('never makes a formula of what came from outside', async () => {
    const userIds = ['=1+1', '+82 10', '-x', '@sum', '\t=1', 'a"b,c', 'plain-1=2'];
    const answers: TestAnswer[] = [];
    for (const userId of userIds) {
      const { id } = await createDevice(db, { applicationId: application.id, userId });
      answers.push({ device: id, fate: 'failed', code: 'BadDeviceToken', detail: '=HYPERLINK("http://x")\r\n2nd' });
    }
    const id = await send(answers);
    const { body } = await get(`/v1/notifications/${id}/deliveries/export?format=csv`);
    for (const cell of [`"'=1+1"`, `"'+82 10"`, `"'-x"`, `"'@sum"`, `"'\t=1"`, '"a""b,c"', 'plain-1=2']) {
      expect(body).toContain(`,${cell},fcm,failed,`);
    }
    expect(body.split(`,BadDeviceToken,"'=HYPERLINK(""http://x"")\r\n2nd",`)).toHaveLength(userIds.length + 1);
  });

  it('is refused as the list is, and to other applications', async () => {
    const { id } = await storeNotification(db, application.id);
    const path = `/v1/notifications/${id}/deliveries/export`;
    expect((await get(`${path}?format=xlsx`)).body.errors[0].path).toBe('query.format');
    expect((await get(`${path}?cursor=x`)).body.errors[0].path).toBe('query.cursor');
    expect((await get('/v1/deliveries/export?status=accepted')).body).toMatchObject({
      status: 400,
      code: 'user_needed',
    });
    const other = await createApplication(api);
    expect((await get(path, other.serverKey)).body).toMatchObject({ status: 404, code: 'notification_not_found' });
    expect((await get(path, other.clientKey)).status).toBe(403);
  });
});

describe('a large export', () => {
  /** Bytes; more than the sockets' buffers hold. */
  const LARGE = 40_000_000;

  /** A finished notification to thousands of devices that are not there any more: only its batches and log, with long entries. */
  async function sendToMany(batches: number): Promise<string> {
    const notification = await storeNotification(db, application.id, {}, { state: 'completed' });
    await db.query(
      `with made as (
         insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, device_ids, first_id, last_id,
           n, result, not_before, expires_at, failed)
         select $1::uuid, nextval('dispatch_batch_no'), $2::uuid, 'fcm', 'bulk', 'done', array(select b * 1000 + i from generate_series(1, 1000) i),
           b * 1000 + 1, b * 1000 + 1000, 1000, repeat('2', 1000), carillon_now(), carillon_now(), 1000
         from generate_series(1000, 999 + $3::int) b returning batch_no, device_ids, application_id, notification_id)
       insert into delivery_attempt (at, application_id, notification_id, device_id, batch_no, is_call, provider, lane, outcome, code,
         status_after, latency_ms, detail)
       select carillon_now(), application_id, notification_id, unnest(device_ids), batch_no, true, 'fcm', 'bulk', 'token_invalid',
         'UNREGISTERED', 'failed', 10, repeat('x', 3500)
       from made`,
      [notification.id, application.id, batches],
    );
    return notification.id;
  }

  const read = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: `Bearer ${application.serverKey}` };
      httpGet(api.baseUrl + path, { headers }, resolve).on('error', reject);
    });

  /** The streams that are opened from now on. */
  function streams(): Readable[] {
    const opened: Readable[] = [];
    const original = DeliveriesExport.prototype.ofNotification;
    vi.spyOn(api.app.get(DeliveriesExport), 'ofNotification').mockImplementation(async function (
      this: DeliveriesExport,
      ...args
    ) {
      const stream = await original.apply(this, args);
      opened.push(stream);
      return stream;
    });
    return opened;
  }

  it('waits for a client that does not read, and ends with one that leaves', async () => {
    const BATCHES = 12;
    const id = await sendToMany(BATCHES);
    const path = `/v1/notifications/${id}/deliveries/export?format=ndjson`;
    const opened = streams();
    const pages = vi.spyOn(api.app.get(DeliveriesService), 'ofNotification');

    const slow = await read(path);
    slow.pause();
    const [stream] = opened;
    const exported = () => pages.mock.calls.filter(([, , , , limit]) => limit === 1_000).length;
    // A page waits here, the client's socket takes no more, and nothing further is read while others are served.
    await eventually(
      async () => {
        const before = exported();
        for (let i = 0; i < 20; i++) await get(`/v1/notifications/${id}/deliveries?limit=1`);
        expect([exported(), stream?.isPaused()]).toEqual([before, true]);
      },
      { timeoutMs: 20_000 },
    );
    expect(exported()).toBeLessThan(BATCHES / 2);

    const leaving = await read(path);
    await once(leaving, 'data');
    leaving.destroy();
    await eventually(() => opened[1]?.closed, { timeoutMs: 10_000 });
    expect(opened[1]?.readableEnded).toBe(false);

    let bytes = 0;
    let lines = 0;
    for await (const chunk of slow as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      for (const byte of chunk) if (byte === 10) lines += 1;
    }
    expect([lines, bytes > LARGE]).toEqual([BATCHES * 1_000, true]);
    expect(stream?.readableEnded).toBe(true);
  });

  it('is one of a few at a time, and a look at its head is none', async () => {
    const id = await sendToMany(6);
    const path = `/v1/notifications/${id}/deliveries/export`;
    const opened = streams();
    for (let i = 0; i < MAX_EXPORTS + 1; i++) {
      const { status } = await call(api, 'HEAD', path, { key: application.serverKey });
      expect(status).toBe(200);
    }
    await eventually(() => opened.every((stream) => stream.closed));
    expect(opened.map((stream) => stream.readableEnded)).not.toContain(true);
    const waiting = await Promise.all(Array.from({ length: MAX_EXPORTS }, () => read(path)));
    const refused = await get(path);
    expect(refused.body).toMatchObject({ status: 429, code: 'too_many_exports' });
    expect(refused.headers.get('retry-after')).toBe('30');
    for (const response of waiting) response.destroy();
    await eventually(async () => expect((await get(`${path}?status=accepted`)).status).toBe(200));
  });
});
