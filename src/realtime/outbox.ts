/** Messages of one write, at most. */
const MAX_PER_WRITE = 50;
/** Bytes of one write, about: a large message goes alone. */
const MAX_BYTES_PER_WRITE = 65_536;
/** What a connection may owe its reader. */
export const MAX_PENDING_MESSAGES = 500;
export const MAX_PENDING_BYTES = 262_144;

/** Milliseconds after which a write that the network still has not taken counts as a reader that stopped reading. */
const STALL_MS = 15_000;

/** Where an outbox writes. */
export interface OutboxWriter<Item> {
  /**
   * Hands something to the network.
   *
   * @param done when the network took them; not when the reader did
   */
  write(items: readonly Item[], done: () => void): void;
  /** The reader is too slow: nothing was or will be written of what is pending. Called once. */
  overflowed(): void;
}

/**
 * What one connection still has to send, bounded. What is added in one turn of the event loop, or while the network is busy,
 * goes out together; there is never more than one write under way, so a reader that stops reading costs what is bounded here.
 */
export class Outbox<Item = string> {
  private queue: { item: Item; bytes: number }[] = [];
  private pendingMessages = 0;
  private pendingBytes = 0;
  private isWriting = false;
  private writtenMs = 0;
  private isScheduled = false;
  private isClosed = false;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly writer: OutboxWriter<Item>,
    private readonly maxMessages = MAX_PENDING_MESSAGES,
    private readonly maxBytes = MAX_PENDING_BYTES,
  ) {}

  /** @param bytes that the item takes on the network, about */
  push(item: Item, bytes: number): void {
    if (this.isClosed) return;
    // A message that is larger than the bound goes when nothing else is pending.
    const isAlone = this.pendingMessages === 0;
    const isFull = this.pendingMessages >= this.maxMessages || this.pendingBytes + bytes > this.maxBytes;
    if (!isAlone && (isFull || this.isStalled())) {
      this.close();
      this.writer.overflowed();
      return;
    }
    this.pendingMessages += 1;
    this.pendingBytes += bytes;
    this.queue.push({ item, bytes });
    this.schedule();
  }

  /** Nothing pending is written any more. */
  close(): void {
    this.isClosed = true;
    this.queue = [];
    this.wakeWaiting();
  }

  /** Resolves when the network took everything, or the outbox is closed. */
  async drained(): Promise<void> {
    while (this.pendingMessages > 0 && !this.isClosed) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Undefined while a replay may add more: it leaves half of the room to what is live. */
  room(): Promise<void> | undefined {
    return this.hasRoom() ? undefined : this.untilRoom();
  }

  private async untilRoom(): Promise<void> {
    while (!this.hasRoom()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private hasRoom(): boolean {
    return this.isClosed || (this.pendingMessages < this.maxMessages / 2 && this.pendingBytes < this.maxBytes / 2);
  }

  private schedule(): void {
    if (this.isScheduled || this.isWriting) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.writeSome();
    });
  }

  private isStalled(): boolean {
    return this.isWriting && performance.now() - this.writtenMs > STALL_MS;
  }

  private writeSome(): void {
    if (this.isClosed || this.queue.length === 0) return;
    let count = 0;
    let bytes = 0;
    for (const message of this.queue) {
      if (count > 0 && (count >= MAX_PER_WRITE || bytes + message.bytes > MAX_BYTES_PER_WRITE)) break;
      count += 1;
      bytes += message.bytes;
    }
    const items = this.queue.slice(0, count).map(({ item }) => item);
    this.queue = this.queue.slice(count);
    this.isWriting = true;
    this.writtenMs = performance.now();
    this.writer.write(items, () => {
      this.isWriting = false;
      this.pendingMessages -= count;
      this.pendingBytes -= bytes;
      this.wakeWaiting();
      if (this.queue.length > 0) this.writeSome();
    });
  }

  private wakeWaiting(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }
}
