import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Loop, startLoop } from '../lib/loop.js';
import { InboxRepository } from './inbox.repository.js';
import { RevocationsRepository } from './revocations.repository.js';

const INTERVAL_MS = 60_000;
/** Rows of one round at which there may be more. */
const FULL_ROUND = 5_000;

/** Forgets what has expired: messages of inboxes, and revocations of tokens that would be dead anyway. */
@Injectable()
export class RealtimeUpkeep implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('realtime');
  private loop: Loop | undefined;

  constructor(
    private readonly inboxes: InboxRepository,
    private readonly revocations: RevocationsRepository,
  ) {}

  onModuleInit(): void {
    // Nodes that were started together drift apart.
    this.loop = startLoop(
      INTERVAL_MS * (0.9 + Math.random() * 0.2),
      () => this.round(),
      (error) => this.logger.warn({ event: 'realtime.upkeep_failed', err: error }),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
  }

  /** @returns true when there is more to forget */
  async round(): Promise<boolean> {
    const removed = [await this.inboxes.purge(), await this.revocations.purge()];
    return Math.max(...removed) >= FULL_ROUND;
  }
}
