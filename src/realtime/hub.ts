import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Loop, startLoop } from '../lib/loop.js';
import { type ChannelRef, isReserved, userOfInbox } from './channel.js';
import { Feed } from './feed.js';
import { Hints } from './hints.js';
import { Presence } from './presence.js';
import { hintChannelOf } from './redis-log.js';
import { RealtimeStream } from './stream.js';

/** Milliseconds between looks at all followed channels: the most that a lost hint costs. */
const LOOK_MS = 5_000;
/** Milliseconds between looks at the inboxes while no hints arrive: Postgres alone has them then. */
const LOOK_WITHOUT_HINTS_MS = 1_000;
/** Inboxes that one statement asks for. */
const INBOXES_AT_ONCE = 1_000;

/** The channels that connections of this process follow: one feed each, however many follow it. */
@Injectable()
export class Hub implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('realtime');
  private readonly feeds = new Map<string, { feed: Feed; followers: number }>();
  private readonly reserved = new Map<string, ChannelRef>();
  private loop: Loop | undefined;
  private lookedMs = 0;

  constructor(
    private readonly stream: RealtimeStream,
    private readonly hints: Hints,
    /** Of those who follow the channels, and are to be seen there. */
    readonly presence: Presence,
  ) {}

  onModuleInit(): void {
    this.loop = startLoop(
      LOOK_WITHOUT_HINTS_MS,
      async () => {
        await this.round();
        return false;
      },
      (error) => this.logger.debug({ event: 'realtime.look_failed', err: error }),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    for (const { feed } of this.feeds.values()) feed.stop();
    this.feeds.clear();
    await this.loop?.stop();
  }

  /** How many channels this process follows. */
  get size(): number {
    return this.feeds.size;
  }

  /** Whether any connection of this process follows a channel. */
  isFollowed(channel: ChannelRef): boolean {
    return this.feeds.has(hintChannelOf(channel));
  }

  /** The reserved channels that somebody follows here. */
  get followedReserved(): readonly ChannelRef[] {
    return [...this.reserved.values()];
  }

  /** The feed of a channel; {@link release} it as often. */
  follow(channel: ChannelRef): Feed {
    const name = hintChannelOf(channel);
    const known = this.feeds.get(name);
    if (known) {
      known.followers += 1;
      return known.feed;
    }
    const feed = new Feed(channel, this.stream);
    this.feeds.set(name, { feed, followers: 1 });
    if (isReserved(channel.name)) this.reserved.set(name, channel);
    // The first look comes after the subscription, so that nothing falls between them.
    void this.hints.listen(name, (hint) => feed.touch(hint)).then(() => feed.touch());
    return feed;
  }

  release(feed: Feed): void {
    const name = hintChannelOf(feed.channel);
    const known = this.feeds.get(name);
    if (known?.feed !== feed) return;
    known.followers -= 1;
    if (known.followers > 0) return;
    this.feeds.delete(name);
    this.reserved.delete(name);
    this.hints.forget(name);
    feed.stop();
  }

  private async round(): Promise<void> {
    const nowMs = performance.now();
    const isDue = nowMs - this.lookedMs >= LOOK_MS;
    if (!isDue && this.hints.isConnected) return;
    this.lookedMs = nowMs;
    const feeds = [...this.feeds.values()].map(({ feed }) => feed);
    for (const feed of feeds) if (feed.position === undefined) feed.touch();
    const begun = feeds.filter(({ position }) => position !== undefined);
    const inboxes = begun.filter(({ channel }) => userOfInbox(channel.name) !== undefined);
    const ordinary = begun.filter(({ channel }) => userOfInbox(channel.name) === undefined);
    for (let i = 0; i < inboxes.length; i += INBOXES_AT_ONCE) {
      await this.compare(inboxes.slice(i, i + INBOXES_AT_ONCE), 'inbox');
    }
    if (ordinary.length > 0) await this.compare(ordinary, 'ordinary');
  }

  private async compare(feeds: readonly Feed[], kind: 'ordinary' | 'inbox'): Promise<void> {
    const channels = feeds.map(({ channel }) => channel);
    const newest = await this.stream.look(channels, kind);
    for (const [i, feed] of feeds.entries()) {
      const position = newest[i];
      if (position?.epoch !== feed.position?.epoch || position?.seq !== feed.position?.seq) feed.touch();
    }
  }
}
