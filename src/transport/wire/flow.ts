import { ConnectionError, ERROR } from './errors.js';
import { MAX_WINDOW_BYTES } from './frames.js';

/** What the peer may still send us, on one stream or on the connection. */
export class ReceiveWindow {
  private left: number;

  constructor(private readonly size: number) {
    this.left = size;
  }

  /**
   * Counts bytes that arrived; they are taken as consumed at once.
   *
   * @returns what to grant the peer with a WINDOW_UPDATE, or 0
   * @throws ConnectionError when the peer was not allowed so much
   */
  take(bytes: number): number {
    this.left -= bytes;
    if (this.left < 0) throw new ConnectionError(ERROR.flowControl, 'more DATA than allowed');
    if (this.left >= this.size / 2) return 0;
    const grant = this.size - this.left;
    this.left = this.size;
    return grant;
  }

  reset(): void {
    this.left = this.size;
  }
}

/** Bytes that a window has after the peer granted more; `undefined` when that is more than windows can be. */
export function widened(window: number, increment: number): number | undefined {
  const wider = window + increment;
  return wider > MAX_WINDOW_BYTES ? undefined : wider;
}
