import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedis } from '../../src/embedded/redis.js';
import { call } from '../setup/app.js';
import { eventually } from '../setup/eventually.js';
import { startTestRedis, type TestRedis } from '../setup/redis.js';
import { type SpawnedWorker, World } from '../setup/world.js';
import { Scenario } from './secrets-scenario.js';
import { dumpTables, MASTER_KEY, RedisTap, SecretBook } from './secrets-support.js';
import { postgresComplains, providersRepeat, wrongSettings } from './secrets-troubles.js';

const book = new SecretBook();

let redis: TestRedis;
let world: World;
let api: SpawnedWorker;
let tap: RedisTap;
let scenario: Scenario;
const workers: SpawnedWorker[] = [];
let troubles = '';

/** Starts a worker that gives up on a provider after a second. */
async function startWorker(): Promise<SpawnedWorker> {
  const worker = await world.spawnWorker({ LOG_LEVEL: 'trace', REQUEST_TIMEOUT_SECONDS: '1', WORKER_HEALTH_PORT: '0' });
  workers.push(worker);
  return worker;
}

function portOf({ logs }: SpawnedWorker): string {
  return (
    /"service\.started".*?"port":(\d+)|"port":(\d+).*?"service\.started"/.exec(logs())?.slice(1).find(Boolean) ?? ''
  );
}

beforeAll(async () => {
  redis = await startTestRedis();
  world = await World.start({ role: 'api', redis: redis.url });
  book.add('key', 'master key', MASTER_KEY);
  book.add('key', 'admin key', world.api.adminKey);
  book.add('key', 'Redis password', new URL(redis.url).password);
  const databaseUrl = new URL(world.api.config.DATABASE_URL);
  book.add('key', 'database password', databaseUrl.password);
  tap = await RedisTap.open(redis.url);
  api = await world.spawnWorker({
    CARILLON_ROLE: 'api',
    LOG_LEVEL: 'trace',
    HOST: '127.0.0.1',
    PORT: '0',
    CARILLON_ADMIN_KEY: world.api.adminKey,
    METRICS_TOKEN: book.add('key', 'metrics token', 'metrics-token-of-the-secrets-test'),
  });
  // From here on every request of the test goes to the process whose log is read.
  world.api.baseUrl = `http://127.0.0.1:${portOf(api)}`;
  await startWorker();
  scenario = new Scenario(world, book);
  scenario.application = await scenario.makeApplication();
}, 120_000);

afterAll(async () => {
  tap?.close();
  await world?.close();
  await redis?.stop();
});

describe('while everything happens that can happen', () => {
  it('credentials are stored, tried and refused, users proven, requests malformed', async () => {
    await scenario.credentials();
    await scenario.userTokens();
    await scenario.register('fcm', await scenario.token('fcm'));
    await scenario.malformed();
  }, 60_000);

  it('providers accept, refuse, throttle, fail, hang up and say nothing', async () => {
    const behaviours = {
      fcm: [
        undefined,
        'unregistered',
        'malformed',
        'sender-mismatch',
        'third-party-auth',
        'invalid-argument',
        'device-429',
        '503',
        '500',
        'hang',
        'hang-after-accept',
        'reset',
        'reset-after-accept',
        'html502',
        'truncate',
      ],
      apns: [
        undefined,
        'dead040000',
        'dead040100',
        'dead041000',
        'dead041100',
        'dead042900',
        'dead050000',
        'dead050300',
        'deada00100',
        'deada00200',
        'deada00300',
      ],
      webpush: [
        undefined,
        'expired',
        'gone',
        'vapid-mismatch',
        '429',
        '503',
        'hang',
        'reset',
        'reset-after-accept',
        'redirect',
        'huge',
        'html502',
        'truncate',
        '413',
        '400',
      ],
    } as const;
    for (const provider of ['fcm', 'apns', 'webpush'] as const) {
      for (const behaviour of behaviours[provider])
        await scenario.register(provider, await scenario.token(provider, behaviour));
    }
    const content = scenario.content();
    const overrides = {
      fcm: { android: { notification: { tag: book.add('content', 'override', 'override-secret-value') } } },
    };
    const { serverKey } = scenario.application;
    const body = { audience: { topics: ['everyone'] }, content, overrides };
    await scenario.ask('POST', '/v1/notifications/preview', { key: serverKey, body });
    await scenario.ask('POST', '/v1/notifications', { key: serverKey, body: { ...body, options: { dryRun: true } } });
    const id = await scenario.send(body);
    await scenario.tried(id);
    // APNs asks for fifteen minutes after 503.
    await world.advance(1_200_000);
    await scenario.tried(id, 2);
    const strict = await scenario.send({
      audience: { topics: ['everyone'] },
      content: scenario.content(),
      options: { semantics: 'at_most_once', ttlSeconds: 60 },
    });
    await scenario.tried(strict);
  }, 120_000);

  it('providers repeat what they were sent in what they complain about', () => providersRepeat(scenario), 60_000);

  it('devices rotate, go, and are forgotten', async () => {
    const { clientKey, serverKey, id: applicationId, adminKey } = scenario.application;
    const [rotated, removed] = scenario.devices.slice(0, 2);
    const token = await scenario.token('fcm');
    const headers = { 'x-device-secret': rotated?.secret ?? '' };
    expect(
      (await scenario.ask('PATCH', `/v1/devices/${rotated?.id}`, { key: clientKey, headers, body: { token } })).status,
    ).toBe(200);
    const receipt = { deviceId: rotated?.id, notificationId: scenario.notifications[0], type: 'opened' };
    await scenario.ask('POST', '/v1/receipts', { key: clientKey, headers, body: receipt });
    expect((await scenario.ask('DELETE', `/v1/devices/${removed?.id}`, { key: serverKey })).status).toBe(204);
    expect((await scenario.ask('DELETE', '/v1/users/anna', { key: serverKey })).status).toBe(204);
    const keys = (await scenario.ask('GET', `/v1/applications/${applicationId}/keys`, { key: adminKey })).body.items;
    const client = keys.find(({ role }: { role: string }) => role === 'client');
    await scenario.ask('DELETE', `/v1/applications/${applicationId}/keys/${client.id}`, { key: adminKey });
    expect(
      (await scenario.ask('POST', '/v1/devices', { key: clientKey, body: { provider: 'fcm', token } })).status,
    ).toBe(401);
    const other = await scenario.makeApplication();
    await scenario.ask('DELETE', `/v1/applications/${other.id}/credentials/fcm`, { key: other.adminKey });
    await scenario.ask('DELETE', `/v1/applications/${other.id}`, { key: other.adminKey });
  });

  it('Postgres refuses rows and repeats them, and goes away', () => postgresComplains(scenario), 60_000);

  it('Redis goes away and comes back, workers crash and stop', async () => {
    tap.close();
    await redis.stop();
    await scenario.send({ audience: { all: true }, content: scenario.content() });
    await scenario.ask('GET', '/readyz');
    redis = { ...redis, ...(await startRedis({ dir: redis.dir, port: redis.port })) };
    await eventually(async () => expect((await scenario.ask('GET', '/readyz')).status).toBe(200), {
      timeoutMs: 20_000,
    });

    await world.control('POST', '/__rules', { match: { provider: 'fcm' }, action: { type: 'delay', ms: 700 } });
    await scenario.send({ audience: { all: true }, content: scenario.content() });
    const before = (await world.control('GET', '/__messages/count')).total;
    await world.control('GET', `/__messages/count?total=${before + 1}&timeoutMs=20000`);
    const [first] = workers;
    first?.kill('SIGKILL');
    await first?.exited;
    await world.control('DELETE', '/__rules');
    await startWorker();
    const id = await scenario.send({ audience: { all: true }, content: scenario.content() });
    await world.advance(30_000);
    await scenario.tried(id);
  }, 120_000);

  it('processes are started with settings that are wrong', async () => {
    troubles = await wrongSettings(world, book, redis.url);
  }, 120_000);
});

describe('afterwards', () => {
  it('the book would notice a leak', () => {
    expect(book.size).toBeGreaterThan(200);
    const [{ text = '' } = {}] = scenario.seen.filter(
      ({ request, status }) => request === 'POST /v1/devices' && status === 200,
    );
    expect(book.leaksIn(text)).toEqual(['device secret']);
    expect(book.leaksIn('authorization: Bearer eyJhbGciOiJFUzI1NiJ9.eyJpc3Mi.x')).toEqual(['a JWT', 'a bearer']);
    expect(book.leaksIn(Buffer.from(MASTER_KEY).toString('base64'))).toEqual(['master key']);
  });

  it('no log line of any process holds a secret', () => {
    const logs = {
      api: api.logs(),
      troubles,
      ...Object.fromEntries(workers.map(({ logs }, index) => [`worker ${index}`, logs()])),
    };
    for (const [name, text] of Object.entries(logs)) expect(book.leaksByLine(text), name).toEqual([]);
    // What was made to go wrong is in the log; else this would prove nothing.
    const all = Object.values(logs).join('');
    for (const sign of [
      'http.bug',
      'devices.bulk_line_failed',
      'credential.broken',
      'gate.closed',
      'service.started',
      '"level":"debug"',
    ]) {
      expect(all.includes(sign), sign).toBe(true);
    }
  });

  it('no answer gives away a token, a key or what is wrong with a request', () => {
    const leaks = scenario.seen.flatMap(({ request, status, text }) => {
      // Given once, to whom it belongs: the secret of a new device. The public key of users is public.
      const isOwn = request === 'POST /v1/devices' && status < 300;
      const leaked = book.leaksIn(text, ['token', 'key']).filter((name) => !(isOwn && name === 'device secret'));
      const repeated = status >= 400 ? book.leaksIn(text, ['content']) : [];
      return [...leaked, ...repeated].map((name) => `${name} in ${status} ${request}: ${text.slice(0, 300)}`);
    });
    expect(leaks).toEqual([]);
  });

  it('nothing that can be read of an application holds a token or a key', async () => {
    const { id, serverKey } = scenario.application;
    const admin = world.api.adminKey;
    const server = [
      '/v1/devices?limit=1000',
      '/v1/notifications?limit=1000',
      ...['failed', 'expired', 'unknown', 'suppressed', 'pending'].map(
        (status) => `/v1/deliveries?status=${status}&limit=1000`,
      ),
    ];
    for (const device of scenario.devices)
      server.push(`/v1/devices/${device.id}`, `/v1/devices/${device.id}/deliveries`);
    for (const notification of scenario.notifications)
      server.push(`/v1/notifications/${notification}`, `/v1/notifications/${notification}/deliveries?limit=1000`);
    // With its request, compiled again: the only delivery that shows what was in it.
    const single: string[] = [];
    for (const provider of ['fcm', 'apns', 'webpush']) {
      for (const device of scenario.devices.filter((one) => one.provider === provider).slice(0, 5)) {
        const path = `/v1/deliveries/why?deviceId=${device.id}`;
        server.push(path);
        const { items } = (await call(world.api, 'GET', path, { key: serverKey })).body;
        if (items?.[0]) single.push(`/v1/notifications/${items[0].notificationId}/deliveries/${device.id}`);
      }
    }
    expect(single.length).toBeGreaterThan(5);
    const application = `/v1/applications/${id}`;
    const forAdmin = [
      '/v1/applications',
      application,
      `${application}/keys`,
      `${application}/credentials`,
      '/v1/audit?limit=1000',
      '/v1/system',
      `${application}/stats`,
    ];
    for (const provider of ['fcm', 'apns', 'webpush']) forAdmin.push(`${application}/credentials/${provider}`);
    for (const [key, paths] of [
      [serverKey, server],
      [serverKey, single],
      [admin, forAdmin],
    ] as const) {
      for (const path of paths) {
        const { status, body } = await call(world.api, 'GET', path, { key });
        if (status !== 404) expect(book.leaksIn(JSON.stringify(body), ['token', 'key']), path).toEqual([]);
        if (key === admin || (paths === server && path.includes('deliveries')))
          expect(book.leaksIn(JSON.stringify(body), ['content']), path).toEqual([]);
      }
    }
  });

  it('what everybody may read holds nothing at all', async () => {
    const worker = { baseUrl: `http://127.0.0.1:${portOf(workers.at(-1) ?? api)}` };
    for (const path of ['/metrics', '/openapi.json', '/docs', '/readyz', '/livez']) {
      const { status, body } = await call(world.api, 'GET', path, { key: 'metrics-token-of-the-secrets-test' });
      expect(status).toBe(200);
      expect(book.leaksIn(JSON.stringify(body)), path).toEqual([]);
    }
    const { status, body } = await call(worker, 'GET', '/metrics');
    expect(status).toBe(200);
    expect(book.leaksIn(String(body))).toEqual([]);
  });

  it('nothing of it goes to Redis', async () => {
    expect(tap.text).toMatch(/dispatch-normal-fcm/);
    const { password } = new URL(redis.url);
    expect(
      book.leaksByLine(tap.text.replaceAll(password, '')).filter((leak) => !leak.startsWith('Redis password')),
    ).toEqual([]);
    const client = new Redis(redis.url);
    const keys = await client.keys('*');
    const values = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
    client.disconnect();
    expect(book.leaksIn([...keys, ...values.map((value) => value?.toString('latin1'))].join('\n'))).toEqual([]);
  });

  it('Postgres holds keys sealed or hashed, tokens in devices alone and content in notifications alone', async () => {
    for (const [table, text] of await dumpTables(world)) {
      expect(book.leaksIn(text, ['key']), table).toEqual([]);
      if (table !== 'device') expect(book.leaksIn(text, ['token']), table).toEqual([]);
      if (!table.startsWith('notification_')) expect(book.leaksIn(text, ['content']), table).toEqual([]);
    }
    const [row] = await world.db.query('select secret_hash, prefix from api_key limit 1');
    expect(row.secret_hash).toHaveLength(32);
    expect(row.prefix).toHaveLength(9);
    for (const table of ['credential', 'provider_token']) {
      const sealed: { sealed: Buffer }[] = await world.db.query(`select sealed from ${table}`);
      expect(sealed.length).toBeGreaterThan(0);
      for (const { sealed: bytes } of sealed) expect(bytes[0]).toBe(1);
    }
  });
});
