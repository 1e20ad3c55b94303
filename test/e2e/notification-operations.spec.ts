import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, call } from '../setup/app.js';
import { type TestApplication, World } from '../setup/world.js';

let world: World;
let application: TestApplication;
let devices: string[];
let id: string;

const post = (path: string, body?: object, key = application.serverKey): Promise<Answer> =>
  call(world.api, 'POST', path, { key, body });

/** A campaign to four devices: one takes it, one is dead, two refuse it as long as the rule holds. */
beforeAll(async () => {
  world = await World.start();
  application = await world.application(['fcm']);
  const random = crypto.randomUUID().replaceAll('-', '');
  const tokens = ['live', 'refuses1', 'refuses2'].map((name) => `${random}${name}:APA91b${random}`);
  devices = await Promise.all(
    [...tokens, `${random}:APA91b${random}--unregistered`].map((token) => world.device(application, 'fcm', token)),
  );
  await world.control('POST', '/__rules', {
    match: { provider: 'fcm', regex: 'refuses' },
    action: { type: 'respond', status: 400, reason: 'INVALID_ARGUMENT_FIELD' },
  });
  id = await world.notify(application, {
    audience: { all: true },
    content: { title: 'Sale', data: { k: 'v' } },
    options: { ttlSeconds: 600, collapseKey: 'sale', lane: 'critical' },
    overrides: { fcm: { android: { priority: 'HIGH' } } },
  });
  await world.until(application, id, { status: 'completed', counts: { accepted: 1, failed: 3 } });
  await world.control('DELETE', '/__rules');
});
afterAll(() => world?.close());

describe('the failures of a notification', () => {
  it('are counted by code, and explained', async () => {
    const { body } = await world.get(application, `/v1/notifications/${id}/failures`);
    const explained = { title: expect.any(String), nextSteps: expect.arrayContaining([expect.any(String)]) };
    const dead = { title: expect.stringContaining('token is dead') };
    expect(body).toMatchObject({
      items: [
        { provider: 'fcm', code: 'INVALID_ARGUMENT', status: 'failed', deliveries: 2, explanation: explained },
        { provider: 'fcm', code: 'UNREGISTERED', status: 'failed', deliveries: 1, explanation: dead },
      ],
    });
  });

  it('can be tried again: the same content goes to those whose devices are still active', async () => {
    const answer = await post(`/v1/notifications/${id}/retry-failed`);
    expect(answer).toMatchObject({ status: 202, body: { status: 'sending', lane: 'critical' } });
    const again = await world.until(application, answer.body.id, { status: 'completed' });
    expect(again).toMatchObject({
      audience: { failedOf: id },
      content: { title: 'Sale', data: { k: 'v' } },
      options: { ttlSeconds: 600, collapseKey: 'sale', lane: 'critical', realtime: 'never' },
      overrides: { fcm: { android: { priority: 'HIGH' } } },
      counts: { planned: 2, accepted: 2 },
    });
    const reached = (await world.deliveries(application, answer.body.id)).map(({ deviceId }) => deviceId);
    expect(reached.toSorted()).toEqual(devices.slice(1, 3).toSorted());
    const nothing = await post(`/v1/notifications/${answer.body.id}/retry-failed`, {});
    expect(nothing).toMatchObject({ status: 409, body: { code: 'nothing_failed' } });
  });

  it('can be narrowed to codes, and measured first', async () => {
    const audience = { failedOf: id, codes: ['INVALID_ARGUMENT'] };
    const size = await post('/v1/notifications/audience', { audience });
    expect(size).toMatchObject({
      status: 200,
      body: { devices: { fcm: 2, apns: 0, webpush: 0 }, total: 2, isEstimate: false },
    });
    const dead = await post(`/v1/notifications/${id}/retry-failed`, { codes: ['UNREGISTERED'] });
    expect(dead).toMatchObject({ status: 202, body: { status: 'completed' } });
    const sent = await world.notify(application, { audience });
    await world.until(application, sent, { status: 'completed', counts: { planned: 2, accepted: 2 } });
  });

  it('are refused where there can be none, naming the field', async () => {
    const other = await world.application(['fcm']);
    const audience = { failedOf: id };
    for (const [path, body] of [
      ['/v1/notifications', { audience, content: { title: 'x' } }],
      ['/v1/notifications', { audience, content: { title: 'x' }, options: { dryRun: true } }],
      ['/v1/notifications/audience', { audience }],
    ] as const) {
      expect(await post(path, body, other.serverKey)).toMatchObject({
        status: 422,
        body: { code: 'failed_of_unknown', errors: [{ path: 'audience.failedOf' }] },
      });
    }
    for (const path of ['retry-failed', 'failures', 'timeline']) {
      const method = path === 'retry-failed' ? 'POST' : 'GET';
      const answer = await call(world.api, method, `/v1/notifications/${id}/${path}`, { key: other.serverKey });
      expect(answer).toMatchObject({ status: 404, body: { code: 'notification_not_found' } });
    }
    for (const audience of [
      { codes: ['X'] },
      { failedOf: 'x' },
      { failedOf: id, all: true },
      { failedOf: id, codes: [] },
    ]) {
      expect((await post('/v1/notifications/audience', { audience })).status).toBe(400);
    }
  });
});

describe('the timeline of a notification', () => {
  it('tells its course, whose will it was, and the gates in its way', async () => {
    const keys = (await call(world.api, 'GET', `/v1/applications/${application.id}/keys`, { key: world.api.adminKey }))
      .body;
    const by = `key:${keys.items.find((key: { role: string }) => key.role === 'server').id}`;
    const gate = [application.id, 'fcm', '', 'closed', 'throttled', 'QUOTA_EXCEEDED'];
    await world.db.query(
      `insert into gate (application_id, provider, scope, state, kind, reason, closed_until)
       values ($1, $2, $3, $4, $5, $6, carillon_now() + interval '1 hour')`,
      gate,
    );
    const held = await world.notify(application, { audience: { deviceIds: devices.slice(0, 1) } });
    const early = await post('/v1/notifications/audience', { audience: { failedOf: held } });
    expect(early).toMatchObject({
      status: 409,
      body: { code: 'notification_not_ended', errors: [{ path: 'audience.failedOf' }] },
    });
    await post(`/v1/notifications/${held}/pause`);
    await post(`/v1/notifications/${held}/pause`);
    await post(`/v1/notifications/${held}/resume`);
    await world.db.query('delete from gate where application_id = $1', [application.id]);
    await post(`/v1/notifications/${held}/cancel`);
    await world.until(application, held, { status: 'cancelled', completedAt: expect.any(String) });
    const { body } = await world.get(application, `/v1/notifications/${held}/timeline`);
    const inTheWay = { provider: 'fcm', kind: 'throttled', reason: 'QUOTA_EXCEEDED' };
    expect(body.items.map(({ at: _, ...item }: { at: string }) => item)).toEqual([
      { kind: 'gate_closed', detail: inTheWay },
      { kind: 'accepted' },
      { kind: 'paused', by },
      { kind: 'resumed', by },
      { kind: 'gate_opened', detail: inTheWay },
      { kind: 'cancelled', by },
      { kind: 'completed', detail: { status: 'cancelled', deliveries: 1 } },
    ]);
  });

  it('tells when a scheduled one was planned and began', async () => {
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const later = await world.notify(application, {
      audience: { deviceIds: devices.slice(0, 1) },
      options: { sendAt },
    });
    await world.advance(3_600_000);
    await world.until(application, later, { status: 'completed', counts: { accepted: 1 } });
    const { body } = await world.get(application, `/v1/notifications/${later}/timeline`);
    expect(body.items.map(({ at: _, ...item }: { at: string }) => item)).toEqual([
      { kind: 'accepted' },
      { kind: 'scheduled', detail: { sendAt } },
      { kind: 'planned', detail: { deliveries: 1 } },
      { kind: 'first_attempt' },
      { kind: 'completed', detail: { status: 'completed', deliveries: 1 } },
    ]);
  });
});
