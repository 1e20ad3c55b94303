import { z } from 'zod';
import { LANES, type Lane } from '../lib/names.js';
import { defaultWorkerProcesses, shareOut, type WorkerProcess } from './worker-processes.js';

/** Nest injection token for {@link Config}. */
export const CONFIG = Symbol('Config');

const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
/** In the order of urgency, each once; `none` alone for no lane. */
const lanes = z
  .string()
  .transform((value) => value.split(',').map((item) => item.trim()))
  .pipe(z.union([z.tuple([z.literal('none')]).transform((): Lane[] => []), z.array(z.enum(LANES)).min(1)]))
  .transform((given) => LANES.filter((lane) => given.includes(lane)));
const count = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

const environmentSchema = z.object({
  PORT: count(8080, 0, 65_535),
  HOST: z.string().default('0.0.0.0'),
  CARILLON_ROLE: z.enum(['all', 'api', 'worker']).default('all'),
  TRUST_PROXY: z
    .string()
    .default('false')
    .transform((value) => (value === 'true' || value === 'false' ? value === 'true' : value)),
  API_PROCESSES: count(1, 1, 64),
  /** Set by the process that forks several: which of them this one is. */
  API_PROCESS: z.string().optional(),
  WORKER_LANES: lanes.default([...LANES]),
  WORKER_PROCESSES: count(defaultWorkerProcesses(), 1, 64),
  WORKER_BACKGROUND: flag.default(true),
  WORKER_HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  CARILLON_MASTER_KEY: z
    .string()
    .refine((value) => Buffer.from(value, 'base64').length === 32, 'must be 32 bytes in base64')
    .transform((value) => Buffer.from(value, 'base64')),
  CARILLON_ADMIN_KEY: z.string().min(16).optional(),
  METRICS_TOKEN: z.string().min(1).optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  DATABASE_POOL_SIZE: count(10, 3, 200),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  REDIS_ALLOW_EVICTION: flag.default(false),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  TLS_CERT_FILE: z.string().optional(),
  TLS_KEY_FILE: z.string().optional(),
  FCM_BASE_URL: z.url().default('https://fcm.googleapis.com'),
  APNS_BASE_URL: z.url().default('https://api.push.apple.com'),
  APNS_SANDBOX_BASE_URL: z.url().default('https://api.sandbox.push.apple.com'),
  PROVIDER_TRANSPORT: z.enum(['wire', 'node']).default('wire'),
  PROVIDER_CA_FILE: z.string().optional(),
  WEBPUSH_ALLOWED_HOSTS: list.default([]),
  WEBPUSH_ALLOW_INSECURE: flag.default(false),
  WEBHOOK_ALLOW_INSECURE: flag.default(false),
  SIMULATOR_FCM_URL: z.url().optional(),
  SIMULATOR_APNS_URL: z.url().optional(),
  SIMULATOR_APNS_SANDBOX_URL: z.url().optional(),
  SIMULATOR_WEBPUSH_URLS: list.default([]),
  SIMULATOR_CA_FILE: z.string().optional(),
  DEMO_FILE: z.string().optional(),
  APNS_UNAVAILABLE_MIN_DELAY_SECONDS: count(900, 0, 86_400),
  DISPATCH_WINDOW: count(200, 1, 10_000),
  DISPATCH_CONCURRENCY: count(16, 1, 64),
  REQUEST_TIMEOUT_SECONDS: count(10, 1, 15),
  ATTEMPT_RETENTION_DAYS: count(30, 1, 3650),
  NOTIFICATION_RETENTION_DAYS: count(35, 1, 3650),
  MAX_BODY_BYTES: count(1_048_576, 1024, 104_857_600),
  RATE_LIMIT_PER_SECOND: count(0, 0, 1_000_000),
  CONSOLE_SESSION_IDLE_HOURS: count(12, 1, 720),
  CONSOLE_SESSION_DAYS: count(7, 1, 90),
  CONSOLE_LINK_HOURS: count(24, 1, 168),
  REALTIME_MAX_CONNECTIONS: count(20_000, 1, 1_000_000),
  REALTIME_MAX_CONNECTIONS_PER_USER: count(20, 1, 100_000),
  REALTIME_MAX_CONNECTIONS_PER_IP: count(1_000, 1, 1_000_000),
  REALTIME_PUBLISH_PER_SECOND: count(1_000, 0, 1_000_000),
  REALTIME_LOG_MESSAGES: count(1_000, 10, 100_000),
  REALTIME_LOG_SECONDS: count(600, 1, 86_400),
  REALTIME_INBOX_HOURS: count(168, 1, 8_760),
  REALTIME_PRESENCE_GRACE_SECONDS: count(5, 1, 300),
  REALTIME_PRESENCE_LAPSE_SECONDS: count(30, 3, 600),
});

/** Everything that can be set from outside, parsed. The table in the README describes each name. */
export type Config = z.infer<typeof environmentSchema>;

/**
 * The configuration, from the environment. Empty values count as absent.
 *
 * @throws Error one line per wrong variable, naming it
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  return parse(environmentSchema, environment);
}

/** The worker processes that this machine is to run; one alone stands for all the lanes. @throws Error as {@link loadConfig} */
export function loadWorkerProcesses(environment: NodeJS.ProcessEnv = process.env): WorkerProcess[] {
  const { WORKER_LANES, WORKER_PROCESSES, WORKER_BACKGROUND } = parse(
    environmentSchema.pick({ WORKER_LANES: true, WORKER_PROCESSES: true, WORKER_BACKGROUND: true }),
    environment,
  );
  return shareOut(WORKER_LANES, WORKER_PROCESSES, WORKER_BACKGROUND);
}

/** How many processes are to serve the api's port; 1: whoever starts the api serves it. @throws Error as {@link loadConfig} */
export function loadApiProcesses(environment: NodeJS.ProcessEnv = process.env): number {
  return parse(environmentSchema.pick({ API_PROCESSES: true }), environment).API_PROCESSES;
}

/** The database alone, for the process that only migrates. */
export function loadDatabaseUrl(environment: NodeJS.ProcessEnv = process.env): string {
  return environmentSchema.shape.DATABASE_URL.parse(environment['DATABASE_URL']);
}

function parse<Schema extends z.ZodType>(schema: Schema, environment: NodeJS.ProcessEnv): z.infer<Schema> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`the configuration is wrong:\n${lines.join('\n')}`);
  }
  return parsed.data;
}
