import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChannelRef } from './channel.js';
import type { StreamMessage } from './message.js';
import { type Position, parseId } from './position.js';
import type { RealtimeStream } from './stream.js';

/** Milliseconds from one look at a log to the next, at least: what comes in between is read together. */
const COALESCE_MS = 20;
/** Messages times readers that are handed on in one turn of the event loop; everybody else waits as long. */
const HANDED_AT_ONCE = 10_000;
const RETRY_MS = 500;
const MAX_RETRY_MS = 2_000;

/** Who gets a channel's messages as they come. */
export interface LiveReader {
  /** Messages that follow each other, and the feed's position after them. */
  take(messages: readonly StreamMessage[]): void;
}

/** One channel as this process follows it: read once and handed to however many connections. */
export class Feed {
  /** What was read so far; undefined until the log could be asked once. */
  position: Position | undefined;
  /** Says that the log could not be asked at first, so what was published then is not known. */
  wasLate = false;
  private readonly readers = new Set<LiveReader>();
  private waiting: (() => void)[] = [];
  private isScheduled = false;
  private isReading = false;
  private isStale = false;
  /** The newest message that is known to be there; undefined: there may be any. */
  private hinted: Position | undefined;
  private isStopped = false;
  private lastReadMs = Number.NEGATIVE_INFINITY;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    readonly channel: ChannelRef,
    private readonly stream: RealtimeStream,
  ) {}

  join(reader: LiveReader): void {
    this.readers.add(reader);
  }

  leave(reader: LiveReader): void {
    this.readers.delete(reader);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.wakeWaiting();
  }

  /** There may be something new: the message with the id `hint`, or anything. */
  touch(hint?: string): void {
    this.hinted = hint === undefined ? undefined : parseId(hint);
    if (this.hinted && this.hasRead(this.hinted)) return;
    this.isStale = true;
    this.scheduleSoon();
  }

  /** Resolves after the next look at the log that succeeds, or when the feed is stopped. */
  nextLook(): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.touch();
    });
  }

  private scheduleSoon(): void {
    this.schedule(Math.max(0, this.lastReadMs + COALESCE_MS - performance.now()));
  }

  private schedule(delayMs: number): void {
    if (this.isScheduled || this.isReading || this.isStopped) return;
    this.isScheduled = true;
    const start = () => {
      this.isScheduled = false;
      void this.look();
    };
    // An immediate could not be taken back; a stopped feed sees that in look().
    if (delayMs < 1) setImmediate(start);
    else this.timer = setTimeout(start, delayMs);
  }

  private async look(): Promise<void> {
    if (this.isStopped) return;
    this.isReading = true;
    this.isStale = false;
    this.lastReadMs = performance.now();
    let retryMs: number | undefined;
    try {
      await this.advance();
      this.failures = 0;
      this.wakeWaiting();
    } catch {
      // Redis or Postgres is away, which readiness reports. Nothing is passed over: the next look starts at the same place.
      this.failures += 1;
      if (this.position === undefined) this.wasLate = true;
      retryMs = Math.min(RETRY_MS * this.failures, MAX_RETRY_MS);
    }
    this.isReading = false;
    if (retryMs !== undefined) this.schedule(retryMs);
    else if (this.isStale && !(this.hinted && this.hasRead(this.hinted))) this.scheduleSoon();
  }

  private async advance(): Promise<void> {
    if (this.position === undefined) {
      this.position = await this.stream.newest(this.channel);
      return;
    }
    for (;;) {
      const { messages, position, hasMore } = await this.stream.read(this.channel, this.position);
      if (this.isStopped) return;
      await this.handOn(messages);
      this.position = position;
      if (!hasMore) return;
    }
  }

  /** Whoever joins in between goes on from the position of that moment. */
  private async handOn(messages: readonly StreamMessage[]): Promise<void> {
    for (let from = 0; from < messages.length && !this.isStopped; ) {
      if (from > 0) await nextTurn();
      const some = messages.slice(from, from + Math.max(1, Math.floor(HANDED_AT_ONCE / this.readers.size)));
      from += some.length;
      this.position = some.at(-1)?.position ?? this.position;
      for (const reader of this.readers) reader.take(some);
    }
  }

  private hasRead({ epoch, seq }: Position): boolean {
    return this.position?.epoch === epoch && this.position.seq >= seq;
  }

  private wakeWaiting(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }
}
