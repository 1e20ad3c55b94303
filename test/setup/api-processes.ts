import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { guardian } from '../../src/embedded/guardian.js';
import { loopbackRequest } from '../../src/embedded/loopback-http.js';
import { ADMIN_KEY } from './app.js';
import { eventually } from './eventually.js';

const ROOT = resolve(import.meta.dirname, '../..');
const START_MS = 60_000;

/** What a test needs of a line that the service logged. */
export interface LogLine {
  event: string;
  pid: number;
  process?: string;
  lanes?: string;
  port?: number;
}

/** `dist/src/main.js` as an operator runs it, with its processes. */
export interface ApiProcesses {
  baseUrl: string;
  adminKey: string;
  /** Of the process that was started. */
  pid: number;
  lines(event: string): LogLine[];
  /** Of the process that serves under this name now, such as `api-1`. */
  pidOf(name: string): number;
  /** Every process that has started so far. */
  startedPids(): number[];
  /** One sample by its whole name with labels, such as `carillon_process_up{process="api-1"}`; undefined when it is not shown. */
  metric(sample: string): Promise<number | undefined>;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<number | null>;
  /** Ends it in order and waits. */
  stop(): Promise<void>;
}

export interface ApiProcessesOptions {
  database: string;
  redis: string;
  processes: number;
  env?: Readonly<Record<string, string>>;
}

/** Starts the api, in as many processes as are wanted, and waits until all of them are ready. */
export async function startApiProcesses(options: ApiProcessesOptions): Promise<ApiProcesses> {
  const { database, redis, processes, env = {} } = options;
  const child = spawn(process.execPath, [join(ROOT, 'dist/src/main.js')], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: database,
      REDIS_URL: redis,
      CARILLON_ROLE: 'api',
      API_PROCESSES: String(processes),
      CARILLON_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      CARILLON_ADMIN_KEY: ADMIN_KEY,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid ?? 0;
  guardian.guard(pid, 'SIGTERM');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const exited = new Promise<number | null>((settle) => {
    child.once('exit', (code) => {
      guardian.release(pid);
      settle(code);
    });
  });
  const lines = (event: string) => linesOf(output).filter((line) => line.event === event);
  const port = await eventually(
    () => {
      const serving = lines('service.started').filter((line) => line.port !== undefined);
      expect(serving.length, output).toBeGreaterThanOrEqual(processes);
      return serving[0]?.port ?? 0;
    },
    { timeoutMs: START_MS },
  );
  const baseUrl = `${env['TLS_CERT_FILE'] === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  await eventually(
    async () => {
      const answer = await loopbackRequest(`${baseUrl}/readyz`);
      expect(answer).toEqual({ status: 200, body: { status: 'ok', missing: {} } });
    },
    { timeoutMs: START_MS },
  );
  return {
    baseUrl,
    adminKey: ADMIN_KEY,
    pid,
    lines,
    pidOf: (name) => lines('service.started').findLast((line) => line.process === name)?.pid ?? 0,
    startedPids: () => lines('service.started').map((line) => line.pid),
    metric: async (sample) => {
      const { body } = await loopbackRequest(`${baseUrl}/metrics`);
      const line = String(body)
        .split('\n')
        .find((one) => one.startsWith(`${sample} `));
      return line === undefined ? undefined : Number(line.slice(sample.length));
    },
    kill: (signal) => child.kill(signal),
    exited,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The last line may not be whole yet. */
function linesOf(output: string): LogLine[] {
  const whole = output.slice(0, output.lastIndexOf('\n') + 1).split('\n');
  return whole.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
}
