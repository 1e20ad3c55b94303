import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { insertDevices, notificationRequest, storeNotification } from '../factories/notification.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let db: DataSource;
let tenant: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl(), CARILLON_ROLE: 'all' });
  db = api.app.get<DataSource>(DATA_SOURCE);
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
});

// Devices of a provider without a credential: they are planned and then wait.
beforeEach(async () => {
  tenant = await createApplication(api);
  const path = `/v1/applications/${tenant.id}/credentials/webpush`;
  await call(api, 'PUT', path, { key: api.adminKey, body: { subject: 'mailto:ops@example.org', generate: true } });
  await insertDevices(db, tenant.id, 2_500, { provider: 'apns' });
});

const view = async (id: string) => (await call(api, 'GET', `/v1/notifications/${id}`, { key: tenant.serverKey })).body;
const post = (fields = {}) =>
  call(api, 'POST', '/v1/notifications', { key: tenant.serverKey, body: notificationRequest(fields) });

it('plans a large audience, says what holds it back, and ends it when it is cancelled', async () => {
  const { body } = await post();
  expect(body.status).toBe('planning');
  await eventually(async () => {
    const shown = await view(body.id);
    expect(shown).toMatchObject({ status: 'sending', counts: { planned: 2_500, pending: 2_500 } });
    expect(shown.blockedBy).toEqual([{ provider: 'apns', reason: 'no_credential', until: expect.any(String) }]);
  });

  const path = `/v1/notifications/${body.id}/cancel`;
  expect((await call(api, 'POST', path, { key: tenant.serverKey })).body.status).toBe('cancelled');
  await eventually(async () => {
    expect(await view(body.id)).toMatchObject({
      status: 'cancelled',
      progress: 1,
      completedAt: expect.any(String),
      counts: { planned: 2_500, pending: 0, cancelled: 2_500 },
      blockedBy: [],
    });
  });
});

it('plans what nobody put on the queue: due now, or left behind', async () => {
  const notification = await storeNotification(db, tenant.id, {}, { state: 'planning', isPlanned: false });
  await eventually(async () => {
    expect(await view(notification.id)).toMatchObject({ status: 'sending', counts: { planned: 2_500 } });
  });
});

it('plans a scheduled notification when its time has come', async () => {
  const { body } = await post({ options: { sendAt: new Date(Date.now() + 1_500).toISOString() } });
  expect(body.status).toBe('scheduled');
  await eventually(async () => expect(await view(body.id)).toMatchObject({ counts: { planned: 2_500 } }));
  const [row] = await db.query(
    'select plan_bound is not null as planned, send_at <= carillon_now() as due from notification where id = $1',
    [body.id],
  );
  expect(row).toEqual({ planned: true, due: true });
});

it('completes a notification to nobody', async () => {
  const { body } = await post({ audience: { topics: ['empty'] } });
  await eventually(async () => expect(await view(body.id)).toMatchObject({ status: 'completed', progress: 1 }));
});
