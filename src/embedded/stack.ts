import { randomBytes } from 'node:crypto';
import { type EmbeddedConfig, generateMasterKey } from '../config/embedded-config.js';
import { workerEnvironment } from '../config/worker-processes.js';
import { type AppOptions, runApp, startReadyApp } from './app-process.js';
import { consoleErrors } from './console-errors.js';
import type { Home } from './home.js';
import { loopbackRequest } from './loopback-http.js';
import { choosePort, isPortFree } from './ports.js';
import { startPostgres } from './postgres.js';
import { startRedis } from './redis.js';
import { keptSecret } from './secret-file.js';
import { DEMO_FILE, type DemoApplication, type SimulatorSetup, seedDemo, seedOwner } from './seed.js';
import {
  type ShownAddresses,
  type SimulatorAddresses,
  shownAddresses,
  simulatorEnvironment,
  startSimulatorProcess,
} from './simulator-process.js';
import { type Running, Supervised } from './supervised.js';

/** What `ready.json` holds, but for the pids. */
export interface ReadyState {
  baseUrl: string;
  /** Signs the owner in, once. */
  consoleUrl: string;
  adminKey: string;
  metricsToken: string;
  application: DemoApplication;
  simulator: ShownAddresses;
  databaseUrl: string;
  redisUrl: string;
}

export interface Pids {
  api: number | undefined;
  workers: (number | undefined)[];
  postgres: number | undefined;
  redis: number | undefined;
  simulator: number | undefined;
}

const APP = 'dist/src/main.js';
/** Workers and api promise to be done within 25 s of SIGTERM. */
const APP_STOP_GRACE_MS = 30_000;
const SIMULATOR_STOP_GRACE_MS = 5_000;

/** All the processes of one `npm start`. */
export class Stack {
  private readonly stopping = new AbortController();
  private postgres: Supervised<Running> | undefined;
  private redis: Supervised<Running> | undefined;
  private simulator: Supervised<Running> | undefined;
  private api: Supervised<Running> | undefined;
  private workers: Supervised<Running>[] = [];

  constructor(
    private readonly config: EmbeddedConfig,
    private readonly home: Home,
    private readonly report: (message: string) => void,
    /** Called when a process has been replaced. */
    private readonly onPidsChanged: () => void,
  ) {}

  get pids(): Pids {
    return {
      api: this.api?.pid,
      workers: this.workers.map((worker) => worker.pid),
      postgres: this.postgres?.pid,
      redis: this.redis?.pid,
      simulator: this.simulator?.pid,
    };
  }

  /** @throws Error with a sentence when something does not come up; {@link stop} is still to be called */
  async start(): Promise<ReadyState> {
    const port = await this.apiPort();
    const [databaseUrl, redisUrl, simulator] = await Promise.all([
      this.startPostgres(),
      this.startRedis(),
      this.startSimulator(),
    ]);
    const secrets = await this.secrets();
    const env = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      CARILLON_MASTER_KEY: secrets.masterKey,
      CARILLON_ADMIN_KEY: secrets.adminKey,
      METRICS_TOKEN: secrets.metricsToken,
      DEMO_FILE: this.home.path(DEMO_FILE),
      ...simulatorEnvironment(simulator),
    };
    this.report('bringing the database up to date, starting api and workers');
    const baseUrl = `${this.config.isTls ? 'https' : 'http'}://127.0.0.1:${port}`;
    // Api and workers wait for the migrations by themselves, once they have loaded.
    const migrate = this.app('migrate', env, 'dist/src/database/migrate.js');
    await Promise.all([
      runApp(migrate, this.stopping.signal),
      this.startApi(env, port, baseUrl),
      this.startWorkers(env),
    ]);
    const setup = (await loopbackRequest(`${simulator.controlUrl}/__setup`)).body as SimulatorSetup;
    const application = await seedDemo(this.home, baseUrl, secrets.adminKey, setup);
    const { adminKey, metricsToken } = secrets;
    const consoleUrl = await seedOwner(baseUrl, adminKey);
    const shown = shownAddresses(simulator);
    return { baseUrl, consoleUrl, adminKey, metricsToken, application, simulator: shown, databaseUrl, redisUrl };
  }

  /** First those who use the others. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.api, ...this.workers].map((app) => app?.stop()));
    await this.simulator?.stop();
    await this.redis?.stop();
    await this.postgres?.stop();
  }

  private async apiPort(): Promise<number> {
    const { port } = this.config;
    if (port === 0) return choosePort(this.home.path('run', 'api.port'));
    if (!(await isPortFree(port))) throw new Error(`port ${port} is taken: set PORT to another one`);
    return port;
  }

  private async secrets(): Promise<{ masterKey: string; adminKey: string; metricsToken: string }> {
    const token = () => randomBytes(32).toString('base64url');
    const kept = (name: string, generate: () => string) => keptSecret(this.home.path(name), generate);
    return {
      masterKey: this.config.masterKey ?? (await kept('master-key', generateMasterKey)),
      adminKey: this.config.adminKey ?? (await kept('admin-key', token)),
      metricsToken: this.config.metricsToken ?? (await kept('metrics-token', token)),
    };
  }

  private async startPostgres(): Promise<string> {
    if (this.config.databaseUrl !== undefined) return this.config.databaseUrl;
    this.report('starting Postgres');
    // A restart must come back under the same address, which the others have been told.
    let port: number | undefined;
    const postgres = this.supervise('postgres', () =>
      startPostgres({
        dir: this.home.path('postgres'),
        logFile: this.home.logFile('postgres'),
        onLine: consoleErrors('postgres', /\b(FATAL|PANIC): +(?!the database system is|terminating)/, this.report),
        ...(port === undefined ? {} : { port }),
      }),
    );
    this.postgres = postgres;
    const running = await postgres.start();
    port = running.port;
    return running.url;
  }

  private async startRedis(): Promise<string> {
    if (this.config.redisUrl !== undefined) return this.config.redisUrl;
    this.report('starting Redis');
    let port: number | undefined;
    const redis = this.supervise('redis', () =>
      startRedis({
        dir: this.home.path('redis'),
        logFile: this.home.logFile('redis'),
        report: this.report,
        ...(port === undefined ? {} : { port }),
      }),
    );
    this.redis = redis;
    const running = await redis.start();
    port = running.port;
    return running.url;
  }

  private async startSimulator(): Promise<SimulatorAddresses> {
    this.report('starting the provider simulators');
    const { home, report } = this;
    const simulator = this.supervise('simulator', () =>
      startSimulatorProcess({ name: 'simulator', env: {}, home, report, stopGraceMs: SIMULATOR_STOP_GRACE_MS }),
    );
    this.simulator = simulator;
    return (await simulator.start()).addresses;
  }

  private async startApi(env: Record<string, string>, port: number, baseUrl: string): Promise<void> {
    const { host, apiProcesses } = this.config;
    const settings = { CARILLON_ROLE: 'api', API_PROCESSES: String(apiProcesses), HOST: host, PORT: String(port) };
    const options = this.app('api', { ...env, ...settings });
    this.api = this.supervise('api', (signal) => startReadyApp(options, `${baseUrl}/readyz`, signal));
    await this.api.start();
  }

  private async startWorkers(env: Record<string, string>): Promise<void> {
    for (const [i, worker] of this.config.workers.entries()) {
      const name = `worker-${i + 1}`;
      const port = await choosePort(this.home.path('run', `${name}.port`));
      // The certificate is the api's; a worker only says on loopback whether it is well.
      const health = {
        HOST: '127.0.0.1',
        WORKER_HEALTH_PORT: String(port),
        TLS_CERT_FILE: undefined,
        TLS_KEY_FILE: undefined,
      };
      const options = this.app(name, { ...env, ...workerEnvironment(worker), ...health });
      const healthUrl = `http://127.0.0.1:${port}/readyz`;
      this.workers.push(this.supervise(name, (signal) => startReadyApp(options, healthUrl, signal)));
    }
    await Promise.all(this.workers.map((worker) => worker.start()));
  }

  private app(name: string, env: AppOptions['env'], script = APP): AppOptions {
    const { home, report } = this;
    return { name, script, env, home, report, stopGraceMs: APP_STOP_GRACE_MS };
  }

  private supervise<T extends Running>(name: string, start: (signal: AbortSignal) => Promise<T>): Supervised<T> {
    // Whoever comes after the stop would be forgotten by it.
    this.stopping.signal.throwIfAborted();
    return new Supervised({ name, start, report: this.report, onRestarted: this.onPidsChanged });
  }
}
