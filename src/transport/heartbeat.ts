import { type ConnectionSettings, SETTLE_MS } from './connection.js';

/** PINGs in a row without a request; Google's front end answers the third with GOAWAY `too_many_pings`. */
const MAX_QUIET_PINGS = 2;

/**
 * Whether the peer of a connection is still there. A half-open connection looks healthy for as long as nobody asks, so:
 * silence while requests are in flight, and an idle connection about to be used again, are reasons for a PING.
 */
export class Heartbeat {
  private heardAtMs: number;
  private pingedAtMs: number | undefined;
  private quietPings = 0;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly sendPing: () => void,
  ) {
    this.heardAtMs = settings.clock.monotonicMs();
  }

  /** Any sign of life. */
  heard(): void {
    this.heardAtMs = this.settings.clock.monotonicMs();
    this.pingedAtMs = undefined;
  }

  /** A request went out; `isFirst` when none was in flight, so that the silence before it does not count. */
  requested(isFirst: boolean): void {
    this.quietPings = 0;
    if (isFirst) this.heardAtMs = this.settings.clock.monotonicMs();
  }

  responded(): void {
    this.quietPings = 0;
    this.heard();
  }

  /** Whether a request may be trusted to the connection; asks the peer when an idle one was silent for long. */
  isTrusted(nowMs: number, isIdle: boolean): boolean {
    if (this.pingedAtMs !== undefined) return false;
    if (!isIdle || nowMs - this.heardAtMs < this.settings.pingIdleMs) return true;
    this.ping(nowMs);
    return false;
  }

  /** Whether an answer to a PING is still likely. */
  isAsking(nowMs: number): boolean {
    return this.pingedAtMs !== undefined && nowMs - this.pingedAtMs < SETTLE_MS;
  }

  /** @returns true when the peer is gone: a PING went unanswered */
  check(nowMs: number, isIdle: boolean): boolean {
    const { pingIdleMs, pingBusyMs, pingTimeoutMs } = this.settings;
    if (this.pingedAtMs !== undefined) return nowMs - this.pingedAtMs >= pingTimeoutMs;
    const isSilent = nowMs - this.heardAtMs >= (isIdle ? pingIdleMs : pingBusyMs);
    if (isSilent && this.quietPings < MAX_QUIET_PINGS) this.ping(nowMs);
    return false;
  }

  private ping(nowMs: number): void {
    this.quietPings += 1;
    this.pingedAtMs = nowMs;
    this.sendPing();
  }
}
