import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DataSource } from 'typeorm';
import { expect, inject } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { makeDataSource } from '../../src/database/data-source.js';
import type { ProviderName } from '../../src/lib/names.js';
import { type RunningSimulator, startSimulator } from '../../src/simulator/simulator.js';
import { type Answer, call, createApplication, startApi, type TestApi } from './app.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { eventually } from './eventually.js';
import { testRedisUrl } from './redis.js';

const ROOT = resolve(import.meta.dirname, '../..');
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

export interface WorldOptions extends Partial<Config> {
  /** `all` (default): api and worker in this process. `api`: workers come as processes of their own, see {@link World.spawnWorker}. */
  role?: 'all' | 'api';
  /** URL of a Redis that the test may kill. */
  redis?: string;
}

export interface TestApplication {
  id: string;
  serverKey: string;
  clientKey: string;
  adminKey: string;
}

/** A worker as a process of its own, for tests that kill it. */
export interface SpawnedWorker {
  pid: number;
  /** Everything it logged so far. */
  logs(): string;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<number | null>;
}

/**
 * The whole service against the provider simulators: real HTTP in, real provider protocols out, Postgres and Redis between.
 * One per test file; applications are cheap, so a test takes one of its own.
 */
export class World {
  private readonly children = new Set<ChildProcess>();

  private constructor(
    readonly api: TestApi,
    readonly simulator: RunningSimulator,
    readonly db: DataSource,
    readonly redisUrl: string,
    private readonly database: TestDatabase,
    private readonly settings: Record<string, string>,
  ) {}

  static async start(options: WorldOptions = {}): Promise<World> {
    const { role = 'all', redis, ...overrides } = options;
    const [database, simulator, redisUrl] = await Promise.all([
      createTestDatabase(),
      startSimulator({ home: await mkdtemp(join(inject('runDir'), 'simulator-')) }),
      redis ?? testRedisUrl(),
    ]);
    const { fcm, apns, apnsSandbox, webpush, caFile } = simulator.urls;
    const simulators = {
      SIMULATOR_FCM_URL: fcm,
      SIMULATOR_APNS_URL: apns,
      SIMULATOR_APNS_SANDBOX_URL: apnsSandbox,
      SIMULATOR_CA_FILE: caFile,
    };
    const api = await startApi({
      database: database.url,
      redis: redisUrl,
      CARILLON_ROLE: role,
      ...simulators,
      SIMULATOR_WEBPUSH_URLS: Object.values(webpush),
      ...overrides,
    });
    const db = await makeDataSource({ url: database.url, poolSize: 2, applicationName: 'test' }).initialize();
    return new World(api, simulator, db, redisUrl, database, {
      ...simulators,
      SIMULATOR_WEBPUSH_URLS: Object.values(webpush).join(','),
    });
  }

  async close(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL');
    await this.api.close();
    await this.db.destroy();
    await this.simulator.close();
    await this.database.drop();
  }

  /** A new application that has a simulated credential for each of these providers. */
  async application(providers: readonly ProviderName[] = ['fcm', 'apns', 'webpush']): Promise<TestApplication> {
    const application = await createApplication(this.api);
    for (const provider of providers) await this.setCredential(application, provider);
    return application;
  }

  /** Stores the simulators' own credential, or `body`. */
  async setCredential(application: TestApplication, provider: ProviderName, body?: object): Promise<Answer> {
    const path = `/v1/applications/${application.id}/credentials/${provider}`;
    const credential = body ?? (await this.simulatorCredential(provider));
    const answer = await call(this.api, 'PUT', path, {
      key: this.api.adminKey,
      body: { ...credential, simulated: true },
    });
    expect(answer.status).toBeLessThan(300);
    return answer;
  }

  /** What `GET /__setup` of the simulators offers for this provider. `other`: a second project or team. */
  async simulatorCredential(provider: ProviderName, other = false): Promise<object> {
    const { fcm, apns, webpush } = await this.control('GET', '/__setup');
    if (provider === 'fcm') return { serviceAccount: other ? fcm.other : fcm.serviceAccount };
    if (provider === 'webpush') return webpush.vapid;
    const { keyId, teamId, bundleId, privateKey } = other ? apns.other : apns;
    return { keyId, teamId, bundleId, privateKey, environment: 'production' };
  }

  /** One request to the control listener of the simulators. */
  // biome-ignore lint/suspicious/noExplicitAny: a test states what it expects of the answer, field by field
  async control(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await call({ baseUrl: this.simulator.urls.controlUrl }, method, path, { body });
    if (answer.status >= 300)
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Registers a device with the server key and returns its id. `token` undefined: a fresh live one. */
  async device(
    application: TestApplication,
    provider: ProviderName,
    token?: unknown,
    more: object = {},
  ): Promise<string> {
    const body = { provider, token: token ?? (await this.liveToken(application, provider)), ...more };
    const answer = await call(this.api, 'POST', '/v1/devices', { key: application.serverKey, body });
    expect(answer.body).toMatchObject({ id: expect.any(String) });
    return answer.body.id;
  }

  /** Registers many devices through the bulk route. */
  async devices(application: TestApplication, devices: readonly object[]): Promise<void> {
    for (let i = 0; i < devices.length; i += 10_000) {
      const response = await fetch(`${this.api.baseUrl}/v1/devices/bulk`, {
        method: 'POST',
        headers: { authorization: `Bearer ${application.serverKey}`, 'content-type': 'application/x-ndjson' },
        body: devices
          .slice(i, i + 10_000)
          .map((device) => `${JSON.stringify(device)}\n`)
          .join(''),
      });
      const text = await response.text();
      expect(response.status, text.slice(0, 500)).toBe(200);
      expect(text).not.toContain('"error"');
    }
  }

  private async liveToken(application: TestApplication, provider: ProviderName): Promise<unknown> {
    const random = crypto.randomUUID().replaceAll('-', '');
    if (provider === 'fcm') return `${random}:APA91b${random}${random}`;
    if (provider === 'apns') return `00${random}${random}`.slice(0, 64);
    return this.subscription(application);
  }

  /** A Web Push token for this application's present key. */
  async subscription(application: TestApplication, behaviour?: string, profile = 'fcm'): Promise<unknown> {
    const path = `/v1/applications/${application.id}/webpush/public-key`;
    const { publicKey } = (await call(this.api, 'GET', path)).body;
    return this.control('POST', '/__subscribe', { profile, vapidKey: publicKey, ...(behaviour && { behaviour }) });
  }

  /** Sends a notification and returns its id. */
  async notify(application: TestApplication, body: object): Promise<string> {
    const answer = await call(this.api, 'POST', '/v1/notifications', {
      key: application.serverKey,
      body: { content: { title: 'title', body: 'body' }, ...body },
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(202);
    return answer.body.id;
  }

  /** Any request with the server key. */
  get(application: TestApplication, path: string): Promise<Answer> {
    return call(this.api, 'GET', path, { key: application.serverKey });
  }

  // biome-ignore lint/suspicious/noExplicitAny: a test states what it expects of the answer, field by field
  async deliveries(application: TestApplication, notificationId: string, query = ''): Promise<any[]> {
    return (await this.get(application, `/v1/notifications/${notificationId}/deliveries?limit=1000${query}`)).body
      .items;
  }

  /** Waits until the notification's counts match; returns the whole of it. The invariant holds at every look. */
  // biome-ignore lint/suspicious/noExplicitAny: a test states what it expects of the answer, field by field
  async until(application: TestApplication, id: string, expected: object, timeoutMs = 15_000): Promise<any> {
    return eventually(
      async () => {
        const { body } = await this.get(application, `/v1/notifications/${id}`);
        const { planned, pending, accepted, failed, expired, cancelled, suppressed, unknown } = body.counts;
        expect(pending + accepted + failed + expired + cancelled + suppressed + unknown).toBe(planned);
        expect(body).toMatchObject(expected);
        return body;
      },
      { timeoutMs, intervalMs: 50 },
    );
  }

  /** Moves the clock of the database and of the simulators ahead, instead of waiting. */
  async advance(ms: number): Promise<void> {
    await this.db.query('update clock_offset set value = value + make_interval(secs => $1)', [ms / 1000]);
    const rows = await this.db.query('select extract(epoch from value)::float8 * 1000 as ms from clock_offset');
    await this.control('POST', '/__clock', { offsetMs: rows[0].ms });
  }

  /** Starts `dist/src/main.js` as a worker, in one process unless `environment` says otherwise. */
  async spawnWorker(environment: Record<string, string> = {}): Promise<SpawnedWorker> {
    const child = spawn(process.execPath, [join(ROOT, 'dist/src/main.js')], {
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: this.database.url,
        REDIS_URL: this.redisUrl,
        CARILLON_ROLE: 'worker',
        WORKER_PROCESSES: '1',
        CARILLON_MASTER_KEY: MASTER_KEY,
        LOG_LEVEL: 'info',
        ...this.settings,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.add(child);
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    const exited = new Promise<number | null>((settle) => {
      child.once('exit', (code) => {
        this.children.delete(child);
        settle(code);
      });
    });
    const processes = Number(environment['WORKER_PROCESSES'] ?? 1);
    const started = () => output.split('"event":"service.started"').length - 1;
    await eventually(() => started() >= processes, { timeoutMs: 30_000 }).catch(() => {
      throw new Error(`the worker did not start:\n${output}`);
    });
    return { pid: child.pid ?? 0, logs: () => output, kill: (signal) => child.kill(signal), exited };
  }
}
