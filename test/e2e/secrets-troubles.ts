import { expect } from 'vitest';
import { eventually } from '../setup/eventually.js';
import type { World } from '../setup/world.js';
import type { Scenario } from './secrets-scenario.js';
import { MASTER_KEY, runUntil, type SecretBook } from './secrets-support.js';

/** While it lasts, no row can be written to the table; Postgres repeats the whole row in its complaint. */
async function whileClosed({ world }: Scenario, table: string, work: () => Promise<unknown>): Promise<void> {
  await world.db.query(`alter table ${table} add constraint closed_for_a_test check (false) not valid`);
  try {
    await work();
  } finally {
    await world.db.query(`alter table ${table} drop constraint closed_for_a_test`);
  }
}

/** From now on a push to this target is refused with this body. */
async function echo({ world }: Scenario, provider: string, target: string, body: string): Promise<void> {
  const action = { type: 'respond', status: 400, body };
  await world.control('POST', '/__rules', { match: { provider, target }, action });
}

/** Refusals that hold the token, its parts and the title, in every field that is read. */
export async function providersRepeat(scenario: Scenario): Promise<void> {
  const content = scenario.content();
  const title = String(content['title']);
  const devices = [];
  const fcm = String(await scenario.token('fcm'));
  const short = scenario.book.add('token', 'short FCM token', 'shrt:Tok3n');
  for (const token of [fcm, short]) {
    devices.push(await scenario.register('fcm', token));
    const error = {
      code: 400,
      status: 'INVALID_ARGUMENT',
      message: `The token ${token} ("${token}") cannot show ${title}`,
    };
    await echo(scenario, 'fcm', token, JSON.stringify({ error }));
  }
  const apns = String(await scenario.token('apns', 'abcdef0123'));
  devices.push(await scenario.register('apns', apns));
  await echo(scenario, 'apns', apns, JSON.stringify({ reason: apns, message: `${apns} ${title}` }));
  for (const form of ['text', 'json']) {
    const token = (await scenario.token('webpush')) as { endpoint: string; keys: { p256dh: string; auth: string } };
    devices.push(await scenario.register('webpush', token));
    const { endpoint, keys } = token;
    const id = endpoint.split('/').at(-1) ?? '';
    const text = `No ${endpoint}, ${new URL(endpoint).pathname} ${id} p256dh=${keys.p256dh} auth=${keys.auth}, "${title}"`;
    await echo(
      scenario,
      'webpush',
      id,
      form === 'text' ? text : JSON.stringify({ reason: id, message: text, error: keys.auth }),
    );
  }
  const id = await scenario.send({ audience: { deviceIds: devices }, content });
  await scenario.world.until(scenario.application, id, { status: 'completed', counts: { failed: devices.length } });
  const attempts = (await scenario.world.deliveries(scenario.application, id)).flatMap((delivery) => delivery.attempts);
  expect(attempts.filter(({ detail }) => detail !== null).length).toBeGreaterThanOrEqual(4);
  await scenario.world.control('DELETE', '/__rules');
}

/** Bugs and losses of the database, on the way in and on the way out. */
export async function postgresComplains(scenario: Scenario): Promise<void> {
  const { world } = scenario;
  const { serverKey, id } = scenario.application;
  const bugs: number[] = [];
  const fails = async (method: string, path: string, body: object, headers = {}) =>
    bugs.push(
      (
        await scenario.ask(method, path, {
          key: path.includes('applications') ? world.api.adminKey : serverKey,
          body,
          headers,
        })
      ).status,
    );
  const device = { provider: 'fcm', token: await scenario.token('fcm') };
  const message = { audience: { all: true }, content: scenario.content() };
  await whileClosed(scenario, 'device', async () => {
    await fails('POST', '/v1/devices', device);
    const raw = `${JSON.stringify(device)}\n${JSON.stringify({ ...device, token: await scenario.token('fcm') })}`;
    await scenario.ask('POST', '/v1/devices/bulk', {
      key: serverKey,
      raw,
      headers: { 'content-type': 'application/x-ndjson' },
    });
  });
  await whileClosed(scenario, 'notification', () => fails('POST', '/v1/notifications', message));
  await whileClosed(scenario, 'idempotency_key', () =>
    fails('POST', '/v1/notifications', message, { 'idempotency-key': 'refused' }),
  );
  await whileClosed(scenario, 'dispatch_batch', () => fails('POST', '/v1/notifications', message));
  await whileClosed(scenario, 'api_key', () => fails('POST', `/v1/applications/${id}/keys`, { role: 'server' }));
  await whileClosed(scenario, 'credential', () =>
    fails('PUT', `/v1/applications/${id}/credentials/webpush`, { subject: 'mailto:a@example.com', generate: true }),
  );
  expect(bugs).toEqual([500, 500, 500, 500, 500, 500]);

  const fresh = await scenario.ask('POST', '/v1/devices', { key: serverKey, body: device });
  await whileClosed(scenario, 'delivery_attempt', async () => {
    const sent = await scenario.send({ audience: { deviceIds: [fresh.body.id] }, content: scenario.content() });
    const { messages } = await eventually(async () => {
      const found = await world.control('GET', `/__messages?target=${encodeURIComponent(String(device.token))}`);
      expect(found.messages.length).toBeGreaterThan(0);
      return found;
    });
    expect(JSON.stringify(messages)).toContain(sent);
  });
  const [{ pid }] = await world.db.query('select pg_backend_pid() as pid');
  await world.db.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> $1',
    [pid],
  );
  await eventually(async () => expect((await scenario.ask('GET', '/readyz')).status).toBe(200));
}

/** @returns what processes said that were started with settings that cannot be right */
export async function wrongSettings(world: World, book: SecretBook, redisUrl: string): Promise<string> {
  const good = {
    DATABASE_URL: world.api.config.DATABASE_URL,
    REDIS_URL: redisUrl,
    CARILLON_MASTER_KEY: MASTER_KEY,
    CARILLON_ROLE: 'worker',
  };
  const password = book.add('key', 'wrong password', 'password-of-the-secrets-test');
  const away = (url: string) => Object.assign(new URL(url), { port: '1', password }).href;
  const wrongKey = book.add('key', 'wrong master key', Buffer.alloc(31, 9).toString('base64'));
  const otherKey = book.add('key', 'other master key', Buffer.alloc(32, 9).toString('base64'));
  const outputs = await Promise.all([
    runUntil('service.waiting_for_database', { ...good, DATABASE_URL: away(good.DATABASE_URL) }),
    runUntil('service.waiting_for_database', {
      ...good,
      DATABASE_URL: good.DATABASE_URL.replace(/:[^:@/]+@/, `:${password}@`),
    }),
    runUntil('NOAUTH', { ...good, DATABASE_URL: `mysql://root:${password}@127.0.0.1/x` }),
    runUntil('never', { ...good, REDIS_URL: `not a url ${password}` }),
    runUntil('never', { ...good, CARILLON_MASTER_KEY: wrongKey }),
  ]);
  outputs.push(
    await runUntil('service.started', { ...good, REDIS_URL: away(good.REDIS_URL), CARILLON_MASTER_KEY: otherKey }),
  );
  for (const output of outputs) expect(output).not.toBe('');
  return outputs.join('\n');
}
