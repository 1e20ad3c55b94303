interface Waiting<In, Out> {
  item: In;
  resolve(result: Out): void;
  reject(error: unknown): void;
}

/**
 * Lets concurrent calls share one round trip without a timer: calls of the same turn of the event loop go together when it
 * ends; what comes while they are under way waits for them and then goes together.
 */
export class Grouped<In, Out> {
  private waiting: Waiting<In, Out>[] = [];
  private isBusy = false;

  /**
   * @param run     one result per item, in their order. When it fails, each item of the group is run again alone, so that one
   *                bad item costs the others nothing
   * @param maxSize items per round trip at most
   */
  constructor(
    private readonly run: (items: readonly In[]) => Promise<readonly Out[]>,
    private readonly maxSize = 200,
  ) {}

  submit(item: In): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (this.isBusy) return;
      this.isBusy = true;
      // At once would take the first of a turn alone, and let all others wait for it.
      setImmediate(() => void this.drain());
    });
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) await this.flush(this.waiting.splice(0, this.maxSize));
    this.isBusy = false;
  }

  private async flush(group: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const results = await this.run(group.map(({ item }) => item));
      for (const [i, { resolve }] of group.entries()) resolve(results[i] as Out);
    } catch (error) {
      if (group.length === 1) group[0]?.reject(error);
      // Not awaited: whoever comes next need not wait for the one that fails.
      else for (const one of group) void this.flush([one]);
    }
  }
}
