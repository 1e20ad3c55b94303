import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { CONFIG, type Config } from '../config/config.js';
import type { ChannelRef } from './channel.js';
import type { LogEntry, LogPage } from './message.js';
import { formatId, type Position } from './position.js';
import { APPEND_TAIL, PUBLISH, READ, TAKE_TURN } from './redis-scripts.js';

/** Milliseconds for one command. Whoever waits gets an answer, and the log of an inbox is in Postgres. */
const COMMAND_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
const DAY_MS = 86_400_000;
/** Milliseconds that a log's epoch and number outlive its last message: longer than any token. */
export const META_KEPT_MS = 7 * DAY_MS;
/** Of a log without a message. */
const EMPTY_META_KEPT_MS = DAY_MS + 3_600_000;
/** Of what tells that a message was published before: longer than anybody tries again, unless Postgres is away that long. */
const ONCE_KEPT_MS = DAY_MS;
/** Positions that one look asks for in one round trip, and hints that go in one. */
const LOOK_AT_ONCE = 500;

const pageSchema = z
  .tuple([z.string(), z.number(), z.number(), z.array(z.string())])
  .transform(([epoch, lastSeq, more, flat]): LogPage => {
    const entries: LogEntry[] = [];
    for (let i = 0; i + 3 < flat.length; i += 4) {
      const [seq, event = '', data = '', at] = flat.slice(i, i + 4);
      entries.push({ seq: Number(seq), event, data, at: new Date(Number(at)) });
    }
    return { epoch, lastSeq, entries, hasMore: more === 1 };
  })
  .nullable();
const positionSchema = z.tuple([z.string(), z.number()]);

/** Entries and bytes of one page, at most; a page has at least one entry. */
export interface PageLimits {
  entries: number;
  bytes: number;
}

/** What is to be appended; `data` is JSON text. */
export interface NewMessage {
  event: string;
  data: string;
}

/** A new epoch. */
export function drawEpoch(): string {
  return randomBytes(6).toString('hex');
}

/** The name that one channel's hints have on Redis. */
export function hintChannelOf({ applicationId, name }: ChannelRef): string {
  return `carillon-rt:${applicationId}:${name}`;
}

/** Logs in Redis Streams: of ordinary channels the only one, of inboxes the tail. Every method fails while Redis is away. */
@Injectable()
export class RedisLog implements OnApplicationShutdown {
  private readonly redis: Redis;

  constructor(@Inject(CONFIG) private readonly config: Config) {
    this.redis = new Redis(config.REDIS_URL, {
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
    });
    // Readiness reports that Redis is away; ioredis reconnects by itself.
    this.redis.on('error', () => undefined);
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }

  /**
   * @param onceId stands for this very message: whoever publishes it again within a day changes nothing, unless Redis lost
   *               its data in between
   * @param kept   messages that the log holds, at most
   * @returns the position of the new message
   */
  async publish(
    channel: ChannelRef,
    message: NewMessage,
    onceId?: string,
    kept = this.config.REALTIME_LOG_MESSAGES,
  ): Promise<Position> {
    const { REALTIME_LOG_SECONDS: seconds } = this.config;
    const keys = onceId === undefined ? keysOf(channel) : [...keysOf(channel), onceKeyOf(channel, onceId)];
    const args = [drawEpoch(), message.event, message.data, kept, seconds * 1_000, META_KEPT_MS];
    const answer = await PUBLISH.run(this.redis, keys, [...args, hintChannelOf(channel), ONCE_KEPT_MS]);
    const [epoch, seq] = positionSchema.parse(answer);
    return { epoch, seq };
  }

  async appendTail(channel: ChannelRef, { epoch, seq }: Position, message: NewMessage, at: Date): Promise<void> {
    const { REALTIME_LOG_MESSAGES: kept, REALTIME_LOG_SECONDS: seconds } = this.config;
    const args = [epoch, seq, message.event, message.data, at.getTime(), kept, seconds * 1_000];
    await APPEND_TAIL.run(this.redis, keysOf(channel), [...args, hintChannelOf(channel)]);
  }

  /** Of a channel that had no message yet, too; it then gets its epoch. */
  async read(channel: ChannelRef, after: Position, limits: PageLimits): Promise<LogPage> {
    const page = await this.page(channel, drawEpoch(), after, limits);
    if (page === null) throw new Error('a log without an epoch was read');
    return page;
  }

  /** @returns undefined when there is no tail */
  async readTail(channel: ChannelRef, after: Position, limits: PageLimits): Promise<LogPage | undefined> {
    return (await this.page(channel, '', after, limits)) ?? undefined;
  }

  /** The newest positions, in the order of the channels; undefined for a log that is not there. Keeps the logs' epochs alive. */
  async look(channels: readonly ChannelRef[]): Promise<(Position | undefined)[]> {
    const positions: (Position | undefined)[] = [];
    for (let i = 0; i < channels.length; i += LOOK_AT_ONCE) {
      const pipeline = this.redis.pipeline();
      for (const channel of channels.slice(i, i + LOOK_AT_ONCE)) {
        const [meta] = keysOf(channel);
        pipeline.hmget(meta, 'e', 's').pexpire(meta, META_KEPT_MS);
      }
      const answers = (await pipeline.exec()) ?? [];
      for (const [index, [error, answer]] of answers.entries()) {
        if (error) throw error;
        if (index % 2 === 1 || !Array.isArray(answer)) continue;
        const [epoch, seq] = answer;
        positions.push(typeof epoch === 'string' ? { epoch, seq: Number(seq) } : undefined);
      }
    }
    return positions;
  }

  async delete(channel: ChannelRef): Promise<void> {
    await this.redis.del(...keysOf(channel));
  }

  /** Tells every node which message of each channel is the newest. */
  async hintNewest(newest: readonly { channel: ChannelRef; position: Position }[]): Promise<void> {
    for (let i = 0; i < newest.length; i += LOOK_AT_ONCE) {
      const pipeline = this.redis.pipeline();
      for (const { channel, position } of newest.slice(i, i + LOOK_AT_ONCE)) {
        pipeline.publish(hintChannelOf(channel), formatId(position));
      }
      await pipeline.exec();
    }
  }

  /** True when nobody else has the turn at a channel; it is the holder's for so long then. */
  async takeTurn(channel: ChannelRef, holder: string, forMs: number): Promise<boolean> {
    return (await TAKE_TURN.run(this.redis, [`${keyPrefixOf(channel)}:turn`], [holder, forMs])) === 1;
  }

  /** Tells every node that something happened. */
  async hint(name: string): Promise<void> {
    await this.redis.publish(name, '');
  }

  private async page(channel: ChannelRef, newEpoch: string, after: Position, limits: PageLimits) {
    const args = [newEpoch, EMPTY_META_KEPT_MS, after.epoch, after.seq, limits.entries, limits.bytes];
    return pageSchema.parse(await READ.run(this.redis, keysOf(channel), args));
  }
}

/** What the keys of one channel begin with. The braces keep them on one node of a Redis Cluster, where scripts may use them together. */
export function keyPrefixOf({ applicationId, name }: ChannelRef): string {
  return `{carillon-rt:${applicationId}:${name}}`;
}

export function keysOf(channel: ChannelRef): [meta: string, log: string] {
  const prefix = keyPrefixOf(channel);
  return [`${prefix}:meta`, `${prefix}:log`];
}

function onceKeyOf(channel: ChannelRef, onceId: string): string {
  return `${keyPrefixOf(channel)}:once:${onceId}`;
}
