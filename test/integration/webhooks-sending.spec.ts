import { Webhook } from 'standardwebhooks';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeDataSource } from '../../src/database/data-source.js';
import { RETRY_SCHEDULE_MS } from '../../src/webhooks/verdict.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';
import { answering, type ReceivedCall, WebhookReceiver } from '../setup/webhook-receiver.js';
import { advanceClock, TestWebhook } from '../setup/webhooks.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let database: TestDatabase;
let db: DataSource;
let api: TestApi;
let receiver: WebhookReceiver;
let webhook: TestWebhook;

beforeAll(async () => {
  database = await createTestDatabase();
  db = await makeDataSource({ url: database.url, poolSize: 4, applicationName: 'test' }).initialize();
  api = await startApi({
    database: database.url,
    redis: await testRedisUrl(),
    CARILLON_ROLE: 'all',
    WEBHOOK_ALLOW_INSECURE: true,
  });
});

afterAll(async () => {
  await api?.close();
  await db?.destroy();
  await database?.drop();
});

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  webhook = await TestWebhook.create(api, db, await createApplication(api), receiver);
});

afterEach(async () => {
  await webhook?.call('DELETE');
  await receiver?.close();
});

const verified = (secret: string, { raw, headers }: ReceivedCall) =>
  new Webhook(secret).verify(raw, headers as Record<string, string>);

describe('an event', () => {
  it('arrives signed, thin, and with its id; the log says so', async () => {
    const device = await webhook.device();
    await webhook.tell([device]);
    const attempt = await webhook.attempted(1);
    const [received] = receiver.calls;
    if (!received) throw new Error('nothing was received');
    expect(verified(webhook.secret, received)).toEqual({
      type: 'delivery.failed',
      timestamp: expect.stringMatching(/Z$/),
      data: {
        applicationId: webhook.application.id,
        notificationId: expect.any(String),
        deviceId: device.publicId,
        provider: 'fcm',
        code: 'UNREGISTERED',
      },
    });
    expect(received.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(attempt).toMatchObject({ eventId: received.id, number: 1, succeeded: true, status: 204, error: null });
    expect(attempt.delayMs).toBeNull();
    expect(await webhook.states()).toEqual({ done: 1 });
  });

  it('is signed by both secrets for a day after a rotation, and then by the new one alone', async () => {
    const rotated = await webhook.call('POST', '/rotate-secret');
    expect(rotated.body.secret).toMatch(/^whsec_/);
    const device = await webhook.device();
    await webhook.tell([device]);
    await webhook.attempted(1);
    await advanceClock(db, DAY_MS + 60_000);
    expect((await webhook.call('GET')).body.previousSecretUntil).toBeNull();
    await webhook.tell([device]);
    await webhook.attempted(2);
    const [during, after] = receiver.calls;
    if (!during || !after) throw new Error('two calls were expected');
    for (const secret of [webhook.secret, rotated.body.secret]) expect(verified(secret, during)).toBeTruthy();
    expect(verified(rotated.body.secret, after)).toBeTruthy();
    expect(() => verified(webhook.secret, after)).toThrow();
  });

  it('is sent once on request, as a test', async () => {
    receiver.answer = answering(500);
    const { status, body } = await webhook.call('POST', '/test');
    expect(status).toBe(202);
    expect(await webhook.attempted(1)).toMatchObject({ eventId: body.eventId, type: 'webhook.test', delayMs: null });
    expect(receiver.calls[0]?.body.data).toEqual({ applicationId: webhook.application.id, webhookId: webhook.id });
    expect(await webhook.states()).toEqual({ given_up: 1 });
  });
});

describe('a receiver that fails', () => {
  it('is asked again by the schedule, over three days, and then the event is given up', async () => {
    receiver.answer = answering(500);
    await webhook.tell([await webhook.device()]);
    for (const [step, scheduledMs] of RETRY_SCHEDULE_MS.entries()) {
      const { delayMs, error, status } = await webhook.attempted(step + 1);
      expect([error, status]).toEqual(['http_500', 500]);
      expect(delayMs).toBeGreaterThanOrEqual(scheduledMs * 0.8 - 1);
      expect(delayMs).toBeLessThanOrEqual(scheduledMs * 1.2 + 1);
      await advanceClock(db, delayMs ?? 0);
    }
    expect(await webhook.attempted(RETRY_SCHEDULE_MS.length + 1)).toMatchObject({ number: 10, delayMs: null });
    expect(await webhook.states()).toEqual({ given_up: 1 });
    expect(new Set(receiver.calls.map(({ id }) => id)).size).toBe(1);
    expect((await webhook.call('GET')).body).toMatchObject({ enabled: true, failingSince: expect.any(String) });
  });

  it('is left alone after five days of nothing but failures, and gets what it is owed when it is enabled again', async () => {
    receiver.answer = answering(503);
    await webhook.tell([await webhook.device()]);
    await webhook.attempted(1);
    await advanceClock(db, 5 * DAY_MS);
    await webhook.attempted(2);
    expect((await webhook.call('GET')).body).toMatchObject({ enabled: false, disabledReason: 'failing' });
    const audit = await call(api, 'GET', `/v1/audit?applicationId=${webhook.application.id}`, { key: api.adminKey });
    expect(audit.body.items[0]).toMatchObject({
      action: 'webhook.disable_failing',
      subject: webhook.id,
      keyId: 'system',
    });
    expect((await webhook.call('POST', '/test')).body).toMatchObject({ status: 409, code: 'webhook_disabled' });

    receiver.answer = answering(200);
    await advanceClock(db, HOUR_MS);
    const { body } = await webhook.call('PATCH', '', { enabled: true });
    expect(body).toMatchObject({ enabled: true, disabledReason: null, disabledAt: null, failingSince: null });
    expect(await webhook.attempted(3)).toMatchObject({ succeeded: true });
  });

  it('is believed again after one success', async () => {
    receiver.answer = answering(500);
    await webhook.tell([await webhook.device()]);
    await webhook.attempted(1);
    expect((await webhook.call('GET')).body.failingSince).not.toBeNull();
    receiver.answer = answering(200);
    await advanceClock(db, 6_000);
    await webhook.attempted(2);
    expect((await webhook.call('GET')).body.failingSince).toBeNull();
  });

  it('is given the time it asks for, a day at most', async () => {
    receiver.answer = answering(503, { 'retry-after': '7200' });
    await webhook.tell([await webhook.device()]);
    expect((await webhook.attempted(1)).delayMs).toBe(2 * HOUR_MS);
    receiver.answer = answering(429, { 'retry-after': '9999999' });
    await advanceClock(db, 2 * HOUR_MS);
    expect((await webhook.attempted(2)).delayMs).toBe(DAY_MS);
  });

  it('is told nothing more after a 410', async () => {
    receiver.answer = answering(410);
    const device = await webhook.device();
    await webhook.tell([device]);
    await webhook.attempted(1);
    expect((await webhook.call('GET')).body).toMatchObject({ enabled: false, disabledReason: 'gone' });
    await webhook.tell([device]);
    expect(await webhook.states()).toEqual({ pending: 1 });
    await advanceClock(db, DAY_MS);
    const other = await TestWebhook.create(api, db, webhook.application, receiver);
    receiver.answer = answering(204);
    await other.tell([device]);
    await other.attempted(1);
    expect(receiver.calls.length).toBe(2);
  });
});

describe('events about the same device', () => {
  it('arrive in order: a later one waits for the earlier, others do not', async () => {
    const [one, other] = [await webhook.device(), await webhook.device()];
    let failures = 1;
    receiver.answer = (response, { body }) => {
      const isFailing = body.data.code === 'first' && failures-- > 0;
      response.writeHead(isFailing ? 500 : 204).end();
    };
    await webhook.tell([one], 'first');
    await webhook.tell([one], 'second');
    await webhook.tell([other], 'other');
    await webhook.attempted(2);
    expect(receiver.calls.map(({ body }) => body.data.code).toSorted()).toEqual(['first', 'other']);
    await advanceClock(db, 6_000);
    await webhook.attempted(4);
    expect(receiver.calls.slice(2).map(({ body }) => body.data.code)).toEqual(['first', 'second']);
  });
});

describe('very many events about one device whose first is not taken', () => {
  it('keep nobody else waiting, and are not forgotten', async () => {
    const [one, other] = [await webhook.device(), await webhook.device()];
    receiver.answer = (response, { body }) => {
      response.writeHead(body.data.code === 'first' ? 500 : 204).end();
    };
    await webhook.tell([one], 'first');
    await webhook.attempted(1);
    await webhook.tell(
      Array.from({ length: 3_000 }, () => one),
      'later',
    );
    await webhook.tell([other], 'other');
    await eventually(() => receiver.calls.some(({ body }) => body.data.code === 'other'));
    expect(receiver.calls.some(({ body }) => body.data.code === 'later')).toBe(false);
    receiver.answer = answering(204);
    await advanceClock(db, 400_000);
    await eventually(() => receiver.calls.filter(({ body }) => body.data.code === 'later').length >= 3);
    expect((await webhook.attempts()).filter(({ succeeded }) => !succeeded).length).toBeLessThanOrEqual(2);
  });
});

describe('a replay', () => {
  it('sends one event again under the same id', async () => {
    await webhook.tell([await webhook.device(), await webhook.device()]);
    const { eventId } = await webhook.attempted(2);
    const answer = await webhook.call('POST', '/replay', { eventId });
    expect([answer.status, answer.body]).toEqual([202, { replayed: 1 }]);
    expect(await webhook.attempted(3)).toMatchObject({ eventId, number: 2, succeeded: true });
    expect(receiver.calls.filter(({ id }) => id === eventId).length).toBe(2);
  });

  it('sends a range again, what was given up included', async () => {
    receiver.answer = answering(500);
    const devices = await Promise.all([webhook.device(), webhook.device(), webhook.device()]);
    await webhook.tell(devices.slice(0, 1));
    await webhook.attempted(1);
    await db.query(`update webhook_message set state = 'given_up', ended_at = carillon_now() where webhook_id = $1`, [
      webhook.id,
    ]);
    receiver.answer = answering(204);
    await advanceClock(db, HOUR_MS);
    const [{ from }] = await db.query(`select carillon_now() - interval '2 hours' as from`);
    await webhook.tell(devices.slice(1));
    await webhook.attempted(3);
    await advanceClock(db, HOUR_MS);
    const [{ to }] = await db.query(`select carillon_now() - interval '90 minutes' as to`);
    expect((await webhook.call('POST', '/replay', { from, to })).body).toEqual({ replayed: 1 });
    expect(await webhook.attempted(4)).toMatchObject({ succeeded: true });
    const [{ now }] = await db.query('select carillon_now() as now');
    expect((await webhook.call('POST', '/replay', { from, to: now })).body).toEqual({ replayed: 3 });
    await webhook.attempted(7);
    expect(await webhook.states()).toEqual({ done: 3 });
  });
});

it('forgets what ended thirty days ago', async () => {
  await webhook.tell([await webhook.device()]);
  await webhook.attempted(1);
  await advanceClock(db, 31 * DAY_MS);
  const second = await startApi({ database: database.url, redis: await testRedisUrl(), CARILLON_ROLE: 'all' });
  // Its first round of forgetting comes when it starts.
  await eventually(
    async () => Object.keys(await webhook.states()).length === 0 && (await webhook.attempts()).length === 0,
  );
  await second.close();
});
