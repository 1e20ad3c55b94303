import type { Clock } from '../lib/clock.js';

/** Milliseconds. A connection that answers sooner carries more requests than the processors: another would only split the writes. */
const QUICK_MS = 10;
const SMOOTHING = 0.25;

/** How soon a connection answers at present, by one request at a time. */
export class Latency {
  private averageMs: number | undefined;
  private sampled = 0;
  private sinceMs = 0;

  /** @param stream above 0 */
  started(stream: number, clock: Clock): void {
    if (this.sampled !== 0) return;
    this.sampled = stream;
    this.sinceMs = clock.monotonicMs();
  }

  ended(stream: number, clock: Clock): void {
    if (stream !== this.sampled) return;
    this.sampled = 0;
    const tookMs = clock.monotonicMs() - this.sinceMs;
    this.averageMs = this.averageMs === undefined ? tookMs : this.averageMs + SMOOTHING * (tookMs - this.averageMs);
  }

  /** Whether room is likely to appear in a moment, however many streams are taken. */
  isQuick(nowMs: number): boolean {
    const waitingMs = this.sampled === 0 ? 0 : nowMs - this.sinceMs;
    return this.averageMs !== undefined && Math.max(this.averageMs, waitingMs) < QUICK_MS;
  }
}
