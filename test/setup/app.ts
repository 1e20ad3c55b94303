import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Config, loadConfig } from '../../src/config/config.js';
import { startService } from '../../src/service.js';

export interface TestApi {
  /** Without a slash at the end. */
  baseUrl: string;
  /** A key of the whole installation; `?applicationId=` lets it call server routes. */
  adminKey: string;
  /** For `app.get(SomeService)`. */
  app: NestFastifyApplication;
  config: Config;
  close(): Promise<void>;
}

export interface TestApiOptions extends Partial<Config> {
  /** URL of a migrated database. */
  database: string;
  /** URL of a Redis database. */
  redis: string;
  /** Beside those of the role. */
  modules?: readonly Type[];
}

export const ADMIN_KEY = 'ad_test-0123456789abcdef0123456789abcdef';

/** The service over real HTTP on a free port, role `api` unless told; it logs errors alone. */
export async function startApi({ database, redis, modules = [], ...overrides }: TestApiOptions): Promise<TestApi> {
  const config: Config = {
    ...loadConfig({
      DATABASE_URL: database,
      REDIS_URL: redis,
      CARILLON_ROLE: 'api',
      CARILLON_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      CARILLON_ADMIN_KEY: ADMIN_KEY,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'error',
    }),
    ...overrides,
  };
  const service = await startService(config, modules);
  const scheme = config.TLS_CERT_FILE === undefined ? 'http' : 'https';
  return {
    baseUrl: `${scheme}://127.0.0.1:${service.port}`,
    adminKey: config.CARILLON_ADMIN_KEY ?? ADMIN_KEY,
    app: service.app,
    config,
    close: () => service.stop(),
  };
}

/** What a test needs of an answer. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test states what it expects of the body, field by field
  body: any;
}

/** One JSON request. `body` undefined: none is sent; an empty answer has the body `undefined`. */
export async function call(
  api: Pick<TestApi, 'baseUrl'>,
  method: string,
  path: string,
  options: { key?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(api.baseUrl + path, {
    method,
    headers: {
      ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : isJson ? JSON.parse(text) : text,
  };
}

/** A fresh application with a key of each role. */
export async function createApplication(
  api: Pick<TestApi, 'baseUrl' | 'adminKey'>,
  settings: Record<string, unknown> = {},
): Promise<{ id: string; clientKey: string; serverKey: string; adminKey: string }> {
  const made = await call(api, 'POST', '/v1/applications', { key: api.adminKey, body: { name: 'test', ...settings } });
  const keyOf = async (role: string): Promise<string> => {
    const path = `/v1/applications/${made.body.id}/keys`;
    return (await call(api, 'POST', path, { key: api.adminKey, body: { role } })).body.key;
  };
  const [clientKey, serverKey, adminKey] = await Promise.all([keyOf('client'), keyOf('server'), keyOf('admin')]);
  return { id: made.body.id, clientKey, serverKey, adminKey };
}
