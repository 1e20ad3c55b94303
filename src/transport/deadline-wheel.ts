import type { Clock } from '../lib/clock.js';

/** Milliseconds. How late a deadline may be noticed; also the timer's period while anything waits. */
const TICK_MS = 20;

/** Something that ends when its time is up. */
export interface Expirable {
  /** Called once, when the deadline has passed and the item was not removed before. */
  expire(): void;
  /** The wheel's own: neighbours in the ring of items that expire together. A set for each would be most of the garbage. */
  earlier: Expirable | undefined;
  later: Expirable | undefined;
}

/** Where the ring of a slot begins and ends. */
class Slot implements Expirable {
  earlier: Expirable = this;
  later: Expirable = this;

  expire(): void {}
}

/** Deadlines of many requests on one timer: a timer object for each request costs more than sending it. */
export class DeadlineWheel {
  private readonly slots = new Map<number, Slot>();
  private timer: NodeJS.Timeout | undefined;
  private reached: number;

  constructor(private readonly clock: Clock) {
    this.reached = this.tickNow();
  }

  private tickNow(): number {
    return Math.floor(this.clock.monotonicMs() / TICK_MS);
  }

  /** @param atMs deadline on the clock's monotonic scale */
  add(item: Expirable, atMs: number): void {
    if (this.timer === undefined) {
      this.reached = this.tickNow();
      this.timer = setInterval(() => this.turn(), TICK_MS);
      this.timer.unref();
    }
    const number = Math.max(Math.ceil(atMs / TICK_MS), this.reached + 1);
    let slot = this.slots.get(number);
    if (slot === undefined) {
      slot = new Slot();
      this.slots.set(number, slot);
    }
    item.earlier = slot.earlier;
    item.later = slot;
    slot.earlier.later = item;
    slot.earlier = item;
  }

  /** Does nothing for an item that expired or was removed before. */
  remove(item: Expirable): void {
    const { earlier, later } = item;
    if (earlier === undefined || later === undefined) return;
    earlier.later = later;
    later.earlier = earlier;
    item.earlier = undefined;
    item.later = undefined;
  }

  private turn(): void {
    const now = this.tickNow();
    while (this.reached < now) {
      this.reached += 1;
      const slot = this.slots.get(this.reached);
      if (slot === undefined) continue;
      this.slots.delete(this.reached);
      while (slot.later !== slot) {
        const item = slot.later;
        this.remove(item);
        item.expire();
      }
    }
    if (this.slots.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
  }
}
