import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CredentialsService } from '../../src/applications/credentials.service.js';
import type { Fact } from '../../src/events/event.js';
import { EventLog } from '../../src/events/event-log.js';
import { systemClock } from '../../src/lib/clock.js';
import { planBatch } from '../factories/batch.js';
import { createDevice, fcmToken } from '../factories/device.js';
import { storeNotification } from '../factories/notification.js';
import { call } from '../setup/app.js';
import { eventually } from '../setup/eventually.js';
import { WebhookReceiver } from '../setup/webhook-receiver.js';
import { TestWebhook } from '../setup/webhooks.js';
import { type TestApplication, World } from '../setup/world.js';

let world: World;
let receiver: WebhookReceiver;
let application: TestApplication;

beforeAll(async () => {
  world = await World.start({ WEBHOOK_ALLOW_INSECURE: true });
});
afterAll(() => world?.close());

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
  application = await world.application(['fcm']);
});
afterEach(() => receiver?.close());

const hook = (events?: readonly string[]) => TestWebhook.create(world.api, world.db, application, receiver, events);

async function received(n: number) {
  await eventually(() => receiver.calls.length >= n);
  expect(receiver.calls.length).toBe(n);
  return new Map(receiver.calls.map(({ body }) => [body.type, body.data]));
}

async function messages(): Promise<{ type: string }[]> {
  return world.db.query(
    'select m.type from webhook_message m join webhook w on w.id = m.webhook_id where w.application_id = $1 order by m.type',
    [application.id],
  );
}

/** A device that the simulators know as gone. */
async function deadDevice(): Promise<{ id: string; token: string }> {
  const token = `${fcmToken()}--unregistered`;
  return { token, id: await world.device(application, 'fcm', token) };
}

describe('an application with a webhook hears', () => {
  it('of the failed delivery, the dead device and the end, without token or content', async () => {
    await hook();
    const device = await deadDevice();
    const good = await world.device(application, 'fcm');
    const notificationId = await world.notify(application, { audience: { deviceIds: [device.id, good] } });
    const facts = await received(3);
    const about = { applicationId: application.id, deviceId: device.id, provider: 'fcm', code: 'UNREGISTERED' };
    expect(facts.get('delivery.failed')).toEqual({ ...about, notificationId });
    expect(facts.get('device.invalidated')).toEqual(about);
    expect(facts.get('notification.completed')).toEqual({
      applicationId: application.id,
      notificationId,
      counts: expect.objectContaining({ planned: 2, accepted: 1, failed: 1 }),
    });
    const sent = receiver.calls.map(({ raw }) => raw).join();
    expect(sent).not.toContain(device.token);
    expect(sent).not.toContain('"title"');
  });

  it('of what expired before a worker had it, and of what was cancelled', async () => {
    await hook(['delivery.expired', 'notification.cancelled', 'notification.completed']);
    const device = await world.device(application, 'fcm');
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    const cancelled = await world.notify(application, {
      audience: { deviceIds: [device] },
      options: { sendAt: inAnHour },
    });
    await call(world.api, 'POST', `/v1/notifications/${cancelled}/cancel`, { key: application.serverKey });
    expect((await received(1)).get('notification.cancelled')).toMatchObject({ notificationId: cancelled });

    const { id, publicId } = await createDevice(world.db, { applicationId: application.id });
    const options = { ttlSeconds: 60 };
    const late = await storeNotification(world.db, application.id, { options }, { state: 'paused' });
    await planBatch(world.db, late, 'fcm', [id]);
    await world.advance(61_000);
    const facts = await received(3);
    expect(facts.get('delivery.expired')).toEqual({
      applicationId: application.id,
      notificationId: late.id,
      deviceId: publicId,
      provider: 'fcm',
      code: 'ttl_expired',
    });
    expect(facts.get('notification.completed')).toMatchObject({ notificationId: late.id, counts: { expired: 1 } });
  });

  it('of receipts, each once', async () => {
    await hook(['receipt.displayed', 'receipt.opened']);
    const token = fcmToken();
    const registered = await call(world.api, 'POST', '/v1/devices', {
      key: application.clientKey,
      body: { provider: 'fcm', token },
    });
    const { id: deviceId, deviceSecret } = registered.body;
    const notificationId = await world.notify(application, { audience: { deviceIds: [deviceId] } });
    await world.until(application, notificationId, { status: 'completed' });
    for (const type of ['delivered', 'displayed', 'displayed', 'opened']) {
      const answer = await call(world.api, 'POST', '/v1/receipts', {
        key: application.clientKey,
        headers: { 'x-device-secret': deviceSecret },
        body: { deviceId, notificationId, type },
      });
      expect(answer.status).toBe(200);
    }
    await received(2);
    expect(receiver.types).toEqual(['receipt.displayed', 'receipt.opened']);
    expect(receiver.calls[1]?.body.data).toEqual({
      applicationId: application.id,
      notificationId,
      deviceId,
      at: expect.stringMatching(/Z$/),
    });
  });

  it('of a credential that broke, once', async () => {
    await hook(['credential.broken']);
    const credentials = world.api.app.get(CredentialsService, { strict: false });
    for (const isNews of [true, false]) {
      expect(await credentials.markBroken(application.id, 'fcm', 1, 'invalid_grant')).toBe(isNews);
    }
    expect((await received(1)).get('credential.broken')).toEqual({
      applicationId: application.id,
      provider: 'fcm',
      version: 1,
      code: 'invalid_grant',
    });
  });

  it('of nothing that is another application’s', async () => {
    const webhook = await hook();
    const other = await world.application(['fcm']);
    const token = `${fcmToken()}--unregistered`;
    const device = await world.device(other, 'fcm', token);
    const id = await world.notify(other, { audience: { deviceIds: [device] } });
    await world.until(other, id, { status: 'completed', counts: { failed: 1 } });
    expect(await webhook.states()).toEqual({});
    const rows = await world.db.query('select 1 from webhook_message where data::text like $1', [`%${id}%`]);
    expect(rows).toEqual([]);
  });
});

describe('a fact and its event', () => {
  const fact = (device: number): Fact => ({
    type: 'device.invalidated',
    applicationId: application.id,
    device,
    data: { provider: 'fcm', code: 'UNREGISTERED' },
  });

  it('are undone together', async () => {
    await hook();
    const log = new EventLog(world.db, systemClock);
    const { id } = await createDevice(world.db, { applicationId: application.id });
    const work = world.db.transaction(async (tx) => {
      await tx.query(`update device set status = 'invalid' where id = $1`, [id]);
      await log.append(tx, [fact(id)]);
      throw new Error('the worker changed its mind');
    });
    await expect(work).rejects.toThrow('changed its mind');
    expect(await messages()).toEqual([]);
    expect(await world.db.query('select status from device where id = $1', [id])).toEqual([{ status: 'active' }]);
  });

  it('are kept together: no failed delivery is on record while its event cannot be written', async () => {
    await hook(['delivery.failed']);
    // A sequence keeps what it counted when the statement is undone.
    await world.db.query('create sequence tries');
    await world.db.query(
      `alter table webhook_message add constraint broken
       check (data->>'applicationId' <> '${application.id}' or nextval('tries') < 0) not valid`,
    );
    const device = await deadDevice();
    const id = await world.notify(application, { audience: { deviceIds: [device.id] } });
    await eventually(async () => (await world.db.query('select 1 from tries where is_called')).length > 0);
    expect((await world.get(application, `/v1/notifications/${id}`)).body.counts).toMatchObject({
      failed: 0,
      pending: 1,
    });
    expect((await world.get(application, `/v1/devices/${device.id}`)).body.status).toBe('active');
    await world.db.query('alter table webhook_message drop constraint broken');
    await world.advance(25_000);
    await world.until(application, id, { status: 'completed', counts: { failed: 1 } }, 40_000);
    await received(1);
    expect((await world.get(application, `/v1/devices/${device.id}`)).body.status).toBe('invalid');
  }, 60_000);
});

describe('nothing is written', () => {
  it('where nobody listens, or to something else, or no longer', async () => {
    const device = await deadDevice();
    const first = await world.notify(application, { audience: { deviceIds: [device.id] } });
    await world.until(application, first, { status: 'completed' });
    await hook(['receipt.opened']);
    const closed = await hook();
    await closed.call('PATCH', '', { enabled: false });
    const second = await world.notify(application, { audience: { deviceIds: [(await deadDevice()).id] } });
    await world.until(application, second, { status: 'completed' });
    expect(await messages()).toEqual([]);
  });
});
