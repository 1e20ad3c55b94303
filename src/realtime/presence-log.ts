import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { CONFIG, type Config } from '../config/config.js';
import type { ChannelRef } from './channel.js';
import { PresenceRedis } from './presence-redis.js';
import { HOLD, NOTE_DUE, RELEASE, SWEEP, TAKE_DUE } from './presence-scripts.js';
import { drawEpoch, hintChannelOf, keyPrefixOf, keysOf, META_KEPT_MS } from './redis-log.js';
import type { RedisScript, ScriptCall } from './redis-scripts.js';

/** Milliseconds that a channel in which nothing happens any more is remembered. */
const KEPT_MS = 86_400_000;
const USERS_PER_CALL = 500;
const CALLS_AT_ONCE = 500;
const HOLDS_PER_SWEEP = 500;
const SWEEPS_AT_ONCE = 200;
/** Times after which a silent node counts as gone; then somebody else sweeps what was taken and not swept. */
const TAKEN_LAPSES = 2;
const DUE = 'carillon-rt-presence-due';

const lookSchema = z
  .tuple([z.string(), z.string(), z.number()])
  .transform(([epoch, next, more]) => ({ epoch, next, hasMore: more === 1 }));
type Look = z.infer<typeof lookSchema>;
const dueSchema = z.tuple([z.string(), z.number(), z.array(z.string())]);

/** Users of one channel whom a node holds there. */
export interface Held {
  channel: ChannelRef;
  users: readonly { userId: string; sinceMs: number; epoch: string }[];
}

/** Users of one channel whom a node holds there no longer. */
export interface Released {
  channel: ChannelRef;
  userIds: readonly string[];
}

interface Call {
  channel: ChannelRef;
  args: readonly (string | number)[];
}

/** Who is in a channel, as it was announced there. */
export interface Presentees {
  /** The first that came, as many as were asked for. */
  users: { userId: string; since: Date }[];
  count: number;
}

/** Who is present where, in Redis, and announced in each channel's own log. Every method fails while Redis is away. */
@Injectable()
export class PresenceLog {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly redis: PresenceRedis,
  ) {}

  async ping(): Promise<void> {
    await this.redis.client.ping();
  }

  /**
   * Holds users for the time after which a silent node counts as gone; whoever was not there joins.
   *
   * @returns the epoch of each channel's log, in their order; '' where there is none yet
   */
  async hold(node: string, held: readonly Held[]): Promise<string[]> {
    const lapseMs = this.config.REALTIME_PRESENCE_LAPSE_SECONDS * 1_000;
    const calls = held.flatMap(({ channel, users }, place) => {
      return pagesOf(users, USERS_PER_CALL).map((page) => {
        const args = page.flatMap(({ userId, sinceMs, epoch }) => [userId, sinceMs, epoch]);
        return { channel, place, args: [node, lapseMs, ...args] };
      });
    });
    const looks = await this.run(HOLD, calls);
    const epochs = held.map(() => '');
    for (const [i, { epoch }] of looks.entries()) epochs[calls[i]?.place ?? 0] = epoch;
    return epochs;
  }

  /** Lets users leave after the time of grace, unless another node holds them, or this one does again. */
  async release(node: string, released: readonly Released[]): Promise<void> {
    const graceMs = this.config.REALTIME_PRESENCE_GRACE_SECONDS * 1_000;
    const calls = released.flatMap(({ channel, userIds }) => {
      return pagesOf(userIds, USERS_PER_CALL).map((page) => ({ channel, args: [node, graceMs, ...page] }));
    });
    await this.run(RELEASE, calls);
  }

  /**
   * Lets those leave whose time is over, in some of the channels where there are such.
   *
   * @returns true when there may be more of them
   */
  async sweep(): Promise<boolean> {
    const takenMs = this.config.REALTIME_PRESENCE_LAPSE_SECONDS * 1_000 * TAKEN_LAPSES;
    const due = await TAKE_DUE.run(this.redis.client, [DUE], [SWEEPS_AT_ONCE, takenMs]);
    const [taken, nowMs, names] = dueSchema.parse(due);
    if (names.length === 0) return false;
    const args = [HOLDS_PER_SWEEP, nowMs + this.redis.commandMs];
    const calls = names.map((name) => ({ channel: channelNamed(name), args }));
    const looks = await this.run(SWEEP, calls, taken);
    return names.length === SWEEPS_AT_ONCE || looks.some(({ hasMore }) => hasMore);
  }

  /** @param limit users to name, at most */
  async read(channel: ChannelRef, limit: number): Promise<Presentees> {
    const { who } = presenceKeysOf(channel);
    const answers = await this.redis.client
      .multi()
      .zrange(who, 0, limit - 1, 'WITHSCORES')
      .zcard(who)
      .exec();
    const flat = z.array(z.string()).parse(answers?.[0]?.[1]);
    const users: Presentees['users'] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) {
      users.push({ userId: flat[i] ?? '', since: new Date(Number(flat[i + 1])) });
    }
    return { users, count: z.number().parse(answers?.[1]?.[1]) };
  }

  /** @param taken score of channels that were taken to be swept */
  private async run(script: RedisScript, calls: readonly Call[], taken = ''): Promise<Look[]> {
    const looks: Look[] = [];
    for (const page of pagesOf(calls, CALLS_AT_ONCE)) {
      const scriptCalls = page.map(({ channel, args }) => this.callOf(channel, args));
      const answers = await script.runAll(this.redis.client, scriptCalls);
      const found = answers.map((answer) => lookSchema.parse(answer));
      // Of a channel with several calls the last one knows best.
      const next = new Map(page.map(({ channel }, i) => [nameOf(channel), found[i]?.next ?? '']));
      await NOTE_DUE.run(this.redis.client, [DUE], [taken, ...[...next].flat()]);
      looks.push(...found);
    }
    return looks;
  }

  private callOf(channel: ChannelRef, args: readonly (string | number)[]): ScriptCall {
    const { REALTIME_LOG_MESSAGES: kept, REALTIME_LOG_SECONDS: seconds } = this.config;
    const { who, holds, tally } = presenceKeysOf(channel);
    const common = [drawEpoch(), kept, seconds * 1_000, META_KEPT_MS, hintChannelOf(channel), KEPT_MS];
    return { keys: [...keysOf(channel), who, holds, tally], args: [...common, ...args] };
  }
}

function presenceKeysOf(channel: ChannelRef): { who: string; holds: string; tally: string } {
  const prefix = keyPrefixOf(channel);
  return { who: `${prefix}:who`, holds: `${prefix}:holds`, tally: `${prefix}:tally` };
}

/** A channel among those of all applications. */
function nameOf({ applicationId, name }: ChannelRef): string {
  return `${applicationId}:${name}`;
}

function channelNamed(name: string): ChannelRef {
  const at = name.indexOf(':');
  return { applicationId: name.slice(0, at), name: name.slice(at + 1) };
}

function pagesOf<Item>(items: readonly Item[], size: number): Item[][] {
  const pages: Item[][] = [];
  for (let i = 0; i < items.length; i += size) pages.push(items.slice(i, i + size));
  return pages;
}
