import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type Loop, startLoop } from '../lib/loop.js';
import { type ChannelRef, OVERVIEW_CHANNEL } from '../realtime/channel.js';
import { Hub } from '../realtime/hub.js';
import { RealtimeTokensService } from '../realtime/realtime-tokens.service.js';
import { RealtimeStream } from '../realtime/stream.js';
import { OverviewService } from './overview.service.js';

/** Milliseconds between two snapshots. */
const INTERVAL_MS = 1_000;
/** Whoever watches longer asks for another token, and so shows that they still may. */
const TOKEN_SECONDS = 900;
export const OVERVIEW_EVENT = 'overview';

/**
 * Publishes the overview of each application that somebody watches. Of all processes one does it for an application, whichever
 * has the turn and a watcher of its own; where nobody watches, nothing is asked of anybody.
 */
@Injectable()
export class OverviewPublisher implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('overview');
  private loop: Loop | undefined;

  constructor(
    private readonly hub: Hub,
    private readonly stream: RealtimeStream,
    private readonly tokens: RealtimeTokensService,
    private readonly overview: OverviewService,
  ) {}

  onModuleInit(): void {
    this.loop = startLoop(
      INTERVAL_MS,
      async () => {
        await this.round();
        return false;
      },
      (error) => this.logger.debug({ event: 'overview.round_failed', err: error }),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
  }

  /** What lets somebody watch an application for a while. */
  async watch(applicationId: string): Promise<{ token: string; channel: string; expiresAt: string }> {
    const { token, grant } = await this.tokens.issueReserved(applicationId, OVERVIEW_CHANNEL, TOKEN_SECONDS);
    return { token, channel: OVERVIEW_CHANNEL, expiresAt: grant.expiresAt.toISOString() };
  }

  private async round(): Promise<void> {
    for (const channel of this.hub.followedReserved) {
      // One application's trouble is not another's.
      await this.publish(channel).catch((error: unknown) => {
        this.logger.debug({ event: 'overview.not_published', applicationId: channel.applicationId, err: error });
      });
    }
  }

  private async publish(channel: ChannelRef): Promise<void> {
    if (channel.name !== OVERVIEW_CHANNEL || !(await this.stream.takeTurn(channel))) return;
    const data = JSON.stringify(await this.overview.read(channel.applicationId));
    await this.stream.publishReserved(channel, { event: OVERVIEW_EVENT, data });
  }
}
