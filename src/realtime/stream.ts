import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { RateLimiter } from '../http/rate-limit.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { type ChannelRef, inboxOf, userOfInbox } from './channel.js';
import { InboxRepository } from './inbox.repository.js';
import { type Continuation, continueAfter, type LogPage } from './message.js';
import type { Position } from './position.js';
import { type NewMessage, type PageLimits, RedisLog } from './redis-log.js';

/** One page of a replay: what a connection may hold at most, and no more, however many replay at once. */
const PAGE: PageLimits = { entries: 100, bytes: 131_072 };
const NOTHING: PageLimits = { entries: 0, bytes: 0 };
const RETRY_AFTER_SECONDS = 2;
const TURN_MS = 3_000;
/** Messages that a reserved channel keeps: each one replaces those before it. */
const RESERVED_MESSAGES = 10;

/**
 * One ordered log per channel of an application.
 *
 * Ordinary channels live in Redis, bounded in length and age. Inboxes (`user:<id>`) are numbered and kept in Postgres, and
 * Redis holds their tail: it may be away, wrong about the end, or empty, and nothing is lost.
 */
@Injectable()
export class RealtimeStream {
  private readonly logger = new Logger('realtime');
  private readonly rate: RateLimiter;
  private readonly process = randomUUID();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly redisLog: RedisLog,
    private readonly inboxes: InboxRepository,
  ) {
    this.rate = new RateLimiter(clock, config.REALTIME_PUBLISH_PER_SECOND);
  }

  /**
   * Appends a message; when this resolves, it has its place and every node is told.
   *
   * @throws DomainError `rate_limited`; `realtime_unavailable` when Redis does not take it, or not in time: then it is unknown
   *         whether readers get it; `application_not_found`
   */
  async publish(channel: ChannelRef, message: NewMessage): Promise<Position> {
    this.rate.take(channel.applicationId);
    const userId = userOfInbox(channel.name);
    if (userId === undefined) {
      return this.redisLog.publish(channel, message).catch((error: unknown) => {
        throw this.unavailable(error);
      });
    }
    const inbox = { applicationId: channel.applicationId, userId };
    const taken = await this.inboxes.append(inbox, message, this.config.REALTIME_INBOX_HOURS);
    if (!taken) throw new DomainError('not_found', 'application_not_found', 'The application is gone.');
    const { at, ...position } = taken;
    // Whoever is not told now looks by itself within seconds.
    await this.redisLog.appendTail(channel, position, message, at).catch((error: unknown) => {
      this.logger.debug({ event: 'realtime.tail_not_written', err: error });
    });
    return position;
  }

  /**
   * Whether it is this process that publishes to a reserved channel now. Whoever asks every second keeps the turn; when it no
   * longer does, the turn passes on after {@link TURN_MS}. Fails while Redis is away.
   */
  takeTurn(channel: ChannelRef): Promise<boolean> {
    return this.redisLog.takeTurn(channel, this.process, TURN_MS);
  }

  /** Publishes to a reserved channel, of which only the newest messages are kept. Fails while Redis is away. */
  publishReserved(channel: ChannelRef, message: NewMessage): Promise<Position> {
    return this.redisLog.publish(channel, message, undefined, RESERVED_MESSAGES);
  }

  /** The messages after a position, at most a page; empty at the end. Gaps are among them. Fails while the log is away. */
  async read(channel: ChannelRef, after: Position): Promise<Continuation> {
    const page = await this.page(channel, after);
    return continueAfter(channel.name, after, page, this.clock.now());
  }

  /** The position of the newest message. */
  async newest(channel: ChannelRef): Promise<Position> {
    const userId = userOfInbox(channel.name);
    if (userId !== undefined) return this.inboxes.newest({ applicationId: channel.applicationId, userId });
    const { epoch, lastSeq } = await this.redisLog.read(channel, { epoch: '', seq: 0 }, NOTHING);
    return { epoch, seq: lastSeq };
  }

  /** The newest positions of many ordinary channels, or of many inboxes; undefined where there is no log. */
  look(channels: readonly ChannelRef[], kind: 'ordinary' | 'inbox'): Promise<(Position | undefined)[]> {
    if (kind === 'ordinary') return this.redisLog.look(channels);
    const inboxes = channels.map(({ applicationId, name }) => ({ applicationId, userId: userOfInbox(name) ?? '' }));
    return this.inboxes.look(inboxes);
  }

  /** Removes a user's inbox. While Redis is away, the tail stays there for its last minutes. */
  async deleteInbox(applicationId: string, userId: string): Promise<void> {
    await this.inboxes.delete({ applicationId, userId });
    await this.redisLog.delete({ applicationId, name: inboxOf(userId) }).catch((error: unknown) => {
      this.logger.debug({ event: 'realtime.tail_not_deleted', err: error });
    });
  }

  private async page(channel: ChannelRef, after: Position): Promise<LogPage> {
    const userId = userOfInbox(channel.name);
    if (userId === undefined) return this.redisLog.read(channel, after, PAGE);
    const tail = await this.redisLog.readTail(channel, after, PAGE).catch(() => undefined);
    if (tail && leadsOn(tail, after)) return tail;
    return this.inboxes.read({ applicationId: channel.applicationId, userId }, after, PAGE);
  }

  private unavailable(error: unknown): DomainError {
    this.logger.warn({ event: 'realtime.redis_away', err: error });
    const message = 'The realtime log is not available; the message may not have been taken.';
    return new DomainError('unavailable', 'realtime_unavailable', message, [], RETRY_AFTER_SECONDS);
  }
}

/** True when a tail has something after a position, and nothing is missing in between. */
function leadsOn({ epoch, entries }: LogPage, after: Position): boolean {
  return epoch === after.epoch && entries[0]?.seq === after.seq + 1;
}
