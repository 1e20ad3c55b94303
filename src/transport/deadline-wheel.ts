import type { Clock } from '../lib/clock.js';

/** Milliseconds. How late a deadline may be noticed; also the timer's period while anything waits. */
const TICK_MS = 20;

/** Something that ends when its time is up. */
export interface Expirable {
  /** Called once, when the deadline has passed and the item was not removed before. */
  expire(): void;
}

/** Deadlines of many requests on one timer: a timer object for each request costs more than sending it. */
export class DeadlineWheel {
  private readonly slots = new Map<number, Set<Expirable>>();
  private timer: NodeJS.Timeout | undefined;
  private reached: number;

  constructor(private readonly clock: Clock) {
    this.reached = this.tickNow();
  }

  private tickNow(): number {
    return Math.floor(this.clock.monotonicMs() / TICK_MS);
  }

  /**
   * @param atMs deadline on the clock's monotonic scale
   * @returns the slot to give to {@link remove}
   */
  add(item: Expirable, atMs: number): number {
    if (this.timer === undefined) {
      this.reached = this.tickNow();
      this.timer = setInterval(() => this.turn(), TICK_MS);
      this.timer.unref();
    }
    const slot = Math.max(Math.ceil(atMs / TICK_MS), this.reached + 1);
    const items = this.slots.get(slot);
    if (items === undefined) this.slots.set(slot, new Set([item]));
    else items.add(item);
    return slot;
  }

  remove(item: Expirable, slot: number): void {
    this.slots.get(slot)?.delete(item);
  }

  private turn(): void {
    const now = this.tickNow();
    while (this.reached < now) {
      this.reached += 1;
      const items = this.slots.get(this.reached);
      if (items === undefined) continue;
      this.slots.delete(this.reached);
      for (const item of items) item.expire();
    }
    if (this.slots.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
  }
}
