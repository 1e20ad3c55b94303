import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { pendingMigrations } from '../database/migration-state.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { Readiness } from './readiness.js';

/** Milliseconds for one command to Redis, connecting included. */
const REDIS_TIMEOUT_MS = 1_500;

/** The checks that every role needs: the database, its schema, and Redis. */
@Injectable()
export class BaseReadiness implements OnModuleInit, OnApplicationShutdown {
  private readonly redis: Redis;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly readiness: Readiness,
  ) {
    this.redis = new Redis(config.REDIS_URL, {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      connectTimeout: REDIS_TIMEOUT_MS,
      commandTimeout: REDIS_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
    });
    // Without a listener ioredis prints every failed reconnect; the check reports it where it matters.
    this.redis.on('error', () => undefined);
  }

  onModuleInit(): void {
    this.readiness.register('database', () => this.checkDatabase());
    this.readiness.register('redis', () => this.checkRedis());
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }

  private async checkDatabase(): Promise<string | undefined> {
    const pending = await pendingMigrations(this.dataSource);
    return pending.length === 0 ? undefined : `migrations are missing: ${pending.join(', ')}`;
  }

  private async checkRedis(): Promise<string | undefined> {
    if (this.redis.status === 'wait') await this.redis.connect();
    const info = await this.redis.info('memory');
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (this.config.REDIS_ALLOW_EVICTION || policy === undefined || policy === 'noeviction') return undefined;
    return `maxmemory-policy is ${policy}, not noeviction: Redis may drop queue entries (REDIS_ALLOW_EVICTION=true accepts that)`;
  }
}
