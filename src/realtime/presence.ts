import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { type Loop, startLoop } from '../lib/loop.js';
import type { ChannelRef } from './channel.js';
import { Connections } from './connections.js';
import { PresenceLog, type Presentees } from './presence-log.js';
import { hintChannelOf } from './redis-log.js';

/** Milliseconds between looks for who has left: the most by which that comes late. */
const ROUND_MS = 1_000;
/** Heartbeats within the time after which a silent node counts as gone. */
const BEATS_PER_LAPSE = 3;
/** Users and channels of one round trip, about. */
const USERS_AT_ONCE = 5_000;
const CHANNELS_AT_ONCE = 500;
/** Users whom one answer names. */
const MAX_NAMED = 1_000;
const RETRY_AFTER_SECONDS = 2;

interface PresentUser {
  /** Of this process, in this channel. */
  connections: number;
  sinceMs: number;
  /** In which all nodes were last told; '' when they may not have been. */
  epoch: string;
}

interface Room {
  channel: ChannelRef;
  users: Map<string, PresentUser>;
}

/**
 * Who is present in which channel, as far as connections of this process make them so; Redis has it of all nodes.
 *
 * What is here is said again at every heartbeat, so that whatever Redis or a node loses is made good by the next one.
 */
@Injectable()
export class Presence implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('realtime');
  private readonly node = randomBytes(6).toString('hex');
  private readonly rooms = new Map<string, Room>();
  private readonly beatMs: number;
  private changed = new Map<string, Set<string>>();
  private isScheduled = false;
  /** What is written to Redis is written in turn: a heartbeat must not hold somebody who has just left. */
  private turn: Promise<unknown> = Promise.resolve();
  private beganMs = Number.NEGATIVE_INFINITY;
  private isSound = false;
  /** Redis was away, or this process stood still: it does not know yet who else is there. */
  private wasAway = false;
  /** From when on this node says of others that they have left. */
  private sweepsFromMs = Number.NEGATIVE_INFINITY;
  private loop: Loop | undefined;

  constructor(
    @Inject(CONFIG) { REALTIME_PRESENCE_LAPSE_SECONDS }: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly connections: Connections,
    private readonly log: PresenceLog,
  ) {
    this.beatMs = (REALTIME_PRESENCE_LAPSE_SECONDS * 1_000) / BEATS_PER_LAPSE;
  }

  onModuleInit(): void {
    this.loop = startLoop(
      ROUND_MS,
      () => this.round(),
      (error) => this.failed(error),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
    await this.turn;
  }

  /** A connection of the user follows the channel; {@link leave} as often. */
  enter(channel: ChannelRef, userId: string): void {
    const name = hintChannelOf(channel);
    const room = this.rooms.get(name) ?? { channel, users: new Map<string, PresentUser>() };
    this.rooms.set(name, room);
    const user = room.users.get(userId) ?? { connections: 0, sinceMs: this.clock.now().getTime(), epoch: '' };
    room.users.set(userId, user);
    user.connections += 1;
    if (user.connections === 1) this.change(name, userId);
  }

  leave(channel: ChannelRef, userId: string): void {
    const name = hintChannelOf(channel);
    const user = this.rooms.get(name)?.users.get(userId);
    if (user === undefined || user.connections === 0) return;
    user.connections -= 1;
    if (user.connections === 0) this.change(name, userId);
  }

  /**
   * Who is in a channel, on whichever node: at most 1,000 of them, and how many they are.
   *
   * @throws DomainError `realtime_unavailable`
   */
  read(channel: ChannelRef): Promise<Presentees> {
    return this.log.read(channel, MAX_NAMED).catch((error: unknown) => {
      this.logger.warn({ event: 'realtime.redis_away', err: error });
      const message = 'Who is present cannot be told at the moment.';
      throw new DomainError('unavailable', 'realtime_unavailable', message, [], RETRY_AFTER_SECONDS);
    });
  }

  private change(name: string, userId: string): void {
    const userIds = this.changed.get(name) ?? new Set();
    this.changed.set(name, userIds.add(userId));
    if (this.isScheduled) return;
    this.isScheduled = true;
    // Whoever comes back in the same breath has not left: a poll after a poll, a stream that is opened again.
    setImmediate(() => this.inTurn(() => this.writeChanges()).catch((error: unknown) => this.failed(error)));
  }

  private async writeChanges(): Promise<void> {
    this.isScheduled = false;
    const changed = this.changed;
    this.changed = new Map();
    const held: Room[] = [];
    const released: { channel: ChannelRef; userIds: string[] }[] = [];
    for (const [name, userIds] of changed) {
      const room = this.rooms.get(name);
      if (room === undefined) continue;
      const users = new Map([...userIds].flatMap((id) => entryOf(room, id)));
      const gone = [...users].filter(([, { connections }]) => connections === 0).map(([id]) => id);
      for (const id of gone) room.users.delete(id);
      if (room.users.size === 0) this.rooms.delete(name);
      // Of a node that stops everybody is held once more: they are told to come back, to another, within that time.
      if (!this.connections.isStopping) for (const id of gone) users.delete(id);
      if (users.size > 0) held.push({ channel: room.channel, users });
      if (gone.length > 0) released.push({ channel: room.channel, userIds: gone });
    }
    if (!this.connections.isStopping) await this.log.release(this.node, released);
    await this.hold(held);
  }

  /** @returns true when there is more to do at once */
  private async round(): Promise<boolean> {
    if (!this.isSound || performance.now() - this.beganMs >= this.beatMs) await this.beat();
    return performance.now() >= this.sweepsFromMs ? this.log.sweep() : false;
  }

  private async beat(): Promise<void> {
    const startedMs = performance.now();
    if (this.isSound && startedMs - this.beganMs > 2 * this.beatMs) this.wasAway = true;
    this.beganMs = startedMs;
    await this.log.ping();
    const names = [...this.rooms.keys()];
    while (names.length > 0) await this.inTurn(() => this.hold(this.nextPage(names)));
    this.isSound = true;
    if (!this.wasAway) return;
    this.wasAway = false;
    // What all nodes had said before may have lapsed meanwhile, and they need the time to say it again.
    this.sweepsFromMs = performance.now() + 1.5 * this.beatMs;
  }

  /** Takes names until there is enough for one round trip. */
  private nextPage(names: string[]): Room[] {
    const page: Room[] = [];
    let users = 0;
    while (page.length < CHANNELS_AT_ONCE && users < USERS_AT_ONCE) {
      const name = names.pop();
      if (name === undefined) break;
      const room = this.rooms.get(name);
      if (room === undefined) continue;
      const present = [...room.users].filter(([, { connections }]) => connections > 0);
      if (present.length > 0) page.push({ channel: room.channel, users: new Map(present) });
      users += present.length;
    }
    return page;
  }

  private async hold(rooms: readonly Room[]): Promise<void> {
    const held = rooms.map(({ channel, users }) => ({
      channel,
      users: [...users].map(([userId, { sinceMs, epoch }]) => ({ userId, sinceMs, epoch })),
    }));
    const epochs = await this.log.hold(this.node, held);
    for (const [i, { users }] of rooms.entries()) {
      for (const user of users.values()) user.epoch = epochs[i] ?? '';
    }
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private failed(error: unknown): void {
    // Redis is away, which readiness reports. The next heartbeat, in the next round, says everything again.
    this.wasAway ||= this.isSound;
    this.isSound = false;
    this.logger.debug({ event: 'realtime.presence_not_written', err: error });
  }
}

function entryOf({ users }: Room, userId: string): [string, PresentUser][] {
  const user = users.get(userId);
  return user === undefined ? [] : [[userId, user]];
}
