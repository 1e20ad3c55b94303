import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { loadWorkerProcesses } from '../../src/config/config.js';
import { workerEnvironment } from '../../src/config/worker-processes.js';
import { migrate } from '../../src/database/migrate.js';
import { type AppOptions, startReadyApp } from '../../src/embedded/app-process.js';
import { guardian } from '../../src/embedded/guardian.js';
import { Home } from '../../src/embedded/home.js';
import { type LoopbackRequest, type LoopbackResponse, loopbackRequest } from '../../src/embedded/loopback-http.js';
import { choosePort } from '../../src/embedded/ports.js';
import { type RunningPostgres, startPostgres } from '../../src/embedded/postgres.js';
import { type RunningRedis, startRedis } from '../../src/embedded/redis.js';
import type { Running } from '../../src/embedded/supervised.js';
import type { Bench } from '../section.js';
import type { Served } from '../servers/served.js';
import { cpuUsOf, cpuUsOfFamily } from './processes.js';

const APP = 'dist/src/main.js';
/** As a server for millions of devices would have it; durable. */
const POSTGRES_SETTINGS = { shared_buffers: '2GB', max_wal_size: '8GB', wal_compression: 'off' };
const CA_FILE = 'provider-ca.pem';
const SIMULATOR_CA_FILE = 'simulator-ca.pem';
const APP_STOP_GRACE_MS = 30_000;

/** Microseconds of CPU that each kind of process has used. */
export interface CpuUse {
  api: number;
  workers: number;
  postgres: number;
  redis: number;
  sink: number;
}

export interface FcmCredential {
  tokenUri: string;
  /** PEM. */
  privateKey: string;
  /** Goes to the server of {@link Stack.sendSimulatedTo} instead. */
  simulated?: boolean;
}

export interface Application {
  id: string;
  serverKey: string;
}

/**
 * The whole product on this machine, as `npm start` runs it: Postgres and Redis of its own with the same settings, durable
 * commits included; api and workers as processes with the same flags.
 */
export class Stack {
  api: Running | undefined;
  baseUrl = '';
  workers: Running[] = [];
  /** Where requests to FCM go. */
  private sink: Served | undefined;
  private simulator: Served | undefined;

  private constructor(
    readonly bench: Bench,
    private readonly home: Home,
    private readonly postgres: RunningPostgres,
    private readonly redis: RunningRedis,
    /** A superuser's connection for everything that is not part of the product. */
    readonly db: Client,
  ) {}

  /** Runs `work` with a stack that has an empty, migrated database; everything is ended and removed afterwards, also when we are killed. */
  static async with<T>(bench: Bench, work: (stack: Stack) => Promise<T>): Promise<T> {
    const dir = await mkdtemp(join(bench.workDir, 'stack-'));
    guardian.removeAtDeath(dir);
    const undo: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
    try {
      const home = await Home.open(dir);
      const postgres = await startPostgres({
        dir: home.path('postgres'),
        logFile: home.logFile('postgres'),
        settings: POSTGRES_SETTINGS,
      });
      undo.push(() => postgres.stop());
      const redis = await startRedis({ dir: home.path('redis'), logFile: home.logFile('redis'), report: bench.say });
      undo.push(() => redis.stop());
      await migrate(postgres.url);
      const db = new Client({ connectionString: postgres.url });
      await db.connect();
      undo.push(() => db.end());
      const stack = new Stack(bench, home, postgres, redis, db);
      undo.push(() => stack.stop());
      return await work(stack);
    } finally {
      for (const step of undo.reverse()) await step();
    }
  }

  path(...parts: string[]): string {
    return this.home.path(...parts);
  }

  /** Processes that are started from now on send to this one, which ends with the stack. */
  async sendTo(sink: Served): Promise<void> {
    await writeFile(this.home.path(CA_FILE), sink.ca);
    await this.sink?.stop();
    this.sink = sink;
  }

  /** Simulated credentials send to this one, which is the caller's to stop. */
  async sendSimulatedTo(simulator: Served): Promise<void> {
    await writeFile(this.home.path(SIMULATOR_CA_FILE), simulator.ca);
    this.simulator = simulator;
  }

  /** Starts the api. */
  async startApi(env: Record<string, string> = {}): Promise<void> {
    const port = await choosePort(this.home.path('run', 'api.port'));
    this.baseUrl = `http://127.0.0.1:${port}`;
    const own = { CARILLON_ROLE: 'api', HOST: '127.0.0.1', PORT: String(port), ...env };
    this.api = await startReadyApp(this.app('api', own), `${this.baseUrl}/readyz`, AbortSignal.timeout(60_000));
  }

  /** Starts one worker process for each of these environments, beside those that run. */
  async startWorkers(environments: readonly Readonly<Record<string, string | undefined>>[]): Promise<void> {
    const started = environments.map(async (env, index) => {
      const name = `worker-${this.workers.length + index + 1}`;
      const port = await choosePort(this.home.path('run', `${name}.port`));
      const health = { HOST: '127.0.0.1', WORKER_HEALTH_PORT: String(port) };
      const own = { CARILLON_ROLE: 'worker', WORKER_PROCESSES: '1', ...env, ...health };
      return startReadyApp(this.app(name, own), `http://127.0.0.1:${port}/readyz`, AbortSignal.timeout(60_000));
    });
    this.workers.push(...(await Promise.all(started)));
  }

  /** The workers of a default installation. */
  startDefaultWorkers(env: Record<string, string> = {}): Promise<void> {
    return this.startWorkers(loadWorkerProcesses({}).map((worker) => ({ ...workerEnvironment(worker), ...env })));
  }

  async stopWorkers(): Promise<void> {
    const { workers } = this;
    this.workers = [];
    await Promise.all(workers.map((worker) => worker.stop()));
  }

  /** An application with an FCM credential whose access tokens come from `tokenUri`. */
  async createApplication(
    name: string,
    { tokenUri, privateKey, simulated = false }: FcmCredential,
  ): Promise<Application> {
    const { id } = (await this.admin('POST', '/v1/applications', { name })) as { id: string };
    const { key } = (await this.admin('POST', `/v1/applications/${id}/keys`, { role: 'server' })) as { key: string };
    await this.admin('PUT', `/v1/applications/${id}/credentials/fcm`, {
      serviceAccount: {
        type: 'service_account',
        project_id: PROJECT,
        client_email: `carillon@${PROJECT}.iam.gserviceaccount.com`,
        private_key: privateKey,
        token_uri: tokenUri,
      },
      simulated,
    });
    return { id, serverKey: key };
  }

  /** @throws Error with the answer unless it is a success */
  async call(key: string, method: LoopbackRequest['method'], path: string, body?: unknown): Promise<unknown> {
    const options = { method: method ?? 'GET', key, body, timeoutMs: 60_000 };
    const answer: LoopbackResponse = await loopbackRequest(`${this.baseUrl}${path}`, options);
    if (answer.status < 300) return answer.body;
    throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  cpuUse(): CpuUse {
    const sum = (all: readonly (Running | undefined)[]) =>
      all.reduce((us, running) => us + (running === undefined ? 0 : cpuUsOf(running.pid)), 0);
    return {
      api: sum([this.api]),
      workers: sum(this.workers),
      postgres: cpuUsOfFamily(this.postgres.pid),
      redis: cpuUsOf(this.redis.pid),
      sink: this.sink === undefined ? 0 : cpuUsOf(this.sink.pid),
    };
  }

  admin(method: LoopbackRequest['method'], path: string, body?: unknown): Promise<unknown> {
    return this.call(ADMIN_KEY, method, path, body);
  }

  private app(name: string, env: AppOptions['env']): AppOptions {
    return {
      name,
      script: APP,
      env: {
        DATABASE_URL: this.postgres.url,
        REDIS_URL: this.redis.url,
        CARILLON_MASTER_KEY: MASTER_KEY,
        CARILLON_ADMIN_KEY: ADMIN_KEY,
        ...(this.sink !== undefined && { FCM_BASE_URL: this.sink.url, PROVIDER_CA_FILE: this.home.path(CA_FILE) }),
        ...(this.simulator !== undefined && {
          SIMULATOR_FCM_URL: this.simulator.url,
          SIMULATOR_CA_FILE: this.home.path(SIMULATOR_CA_FILE),
        }),
        ...env,
      },
      home: this.home,
      report: this.bench.say,
      stopGraceMs: APP_STOP_GRACE_MS,
    };
  }

  private async stop(): Promise<void> {
    await Promise.all([this.api?.stop(), this.stopWorkers()]);
    await this.sink?.stop();
  }
}

/** In the path of every request: `requests.ts` has the same. */
const PROJECT = 'bench';
const MASTER_KEY = randomBytes(32).toString('base64');
const ADMIN_KEY = randomBytes(32).toString('base64url');

/** The difference of two readings for each of `count`, in microseconds. */
export function cpuPer(count: number, before: CpuUse, after: CpuUse): CpuUse {
  const per = (name: keyof CpuUse) => (after[name] - before[name]) / count;
  return {
    api: per('api'),
    workers: per('workers'),
    postgres: per('postgres'),
    redis: per('redis'),
    sink: per('sink'),
  };
}

/** The environment in which a process writes a profile when it ends, if one is wanted. */
export function profiling({ profileDir }: Bench): Record<string, string> {
  return profileDir === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` };
}
