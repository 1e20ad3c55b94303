interface Waiting<In, Out> {
  item: In;
  resolve(result: Out): void;
  reject(error: unknown): void;
}

export interface GroupedOptions {
  /** Items per round trip at most; default 200. */
  maxSize?: number;
  /**
   * Milliseconds from the start of one round trip to the start of the next, at least; default 0. The first call after a quiet
   * time still goes at once. A round trip costs as much as many items, so that an idle machine would turn every short wait
   * into load.
   */
  intervalMs?: number;
  /** True: a group that fails fails as a whole, and is not run again. For items of which none can be at fault. */
  failsTogether?: boolean;
}

/**
 * Lets concurrent calls share one round trip: calls of the same turn of the event loop go together when it ends; what comes
 * while they are under way waits for them and then goes together.
 */
export class Grouped<In, Out> {
  private waiting: Waiting<In, Out>[] = [];
  private isBusy = false;
  private startedMs = Number.NEGATIVE_INFINITY;
  private readonly maxSize: number;
  private readonly intervalMs: number;
  private readonly failsTogether: boolean;

  /**
   * @param run one result per item, in their order. When it fails, each item of the group is run again alone, so that one bad
   *            item costs the others nothing, unless `failsTogether`
   */
  constructor(
    private readonly run: (items: readonly In[]) => Promise<readonly Out[]>,
    { maxSize = 200, intervalMs = 0, failsTogether = false }: GroupedOptions = {},
  ) {
    this.maxSize = maxSize;
    this.intervalMs = intervalMs;
    this.failsTogether = failsTogether;
  }

  submit(item: In): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.isBusy) return;
      this.isBusy = true;
      this.schedule();
    });
  }

  private schedule(): void {
    const restMs = this.startedMs + this.intervalMs - performance.now();
    // At once would take the first of a turn alone, and let all others wait for it.
    if (restMs < MIN_TIMER_MS || this.waiting.length >= this.maxSize) setImmediate(() => void this.drain());
    else setTimeout(() => void this.drain(), restMs);
  }

  private async drain(): Promise<void> {
    this.startedMs = performance.now();
    await this.flush(this.waiting.splice(0, this.maxSize));
    if (this.waiting.length === 0) this.isBusy = false;
    else this.schedule();
  }

  private async flush(group: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await this.run(group.map(({ item }) => item));
      for (const [i, { resolve }] of group.entries()) resolve(results[i] as Out);
    } catch (error) {
      if (group.length === 1 || this.failsTogether) for (const { reject } of group) reject(error);
      // Not awaited: whoever comes next need not wait for the one that fails.
      else for (const one of group) void this.flush([one]);
    }
  }
}

/** Timers are no finer than a millisecond. */
const MIN_TIMER_MS = 1;
