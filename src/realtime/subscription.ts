import { setTimeout as delay } from 'node:timers/promises';
import type { Feed, LiveReader } from './feed.js';
import { gapMessage, type StreamMessage } from './message.js';
import type { Position } from './position.js';
import type { RealtimeStream } from './stream.js';

const RETRY_MS = 500;

/** Where the messages of a subscription go. */
export interface Receiver {
  /** Takes a message of this subscription; its position is the subscription's from now on. */
  take(message: StreamMessage): void;
  /** Resolves when a replay may go on; undefined when it may at once. */
  room(): Promise<void> | undefined;
}

/**
 * One connection's way through one channel: first what it missed, at its own pace, then live. It is live only from the moment
 * on at which it has read exactly as far as the feed; so nothing is lost or repeated in between.
 */
export class Subscription implements LiveReader {
  private isClosed = false;
  private live: Promise<void> | undefined;

  /** @param position the last message that the reader has; undefined: it wants what comes from now on */
  constructor(
    readonly feed: Feed,
    private readonly stream: RealtimeStream,
    private readonly receiver: Receiver,
    public position: Position | undefined,
  ) {}

  /** Begins, unless it has begun. Resolves when the subscription is live, or closed. */
  start(): Promise<void> {
    this.live ??= this.run();
    return this.live;
  }

  close(): void {
    this.isClosed = true;
    this.feed.leave(this);
  }

  /** From the feed, once live. */
  take(messages: readonly StreamMessage[]): void {
    for (const message of messages) {
      if (this.isClosed) return;
      if (this.isBeyond(message.position)) continue;
      this.position = message.position;
      this.receiver.take(message);
    }
  }

  private async run(): Promise<void> {
    let hasRead = false;
    let hasWaited = false;
    while (!this.isClosed) {
      const { position: newest } = this.feed;
      if (newest === undefined) {
        hasWaited = true;
        await this.feed.nextLook();
        continue;
      }
      if (this.position === undefined) this.begin(newest, hasWaited && this.feed.wasLate);
      if (this.isAt(newest) || (hasRead && this.isBeyond(newest))) {
        this.feed.join(this);
        return;
      }
      const found = await this.replayPage();
      if (found === undefined) await delay(RETRY_MS);
      else hasRead = true;
      // At the end of the log and still not where the feed is: the log has begun anew, and the feed does not know yet.
      if (found === 0 && !this.isBeyond(this.feed.position ?? newest)) await this.feed.nextLook();
    }
  }

  /** @returns how many messages were found; undefined when the log could not be read */
  private async replayPage(): Promise<number | undefined> {
    const { position: after } = this;
    if (after === undefined) return undefined;
    const page = await this.stream.read(this.feed.channel, after).catch(() => undefined);
    if (page === undefined) return undefined;
    for (const message of page.messages) {
      await this.receiver.room();
      if (this.isClosed) return 0;
      this.position = message.position;
      this.receiver.take(message);
    }
    this.position = page.position;
    return page.messages.length;
  }

  /** @param isLate the log could not be asked when the reader came, so nobody knows what it missed since */
  private begin(newest: Position, isLate: boolean): void {
    this.position = newest;
    if (isLate) this.receiver.take(gapMessage(this.feed.channel.name, null, newest, new Date()));
  }

  private isAt({ epoch, seq }: Position): boolean {
    return this.position?.epoch === epoch && this.position.seq === seq;
  }

  /** As far as this position, or farther. */
  private isBeyond({ epoch, seq }: Position): boolean {
    return this.position?.epoch === epoch && this.position.seq >= seq;
  }
}
