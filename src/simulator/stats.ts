/** Upper bounds, milliseconds, of the latency histogram; the last bucket is everything above. */
const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000] as const;
const RATE_SECONDS = 60;

/** What one listener saw. Plain counters, touched once or twice per request. */
export class ListenerStats {
  connectionsOpened = 0;
  connectionsClosed = 0;
  tlsErrors = 0;
  requests = 0;
  inFlight = 0;
  /** The most streams that one connection had open at a time. */
  maxConcurrentStreams = 0;
  private readonly latency = new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);
  private readonly perSecond = new Array<{ second: number; count: number }>(RATE_SECONDS);

  opened(openStreams: number): void {
    this.requests += 1;
    this.inFlight += 1;
    if (openStreams > this.maxConcurrentStreams) this.maxConcurrentStreams = openStreams;
    const second = Math.floor(performance.now() / 1000);
    const slot = this.perSecond[second % RATE_SECONDS];
    if (slot?.second === second) slot.count += 1;
    else this.perSecond[second % RATE_SECONDS] = { second, count: 1 };
  }

  answered(latencyMs: number): void {
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_MS.length && latencyMs > (LATENCY_BOUNDS_MS[bucket] ?? 0)) bucket += 1;
    this.latency[bucket] = (this.latency[bucket] ?? 0) + 1;
  }

  reset(): void {
    this.requests = 0;
    this.maxConcurrentStreams = 0;
    this.latency.fill(0);
    this.perSecond.fill({ second: -1, count: 0 });
  }

  toJson(): Record<string, unknown> {
    return {
      connectionsOpened: this.connectionsOpened,
      connectionsClosed: this.connectionsClosed,
      connectionsOpen: this.connectionsOpened - this.connectionsClosed,
      tlsErrors: this.tlsErrors,
      requests: this.requests,
      inFlight: this.inFlight,
      maxConcurrentStreams: this.maxConcurrentStreams,
      requestsPerSecond: this.rates(),
      latencyMs: Object.fromEntries(
        this.latency.map((count, bucket) => [`<=${LATENCY_BOUNDS_MS[bucket] ?? 'inf'}`, count]),
      ),
    };
  }

  /** Requests of each of the last ten whole seconds, newest first. */
  private rates(): number[] {
    const now = Math.floor(performance.now() / 1000);
    return Array.from({ length: 10 }, (_, ago) => {
      const second = now - 1 - ago;
      const slot = this.perSecond[((second % RATE_SECONDS) + RATE_SECONDS) % RATE_SECONDS];
      return slot?.second === second ? slot.count : 0;
    });
  }
}
