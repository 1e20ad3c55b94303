import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type Loop, startLoop } from '../lib/loop.js';
import { Producers } from '../queue/producers.js';
import { HistoryRepository } from './history.repository.js';
import { MessagesRepository } from './messages.repository.js';
import { WebhookSender } from './sender.js';

const FEED_MS = 100;
const PURGE_MS = 60_000;
/** Days that ended messages and attempts are kept, and what a disabled webhook is owed. */
const RETENTION_DAYS = 30;
/**
 * A slow receiver takes no more than its own few places, and one that fails fewer still. Two feeders at the very same moment
 * may each count what the other has not committed, and once give a webhook twice as many.
 */
const LIMITS = { total: 200, perWebhook: 16, perFailing: 2, leaseMs: 20_000 };

/** Hands out what is due, and forgets what is old. Workers with WORKER_BACKGROUND only. */
@Injectable()
export class SendingLoops implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(SendingLoops.name);
  private loops: Loop[] = [];

  constructor(
    private readonly messages: MessagesRepository,
    private readonly history: HistoryRepository,
    private readonly producers: Producers,
    private readonly sender: WebhookSender,
  ) {}

  onApplicationBootstrap(): void {
    this.loops = [
      this.loop('webhook_feed', FEED_MS, () => this.feed()),
      this.loop('webhook_purge', PURGE_MS, async () => (await this.history.purge(RETENTION_DAYS)) > 0),
    ];
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.loops.map((loop) => loop.stop()), this.sender.drain()]);
  }

  /** Resolves to true when there is more. */
  private async feed(): Promise<boolean> {
    const jobs = await this.messages.feed(LIMITS);
    if (jobs.length === 0) return false;
    try {
      await this.producers.webhooks(jobs);
    } catch (error) {
      await this.messages.release(jobs);
      throw error;
    }
    return jobs.length === LIMITS.total;
  }

  private loop(name: string, intervalMs: number, round: () => Promise<boolean>): Loop {
    return startLoop(intervalMs, round, (error) => {
      this.logger.warn({ event: `${name}.failed`, reason: error instanceof Error ? error.message : String(error) });
    });
  }
}
