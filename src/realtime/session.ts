import { isPresentIn, mayFollow } from './channel.js';
import type { CloseReason, Grant } from './grant.js';
import { channelOf } from './grant.js';
import type { Hub } from './hub.js';
import type { StreamMessage } from './message.js';
import { type Cursor, formatCursor, positionIn, tagOf } from './position.js';
import type { RealtimeStream } from './stream.js';
import { Subscription } from './subscription.js';

/** Seconds before the end at which a client is told, unless it had less from the start. */
const WARN_SECONDS = 60;

/** The transport's side of a session. Nothing is called after `closed`. */
export interface Peer {
  /** The next message of some channel. `cursor` makes the session's cursor with this message in it. */
  deliver(message: StreamMessage, cursor: () => string): void;
  /** Resolves when a replay may go on; undefined when it may at once. */
  room(): Promise<void> | undefined;
  /** The grant ends soon. */
  expiring(secondsLeft: number): void;
  /** The session is over and follows nothing any more. */
  closed(reason: CloseReason): void;
}

/** What one connection follows, under one grant, whatever carries it. */
export class Session {
  private readonly subscriptions = new Map<string, Subscription>();
  /** Channels in which the session makes its user present. */
  private present: Set<string> | undefined;
  /** To its warning, and then to its end. */
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(
    private currentGrant: Grant,
    private readonly peer: Peer,
    private readonly hub: Hub,
    private readonly stream: RealtimeStream,
  ) {}

  get grant(): Grant {
    return this.currentGrant;
  }

  /** The channels that it follows. */
  get channels(): string[] {
    return [...this.subscriptions.values()].map(({ feed }) => feed.channel.name);
  }

  /**
   * Goes on under another grant of the same user, and with the channels that this one allows.
   *
   * @returns the channels that it no longer follows
   */
  renew(grant: Grant, now: Date): string[] {
    if (this.isOver) return [];
    this.currentGrant = grant;
    this.limitTo(now);
    const forbidden = this.channels.filter((name) => !mayFollow(grant.channels, grant.userId, name));
    for (const name of forbidden) this.unsubscribe(name);
    for (const name of this.channels) this.appear(name);
    return forbidden;
  }

  /** From now on the session warns of its end and ends with its grant. */
  limitTo(now: Date): void {
    const leftMs = Math.max(0, this.grant.expiresAt.getTime() - now.getTime());
    const warnMs = Math.min(WARN_SECONDS * 1_000, leftMs / 5);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = setTimeout(() => this.close('token_expired'), warnMs);
      this.peer.expiring(Math.round(warnMs / 1_000));
    }, leftMs - warnMs);
  }

  /**
   * Follows a channel; the caller has asked whether the grant allows it.
   *
   * @param cursor where to go on; a channel that it does not know begins now
   * @returns resolves when the channel is live, or followed no longer
   */
  async subscribe(name: string, cursor: Cursor | 'start'): Promise<void> {
    const tag = tagOf(name);
    if (this.isOver) return;
    const known = this.subscriptions.get(tag);
    if (known) return known.start();
    const subscription = new Subscription(
      this.hub.follow(channelOf(this.grant, name)),
      this.stream,
      {
        take: (message) => this.peer.deliver(message, () => this.cursor()),
        room: () => this.peer.room(),
      },
      positionIn(cursor, name),
    );
    this.subscriptions.set(tag, subscription);
    this.appear(name);
    await subscription.start();
  }

  /** Follows a channel no longer; nothing happens when it does not. */
  unsubscribe(name: string): void {
    const tag = tagOf(name);
    const subscription = this.subscriptions.get(tag);
    if (subscription === undefined) return;
    this.subscriptions.delete(tag);
    this.disappear(name);
    subscription.close();
    this.hub.release(subscription.feed);
  }

  /** How far this session has come in each of its channels. */
  cursor(): string {
    return formatCursor(this.positions());
  }

  /** Ends it without telling the peer: the peer is gone, or has what it wanted. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    for (const name of this.present ?? []) this.disappear(name);
    for (const subscription of this.subscriptions.values()) {
      subscription.close();
      this.hub.release(subscription.feed);
    }
  }

  close(reason: CloseReason): void {
    if (this.isOver) return;
    this.end();
    this.peer.closed(reason);
  }

  /** The user is present in a channel that is followed, or no longer: as the grant says. */
  private appear(name: string): void {
    if (!isPresentIn(this.grant.presence, name)) {
      this.disappear(name);
      return;
    }
    if (this.present?.has(name)) return;
    this.present = (this.present ?? new Set()).add(name);
    this.hub.presence.enter(channelOf(this.grant, name), this.grant.userId);
  }

  private disappear(name: string): void {
    if (this.present?.delete(name)) this.hub.presence.leave(channelOf(this.grant, name), this.grant.userId);
  }

  private *positions() {
    for (const [tag, { position }] of this.subscriptions) if (position) yield [tag, position] as const;
  }
}
