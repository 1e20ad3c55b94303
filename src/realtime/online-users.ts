import { randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { ChainableCommander } from 'ioredis';
import { CONFIG, type Config } from '../config/config.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { type Loop, startLoop } from '../lib/loop.js';
import { Connections, userOf } from './connections.js';
import { PresenceRedis } from './presence-redis.js';

const ROUND_MS = 1_000;
const BEATS_PER_LAPSE = 3;
const USERS_AT_ONCE = 1_000;
const RETRY_AFTER_SECONDS = 2;
/** The nodes whose lists there may be, a list of a node, and what every list has that was written as a whole. */
const NODES = 'carillon-rt-nodes';
const LIST_PREFIX = 'carillon-rt-online:';
const MARK = '#';

interface OnlineUser {
  connections: number;
  sinceMs: number;
  /** When the last connection ended; undefined while there is one. */
  goneMs: number | undefined;
}

/** Whether a user has connections, on whichever node. */
export interface UserPresence {
  online: boolean;
  connections: number;
  since: Date | undefined;
}

/**
 * Who has connections at all. Each node keeps a list of its own in Redis, which vanishes when the node does; whoever asks looks
 * into all of them.
 */
@Injectable()
export class OnlineUsers implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('realtime');
  private readonly node = randomBytes(6).toString('hex');
  private readonly users = new Map<string, OnlineUser>();
  private readonly gone = new Set<string>();
  private changed = new Set<string>();
  private isScheduled = false;
  private turn: Promise<unknown> = Promise.resolve();
  private isSound = false;
  private beganMs = Number.NEGATIVE_INFINITY;
  private readonly lapseMs: number;
  private readonly graceMs: number;
  private loop: Loop | undefined;

  constructor(
    @Inject(CONFIG) { REALTIME_PRESENCE_GRACE_SECONDS, REALTIME_PRESENCE_LAPSE_SECONDS }: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly connections: Connections,
    private readonly redis: PresenceRedis,
  ) {
    this.graceMs = REALTIME_PRESENCE_GRACE_SECONDS * 1_000;
    this.lapseMs = REALTIME_PRESENCE_LAPSE_SECONDS * 1_000;
  }

  onModuleInit(): void {
    this.connections.watch((user, connections) => this.count(user, connections));
    this.loop = startLoop(
      ROUND_MS,
      async () => {
        await this.inTurn(() => this.round());
        return false;
      },
      (error) => this.failed(error),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
    await this.turn;
  }

  /** @throws DomainError `realtime_unavailable` */
  async read(applicationId: string, userId: string): Promise<UserPresence> {
    const entries = await this.entriesOf(userOf({ applicationId, userId })).catch((error: unknown) => {
      this.logger.warn({ event: 'realtime.redis_away', err: error });
      const message = 'Whether the user is online cannot be told at the moment.';
      throw new DomainError('unavailable', 'realtime_unavailable', message, [], RETRY_AFTER_SECONDS);
    });
    if (entries.length === 0) return { online: false, connections: 0, since: undefined };
    const connections = entries.reduce((sum, entry) => sum + entry.connections, 0);
    return { online: true, connections, since: new Date(Math.min(...entries.map(({ sinceMs }) => sinceMs))) };
  }

  private count(name: string, connections: number): void {
    const user = this.users.get(name) ?? { connections: 0, sinceMs: this.clock.now().getTime(), goneMs: undefined };
    this.users.set(name, user);
    user.connections = connections;
    user.goneMs = connections > 0 ? undefined : performance.now();
    if (connections > 0) this.gone.delete(name);
    else this.gone.add(name);
    this.changed.add(name);
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => this.inTurn(() => this.writeChanges()).catch((error: unknown) => this.failed(error)));
  }

  private async round(): Promise<void> {
    for (const name of this.gone) {
      const { goneMs = 0 } = this.users.get(name) ?? {};
      if (performance.now() - goneMs < this.graceMs) continue;
      this.gone.delete(name);
      this.users.delete(name);
      this.changed.add(name);
    }
    if (!this.isSound || performance.now() - this.beganMs >= this.lapseMs / BEATS_PER_LAPSE) await this.beat();
    await this.writeChanges();
    this.isSound = true;
  }

  private async beat(): Promise<void> {
    this.beganMs = performance.now();
    const list = this.listOf(this.node);
    await this.redis.client.sadd(NODES, this.node);
    const [isWhole] = await inOneStep(this.redis.client.pipeline().hexists(list, MARK).pexpire(list, this.lapseMs));
    if (this.isSound && isWhole === 1) return;
    // Redis was away, or has lost the list.
    this.changed = new Set(this.users.keys());
    await inOneStep(this.redis.client.multi().del(list).hset(list, MARK, '').pexpire(list, this.lapseMs));
  }

  private async writeChanges(): Promise<void> {
    this.isScheduled = false;
    const names = [...this.changed];
    this.changed = new Set();
    for (let i = 0; i < names.length; i += USERS_AT_ONCE) {
      const pipeline = this.redis.client.pipeline();
      for (const name of names.slice(i, i + USERS_AT_ONCE)) this.write(pipeline, name);
      await inOneStep(pipeline.pexpire(this.listOf(this.node), this.lapseMs));
    }
  }

  private write(pipeline: ChainableCommander, name: string): void {
    const user = this.users.get(name);
    if (user === undefined) pipeline.hdel(this.listOf(this.node), name);
    else pipeline.hset(this.listOf(this.node), name, `${user.connections} ${user.sinceMs}`);
  }

  private async entriesOf(name: string): Promise<{ connections: number; sinceMs: number }[]> {
    const nodes = await this.redis.client.smembers(NODES);
    const pipeline = this.redis.client.pipeline();
    for (const node of nodes) pipeline.hmget(this.listOf(node), MARK, name);
    const entries: { connections: number; sinceMs: number }[] = [];
    const vanished: string[] = [];
    for (const [i, answer] of (await inOneStep(pipeline)).entries()) {
      const [mark, entry]: unknown[] = Array.isArray(answer) ? answer : [];
      if (mark === null) vanished.push(nodes[i] ?? '');
      if (typeof entry !== 'string') continue;
      const [connections, sinceMs] = entry.split(' ');
      entries.push({ connections: Number(connections), sinceMs: Number(sinceMs) });
    }
    // A node that was only slow puts itself back with its next heartbeat.
    if (vanished.length > 0) await this.redis.client.srem(NODES, ...vanished);
    return entries;
  }

  private listOf(node: string): string {
    return LIST_PREFIX + node;
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private failed(error: unknown): void {
    // The next round that succeeds writes the whole list.
    this.isSound = false;
    this.logger.debug({ event: 'realtime.online_not_written', err: error });
  }
}

/** The answers to several commands. */
async function inOneStep(commands: ChainableCommander): Promise<unknown[]> {
  return ((await commands.exec()) ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}
