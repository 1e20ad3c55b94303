import type { Clock } from '../lib/clock.js';

/** The simulators' time: the machine's plus an offset, so that tokens expire without anybody waiting. */
export class VirtualClock implements Clock {
  /** Milliseconds ahead of the machine; set through the control API. */
  offsetMs = 0;

  nowMs(): number {
    return Date.now() + this.offsetMs;
  }

  now(): Date {
    return new Date(this.nowMs());
  }

  monotonicMs(): number {
    return performance.now();
  }
}
