import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Grouped } from '../lib/grouped.js';
import { type Loop, startLoop } from '../lib/loop.js';
import { Connections } from './connections.js';
import { Hints } from './hints.js';
import { RedisLog } from './redis-log.js';
import { RevocationsRepository } from './revocations.repository.js';

/** Milliseconds between looks without a hint: with the look itself well below the two seconds that are promised. */
const LOOK_MS = 1_000;
/** Milliseconds between looks that hints ask for, however many tokens are revoked. */
const MIN_LOOK_MS = 50;
/** Seconds before the last look that a look takes in once more: what commits late is seen by the next one. */
const OVERLAP_SECONDS = 60;
const HINT_CHANNEL = 'carillon-rt-revoked';

/** Ends connections of this process whose token was revoked, on whichever node. Postgres tells; Redis only hurries. */
@Injectable()
export class Revocations implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('realtime');
  private readonly looks = new Grouped<undefined, undefined>(
    async (asked) => {
      await this.enforce();
      return asked;
    },
    { intervalMs: MIN_LOOK_MS },
  );
  private loop: Loop | undefined;
  private lookedMs = performance.now();

  constructor(
    private readonly revocations: RevocationsRepository,
    private readonly connections: Connections,
    private readonly hints: Hints,
    private readonly redisLog: RedisLog,
  ) {}

  onModuleInit(): void {
    void this.hints.listen(HINT_CHANNEL, () => this.lookNow());
    this.loop = startLoop(
      LOOK_MS,
      async () => {
        if (this.connections.size > 0) await this.enforce();
        else this.lookedMs = performance.now();
        return false;
      },
      (error) => this.logger.debug({ event: 'realtime.revocations_unknown', err: error }),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
  }

  /** Something was revoked: ended here at once, and on the other nodes as soon as they hear it. */
  announce(): void {
    this.lookNow();
    this.redisLog.hint(HINT_CHANNEL).catch(() => undefined);
  }

  private lookNow(): void {
    // The loop looks again if this one fails.
    if (this.connections.size > 0) this.looks.submit(undefined).catch(() => undefined);
  }

  private async enforce(): Promise<void> {
    const startedMs = performance.now();
    const secondsAgo = OVERLAP_SECONDS + Math.ceil((startedMs - this.lookedMs) / 1_000);
    this.connections.revoke(await this.revocations.since(secondsAgo));
    this.lookedMs = startedMs;
  }
}
