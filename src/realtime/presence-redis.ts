import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { CONFIG, type Config } from '../config/config.js';

/** Milliseconds for one command, at most; what is to be said of many users goes together. */
const MAX_COMMAND_MS = 3_000;
/** Commands that fit into the time after which a silent node counts as gone: whoever waits for longer knows that all were silent. */
const COMMANDS_PER_LAPSE = 6;
const CONNECT_TIMEOUT_MS = 2_000;

/** The connection over which nodes say who is there. One of its own: a heartbeat of many users must not hold up messages. */
@Injectable()
export class PresenceRedis implements OnApplicationShutdown {
  readonly client: Redis;
  /** Milliseconds after which a command has failed. */
  readonly commandMs: number;

  constructor(@Inject(CONFIG) { REDIS_URL, REALTIME_PRESENCE_LAPSE_SECONDS }: Config) {
    this.commandMs = Math.min(MAX_COMMAND_MS, (REALTIME_PRESENCE_LAPSE_SECONDS * 1_000) / COMMANDS_PER_LAPSE);
    this.client = new Redis(REDIS_URL, {
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      commandTimeout: this.commandMs,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
    });
    // Readiness reports that Redis is away; ioredis reconnects by itself.
    this.client.on('error', () => undefined);
  }

  onApplicationShutdown(): void {
    this.client.disconnect();
  }
}
