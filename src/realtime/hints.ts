import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { CONFIG, type Config } from '../config/config.js';

const CONNECT_TIMEOUT_MS = 2_000;
const KEEP_ALIVE_MS = 10_000;

/** Gets what the hint says; nothing when some may have been missed. */
export type HintListener = (hint?: string) => void;

/**
 * The one connection of this process that hears when something happened elsewhere. A hint says only where to look: what is
 * lost while Redis is away costs time, never a message.
 */
@Injectable()
export class Hints implements OnApplicationShutdown {
  private readonly redis: Redis;
  private readonly listeners = new Map<string, HintListener>();
  private isClosed = false;

  constructor(@Inject(CONFIG) config: Config) {
    this.redis = new Redis(config.REDIS_URL, {
      lazyConnect: true,
      maxRetriesPerRequest: 1,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      autoResubscribe: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: CONNECT_TIMEOUT_MS,
      keepAlive: KEEP_ALIVE_MS,
      retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
    });
    this.redis.on('error', () => undefined);
    this.redis.on('message', (name: string, hint: string) => this.listeners.get(name)?.(hint));
    this.redis.on('ready', () => this.resubscribe());
    this.redis.connect().catch(() => undefined);
  }

  onApplicationShutdown(): void {
    this.isClosed = true;
    this.redis.disconnect();
  }

  /** Whether hints arrive, as far as is known. */
  get isConnected(): boolean {
    return this.redis.status === 'ready';
  }

  /** Calls `listener` at each hint of this name, and once whenever some may have been missed. One listener a name. */
  async listen(name: string, listener: HintListener): Promise<void> {
    this.listeners.set(name, listener);
    if (this.isConnected) await this.redis.subscribe(name).catch(() => undefined);
  }

  forget(name: string): void {
    this.listeners.delete(name);
    if (this.isConnected) this.redis.unsubscribe(name).catch(() => undefined);
  }

  private resubscribe(): void {
    if (this.isClosed) return;
    const names = [...this.listeners.keys()];
    const subscribed = names.length === 0 ? Promise.resolve() : this.redis.subscribe(...names);
    subscribed.then(
      () => {
        for (const name of names) this.listeners.get(name)?.();
      },
      () => undefined,
    );
  }
}
