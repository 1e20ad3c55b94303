import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../lib/errors.js';
import type { CloseReason, Grant, Revocation } from './grant.js';
import { isRevokedBy } from './grant.js';

const BUSY_RETRY_AFTER_SECONDS = 5;
/** Milliseconds over which the clients of a node that stops come back: a few hundred a second, but nobody waits long. */
const MIN_SPREAD_MS = 2_000;
const MAX_SPREAD_MS = 30_000;
const SPREAD_MS_PER_CONNECTION = 5;

/** One client, whatever the transport. */
export interface Connection {
  readonly grant: Grant;
  close(reason: CloseReason): void;
  /** The node stops: the client is to come back, to another, after this time. Resolves when it was told, or cannot be. */
  reconnect(delayMs: number): Promise<void>;
}

/**
 * Hears whenever connections of a user come or go.
 *
 * @param user        `<application id> <user id>`
 * @param connections how many there are now
 */
export type ConnectionsWatcher = (user: string, connections: number) => void;

/** What one client takes of the limits of its address and of this process, whether or not it has said who it is. */
export class Place {
  private connection: Connection | undefined;
  private isFree = false;

  constructor(
    private readonly connections: Connections,
    private readonly ip: string,
  ) {}

  /**
   * Says who has it.
   *
   * @throws DomainError `too_many_connections`: 429 for a user's own; `shutting_down`
   */
  take(connection: Connection): void {
    this.connections.join(connection);
    this.connection = connection;
  }

  /** Nobody has it, and it still counts; doing it again does nothing. */
  leave(): void {
    if (this.connection) this.connections.part(this.connection);
    this.connection = undefined;
  }

  /** It is free again; doing it again does nothing. */
  giveBack(): void {
    this.leave();
    if (this.isFree) return;
    this.isFree = true;
    this.connections.free(this.ip);
  }
}

/** The clients of this process, counted against its limits. */
@Injectable()
export class Connections implements OnModuleDestroy {
  /** Lists, since most have one entry, and a set of one takes three times as much. */
  private readonly ofUser = new Map<string, Connection[]>();
  private readonly ofIp = new Map<string, number>();
  private count = 0;
  private stops = false;
  private watcher: ConnectionsWatcher | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  get size(): number {
    return this.count;
  }

  /** The clients were told to come back, to another node. */
  get isStopping(): boolean {
    return this.stops;
  }

  /** One watcher, from now on. */
  watch(watcher: ConnectionsWatcher): void {
    this.watcher = watcher;
  }

  /**
   * Counts a client of which nothing but its address is known.
   *
   * @throws DomainError `too_many_connections`: 429 for an address's own, 503 for the whole process's; `shutting_down`
   */
  open(ip: string): Place {
    this.checkPlaces(ip);
    this.ofIp.set(ip, (this.ofIp.get(ip) ?? 0) + 1);
    this.count += 1;
    return new Place(this, ip);
  }

  /**
   * Takes a client in.
   *
   * @returns its place, which ends the membership, too
   * @throws DomainError `too_many_connections`: 429 for a user's or an address's own, 503 for the whole process's;
   *         `shutting_down`
   */
  add(connection: Connection, ip: string): Place {
    const place = this.open(ip);
    try {
      place.take(connection);
      return place;
    } catch (error) {
      place.giveBack();
      throw error;
    }
  }

  /** For {@link Place}. */
  join(connection: Connection): void {
    this.checkStopping();
    const user = userOf(connection.grant);
    const { REALTIME_MAX_CONNECTIONS_PER_USER: most } = this.config;
    const members = this.ofUser.get(user);
    const count = members?.length ?? 0;
    if (count >= most) throw tooMany('limited', `A user may have ${most}.`);
    if (members) members.push(connection);
    else this.ofUser.set(user, [connection]);
    this.watcher?.(user, count + 1);
  }

  /** For {@link Place}. */
  part(connection: Connection): void {
    const user = userOf(connection.grant);
    const members = this.ofUser.get(user) ?? [];
    const at = members.indexOf(connection);
    if (at < 0) return;
    members.splice(at, 1);
    this.watcher?.(user, members.length);
    if (members.length === 0) this.ofUser.delete(user);
  }

  /** For {@link Place}. */
  free(ip: string): void {
    const left = (this.ofIp.get(ip) ?? 1) - 1;
    if (left === 0) this.ofIp.delete(ip);
    else this.ofIp.set(ip, left);
    this.count -= 1;
  }

  /** Ends what these revocations revoke. */
  revoke(revocations: readonly Revocation[]): void {
    const tokens = new Set<string>();
    for (const revocation of revocations) {
      const { applicationId, kind, subject } = revocation;
      if (kind === 'token') tokens.add(`${applicationId} ${subject}`);
      else for (const one of this.of(applicationId, subject)) if (isRevokedBy(one.grant, revocation)) revoke(one);
    }
    // Tokens are looked up among all, once for however many: another index would cost every connection.
    if (tokens.size === 0) return;
    for (const one of this.all()) if (tokens.has(`${one.grant.applicationId} ${one.grant.tokenId}`)) revoke(one);
  }

  /** Before the server stops listening: everybody is told when to come back, each at another moment. */
  async onModuleDestroy(): Promise<void> {
    this.stops = true;
    const spreadMs = Math.min(Math.max(MIN_SPREAD_MS, this.count * SPREAD_MS_PER_CONNECTION), MAX_SPREAD_MS);
    await Promise.all(this.all().map((connection) => connection.reconnect(Math.round(Math.random() * spreadMs))));
  }

  private of(applicationId: string, userId: string): Connection[] {
    return [...(this.ofUser.get(`${applicationId} ${userId}`) ?? [])];
  }

  private all(): Connection[] {
    return [...this.ofUser.values()].flatMap((members) => [...members]);
  }

  private checkPlaces(ip: string): void {
    this.checkStopping();
    const { REALTIME_MAX_CONNECTIONS, REALTIME_MAX_CONNECTIONS_PER_IP } = this.config;
    if (this.count >= REALTIME_MAX_CONNECTIONS) throw tooMany('unavailable', 'This node has as many as it can take.');
    if ((this.ofIp.get(ip) ?? 0) >= REALTIME_MAX_CONNECTIONS_PER_IP)
      throw tooMany('limited', `An address may have ${REALTIME_MAX_CONNECTIONS_PER_IP}.`);
  }

  private checkStopping(): void {
    if (this.stops) throw busy('unavailable', 'shutting_down', 'This node is shutting down.');
  }
}

function revoke(connection: Connection): void {
  connection.close('token_revoked');
}

/** A user among those of all applications. */
export function userOf({ applicationId, userId }: Pick<Grant, 'applicationId' | 'userId'>): string {
  return `${applicationId} ${userId}`;
}

function tooMany(kind: 'limited' | 'unavailable', which: string): DomainError {
  return busy(kind, 'too_many_connections', `Too many realtime connections. ${which}`);
}

function busy(kind: 'limited' | 'unavailable', code: string, message: string): DomainError {
  return new DomainError(kind, code, message, [], BUSY_RETRY_AFTER_SECONDS);
}
