import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { type Loop, startLoop } from '../lib/loop.js';
import { type Broadcast, LiveService, type NoticeRoute } from '../notifications/live.service.js';
import { broadcastChannels, inboxOf } from './channel.js';
import { NoticesRepository } from './notices.repository.js';
import { RedisLog } from './redis-log.js';

/** Milliseconds between looks for what nobody announced here: what was scheduled, or left behind by a process that died. */
const LOOK_MS = 500;
/** Event of a notification's message. */
const NOTIFICATION_EVENT = 'notification';

/**
 * Takes what notifications owe to open screens to their channels. Runs where the screens are connected; any number of
 * processes may do it.
 */
@Injectable()
export class LiveDelivery implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('realtime');
  private loops: Loop[] = [];

  constructor(
    private readonly live: LiveService,
    private readonly notices: NoticesRepository,
    private readonly redisLog: RedisLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    const onError = (error: unknown) => this.logger.warn({ event: 'realtime.live_delivery_failed', err: error });
    // Apart, so that neither long lists of users nor a Redis that does not answer holds up what goes to a few.
    const loops: Record<NoticeRoute, Loop> = {
      few: startLoop(LOOK_MS, () => this.toInboxes('few'), onError),
      many: startLoop(LOOK_MS, () => this.toInboxes('many'), onError),
      broadcasts: startLoop(LOOK_MS, () => this.toBroadcasts(), onError),
    };
    this.loops = Object.values(loops);
    this.live.onDue((route) => loops[route].wake());
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }

  /** @returns true when there may be more */
  private async toInboxes(to: 'few' | 'many'): Promise<boolean> {
    const due = this.live.dueNotices(to);
    const keptHours = this.config.REALTIME_INBOX_HOURS;
    const { taken, expired, newest } = await this.notices.deliver(to, due, NOTIFICATION_EVENT, keptHours);
    if (expired > 0) this.logger.warn({ event: 'realtime.notices_expired', kind: 'users', count: expired });
    // No tails: most of these users are away, and whoever is here reads the message in Postgres.
    const hints = newest.map(({ applicationId, userId, position }) => ({
      channel: { applicationId, name: inboxOf(userId) },
      position,
    }));
    // Nobody waits for Redis here: without a hint readers look by themselves within seconds.
    this.redisLog.hintNewest(hints).catch((error: unknown) => {
      this.logger.debug({ event: 'realtime.hints_not_sent', err: error });
    });
    return taken > 0;
  }

  /** @returns true when there may be more */
  private async toBroadcasts(): Promise<boolean> {
    const broadcasts = await this.live.takeBroadcasts();
    if (broadcasts.length === 0) return false;
    const results = await Promise.allSettled(broadcasts.map((broadcast) => this.broadcast(broadcast)));
    const done = broadcasts.filter((_, i) => results[i]?.status === 'fulfilled');
    await this.live.removeBroadcasts(done.map(({ notificationId }) => notificationId));
    const postponed = broadcasts.length - done.length;
    if (postponed > 0) this.logger.warn({ event: 'realtime.broadcasts_postponed', count: postponed });
    return postponed === 0;
  }

  /** @throws whatever Redis throws; the broadcast is tried again until its time has passed */
  private async broadcast(broadcast: Broadcast): Promise<void> {
    const { notificationId, applicationId, kind, names, message, isExpired } = broadcast;
    if (isExpired) {
      this.logger.warn({ event: 'realtime.notices_expired', kind, applicationId, notificationId, count: 1 });
      return;
    }
    const entry = { event: NOTIFICATION_EVENT, data: message };
    const channels = broadcastChannels(kind, names);
    await Promise.all(channels.map((name) => this.redisLog.publish({ applicationId, name }, entry, notificationId)));
  }
}
