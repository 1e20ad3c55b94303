import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA_SOURCE } from '../../src/database/transaction.js';
import { Hub } from '../../src/realtime/hub.js';
import { writeAnswers } from '../factories/attempt.js';
import { claimBatch, planBatch } from '../factories/batch.js';
import { createDevices } from '../factories/device.js';
import { storeNotification } from '../factories/notification.js';
import { type Answer, call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let nodes: [TestApi, TestApi];
let db: DataSource;
let application: Awaited<ReturnType<typeof createApplication>>;

beforeAll(async () => {
  database = await createTestDatabase();
  const redis = await testRedisUrl();
  nodes = [
    await startApi({ database: database.url, redis }),
    await startApi({ database: database.url, redis, REALTIME_PUBLISH_PER_SECOND: 1 }),
  ];
  db = nodes[0].app.get<DataSource>(DATA_SOURCE);
  application = await createApplication(nodes[0]);
});

afterAll(async () => {
  for (const node of nodes ?? []) await node.close();
  await database?.drop();
});

const overview = (key = application.adminKey): Promise<Answer> =>
  call(nodes[0], 'GET', `/v1/applications/${application.id}/overview`, { key });
const watch = (key = application.adminKey): Promise<Answer> =>
  call(nodes[0], 'POST', `/v1/applications/${application.id}/overview/stream`, { key });

/** Ten deliveries that were answered, and five that wait. */
async function send(): Promise<void> {
  const ids = await createDevices(db, 15, { applicationId: application.id });
  const notification = await storeNotification(db, application.id);
  const batch = await claimBatch(db, notification.id, await planBatch(db, notification, 'fcm', ids.slice(0, 10)));
  await writeAnswers(
    db,
    batch,
    batch.deviceIds.map((device, i) => ({ device, fate: i < 6 ? 'accepted' : i < 8 ? 'failed' : 'retry' })),
  );
  await planBatch(db, notification, 'fcm', ids.slice(10));
}

describe('the overview of an application', () => {
  it('of one that has not done anything is complete', async () => {
    const { status, body } = await overview();
    expect(status).toBe(200);
    expect(body.minutes).toHaveLength(60);
    expect(body).toMatchObject({ perSecond: 0, successRate: null, latencyMs: null, providers: [], gates: [] });
    expect(body.lanes).toHaveLength(3);
  });

  it('shows what went out, what waits, and what stands in the way', async () => {
    await send();
    await db.query(
      `insert into gate (application_id, provider, state, kind, closed_until, reason)
       values ($1, 'apns', 'closed', 'throttled', carillon_now() + interval '1 minute', 'TooManyRequests')`,
      [application.id],
    );
    // A probe that failed.
    await db.query(
      `update gate set state = 'closed', changed_at = carillon_now() + interval '5 minutes' where application_id = $1`,
      [application.id],
    );
    await db.query(
      `insert into credential (id, application_id, provider, version, sealed, fingerprint, public_parts)
       values (gen_random_uuid(), $1, 'apns', 1, '', 'f', jsonb_build_object('certificateExpiresAt', carillon_now() + interval '5 days'))`,
      [application.id],
    );
    await db.query(
      `insert into webhook (id, application_id, url, events, secret, failing_since, enabled, disabled_reason, disabled_at)
       values (gen_random_uuid(), $1, 'https://hooks.example/a', '{}', '', carillon_now(), true, null, null),
         (gen_random_uuid(), $1, 'https://hooks.example/off', '{}', '', carillon_now(), false, 'requested', carillon_now())`,
      [application.id],
    );
    const { body } = await overview();
    expect(body).toMatchObject({
      successRate: 0.75,
      latencyMs: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
      providers: [{ provider: 'fcm', attempts: 10, accepted: 6, failed: 2 }],
      gates: [{ provider: 'apns', kind: 'throttled', reason: 'TooManyRequests', advice: expect.any(String) }],
      credentials: [{ provider: 'apns', state: 'ok', advice: expect.stringContaining('expires in') }],
      failures: [
        { provider: 'fcm', code: expect.any(String), attempts: 2 },
        { provider: 'fcm', code: expect.any(String), attempts: 2 },
      ],
      webhooks: [{ url: 'https://hooks.example/a' }],
    });
    expect(body.failures.map(({ code }: { code: string }) => code).toSorted()).toEqual(['503', 'UNREGISTERED']);
    const [gate] = body.gates;
    expect(Date.parse(gate.changedAt) - Date.parse(gate.since)).toBeGreaterThanOrEqual(300_000);
    const bulk = body.lanes.find(({ lane }: { lane: string }) => lane === 'bulk');
    expect(bulk).toMatchObject({ due: 5, waiting: 2, sending: 0, paused: 0 });
    const sum = (name: string) =>
      body.minutes.reduce((all: number, one: Record<string, number>) => all + (one[name] ?? 0), 0);
    expect(['attempts', 'accepted', 'failed', 'retried'].map(sum)).toEqual([10, 6, 2, 2]);
  });

  it('is nobody else’s', async () => {
    const stranger = await createApplication(nodes[0]);
    for (const ask of [overview, watch]) {
      expect((await ask(stranger.adminKey)).status).toBe(404);
      expect((await ask(application.serverKey)).status).toBe(403);
    }
  });
});

describe('watching it', () => {
  it('brings a snapshot every second, made by one process for the watchers of all', async () => {
    const { status, body } = await watch();
    expect(status).toBe(200);
    expect(body).toEqual({ token: expect.any(String), channel: 'carillon:overview', expiresAt: expect.any(String) });
    const clients = await Promise.all(
      nodes.map((node) => SseClient.open(node, `channels=${body.channel}`, { token: body.token })),
    );
    try {
      await eventually(
        () => {
          for (const client of clients) expect(client.messages.length).toBeGreaterThanOrEqual(3);
        },
        { timeoutMs: 10_000 },
      );
      const [first, second] = clients.map((client) => client.messages.map(({ id }) => id));
      const shared = (first ?? []).filter((id) => second?.includes(id));
      expect(shared.length).toBeGreaterThanOrEqual(2);
      const times = clients[0]?.messages.map(({ data }) => Date.parse(data.data.at)) ?? [];
      for (const [i, time] of times.entries()) {
        if (i > 0) expect(time - (times[i - 1] ?? 0)).toBeGreaterThan(800);
      }
      expect(clients[0]?.messages.at(-1)?.data).toMatchObject({
        channel: 'carillon:overview',
        event: 'overview',
        data: { successRate: 0.75, minutes: { length: 60 } },
      });
    } finally {
      for (const client of clients) client.close();
    }
  });

  it('costs nothing when nobody does, and makes no screen of whoever did', async () => {
    await eventually(() => {
      for (const node of nodes) expect(node.app.get(Hub).followedReserved).toEqual([]);
    });
    const [row] = await db.query('select has_screens from application where id = $1', [application.id]);
    expect(row.has_screens).toBe(false);
  });

  it('is for those alone who were let: no grant of an application names or covers the channel', async () => {
    const [node] = nodes;
    const body = { userId: 'u-1', channels: ['carillon:overview'] };
    const asked = await call(node, 'POST', '/v1/realtime/tokens', { key: application.serverKey, body });
    expect(asked).toMatchObject({ status: 400, body: { errors: [{ path: 'channels.0' }] } });
    const { token } = await tokenFor(node, application.serverKey, { channels: ['*', 'car*'] });
    const client = await SseClient.open(node, 'channels=carillon:overview', { token });
    expect(client.status).toBe(403);
    client.close();
    const spoofed = await publish(node, application.serverKey, 'carillon:overview', {});
    expect(spoofed).toMatchObject({ status: 400, body: { errors: [{ path: 'params.channel' }] } });
    const watcher = (await watch()).body.token;
    for (const other of ['carillon:else', 'chat', 'user:u-1']) {
      const refused = await SseClient.open(node, `channels=${other}`, { token: watcher });
      expect(refused.status).toBe(403);
      refused.close();
    }
  });
});
