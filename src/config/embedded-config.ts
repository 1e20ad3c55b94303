import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadApiProcesses, loadWorkerProcesses } from './config.js';
import type { WorkerProcess } from './worker-processes.js';

/** What `npm start` needs to know before it can start anything. Secrets that are absent are generated and kept in `home`. */
export interface EmbeddedConfig {
  /** Absolute path of the data folder. */
  home: string;
  /** Default loopback: the keys of a trial installation have no business on the network. */
  host: string;
  /** 0: a free one, kept for the next start. */
  port: number;
  /** The api serves HTTPS. */
  isTls: boolean;
  /** Given: used instead of a private Postgres. */
  databaseUrl: string | undefined;
  /** Given: used instead of a private Redis. */
  redisUrl: string | undefined;
  /** Processes that serve the port. */
  apiProcesses: number;
  workers: readonly WorkerProcess[];
  masterKey: string | undefined;
  adminKey: string | undefined;
  metricsToken: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws Error with a sentence for the person who set the variable */
export function readEmbeddedConfig(env: Environment = process.env): EmbeddedConfig {
  return {
    home: resolve(optional(env, 'CARILLON_HOME') ?? '.carillon'),
    host: optional(env, 'HOST') ?? '127.0.0.1',
    port: integer(env, 'PORT', 8080, 0, 65_535),
    isTls: optional(env, 'TLS_CERT_FILE') !== undefined,
    databaseUrl: optional(env, 'DATABASE_URL'),
    redisUrl: optional(env, 'REDIS_URL'),
    apiProcesses: loadApiProcesses(env),
    workers: loadWorkerProcesses(env),
    masterKey: optional(env, 'CARILLON_MASTER_KEY'),
    adminKey: optional(env, 'CARILLON_ADMIN_KEY'),
    metricsToken: optional(env, 'METRICS_TOKEN'),
  };
}

/** Folder, shared by all clones of one person, that keeps downloaded server binaries. It may not exist or not be writable. */
export function userCacheDir(env: Environment = process.env): string {
  return join(optional(env, 'XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'carillon');
}

/** The value of `PATH`, for looking up a program that the machine already has. */
export function executableSearchPath(env: Environment = process.env): string {
  return env['PATH'] ?? '';
}

/** The environment that a child process gets: ours, plus `extra`, where `undefined` removes a variable. */
export function childEnvironment(extra: Environment = {}, env: Environment = process.env): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...env, ...extra })) {
    if (value !== undefined) merged[name] = value;
  }
  return merged;
}

/** 32 random bytes, base64: the shape of `CARILLON_MASTER_KEY`. */
export function generateMasterKey(): string {
  return randomBytes(32).toString('base64');
}

function optional(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function integer(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = optional(env, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}
