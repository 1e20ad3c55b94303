import type { Connection } from './connections.js';
import type { CloseReason, Grant } from './grant.js';
import type { Hub } from './hub.js';
import type { StreamMessage } from './message.js';
import type { Cursor } from './position.js';
import { type Peer, Session } from './session.js';
import type { RealtimeStream } from './stream.js';

/** What one answer holds, at most; the rest comes with the next poll. */
const MAX_MESSAGES = 100;
const MAX_BYTES = 262_144;
/** Milliseconds for which a first message waits for others. */
const COALESCE_MS = 20;
/** Milliseconds that a poll is held beyond its time while it is not yet known where its channels begin. */
const POSITIONS_MS = 5_000;

/** How a poll ended. */
export type PollResult =
  | { kind: 'messages'; messages: readonly StreamMessage[]; cursor: string }
  /** Nothing came, or the node stops. */
  | { kind: 'nothing'; cursor: string }
  | { kind: 'closed'; reason: CloseReason };

/** One held request: a session that ends with its first messages. */
export class LongPoll implements Connection, Peer {
  private readonly session: Session;
  private readonly messages: StreamMessage[] = [];
  private bytes = 0;
  private lastCursor = '';
  private timer: NodeJS.Timeout | undefined;
  private finish: ((result: PollResult) => void) | undefined;

  constructor(
    readonly grant: Grant,
    hub: Hub,
    stream: RealtimeStream,
  ) {
    this.session = new Session(grant, this, hub, stream);
  }

  /** @returns after `waitMs`, or {@link POSITIONS_MS} later where a channel's log cannot be asked */
  async run(channels: readonly string[], cursor: Cursor | 'start', waitMs: number, now: Date): Promise<PollResult> {
    const finished = new Promise<PollResult>((resolve) => {
      this.finish = resolve;
    });
    this.session.limitTo(now);
    const subscribed = Promise.all(channels.map((channel) => this.session.subscribe(channel, cursor)));
    this.timer = setTimeout(() => {
      this.timer = setTimeout(() => this.endWithNothing(), POSITIONS_MS);
      // Unless something came meanwhile: then an answer is on its way.
      void subscribed.then(() => this.messages.length === 0 && this.endWithNothing());
    }, waitMs);
    return finished;
  }

  /** Nobody waits any more. */
  end(): void {
    clearTimeout(this.timer);
    this.session.end();
  }

  close(reason: CloseReason): void {
    this.session.close(reason);
  }

  reconnect(): Promise<void> {
    if (this.messages.length > 0) this.endWithMessages();
    else this.endWithNothing();
    return Promise.resolve();
  }

  deliver(message: StreamMessage, cursor: () => string): void {
    if (this.isFull()) return;
    this.messages.push(message);
    this.bytes += message.bytes;
    this.lastCursor = cursor();
    if (this.isFull()) this.endWithMessages();
    else if (this.messages.length === 1) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.endWithMessages(), COALESCE_MS);
    }
  }

  /** A replay stops when the answer is full: it is over then. */
  room(): Promise<void> | undefined {
    return this.isFull() ? new Promise(() => {}) : undefined;
  }

  /** The client learns it from the expiry of its token. */
  expiring(): void {}

  closed(reason: CloseReason): void {
    clearTimeout(this.timer);
    this.finish?.({ kind: 'closed', reason });
  }

  private isFull(): boolean {
    return this.messages.length >= MAX_MESSAGES || this.bytes >= MAX_BYTES;
  }

  private endWithMessages(): void {
    this.end();
    this.finish?.({ kind: 'messages', messages: this.messages, cursor: this.lastCursor });
  }

  private endWithNothing(): void {
    const cursor = this.session.cursor();
    this.end();
    this.finish?.({ kind: 'nothing', cursor });
  }
}
