import type { Tally } from './stats.js';
import type { StatsRepository } from './stats.repository.js';

/** Milliseconds. Minutes that ended longer ago than this no longer change. */
const SETTLED_AFTER_MS = 3_600_000;

/**
 * The sums over all of `attempt_stat`, cheap to ask for again: what no longer changes is read once per process. The sums
 * never fall, also across restarts.
 */
export class AttemptTotals {
  private readonly settled = new Map<string, Tally>();
  private settledBefore: Date | null = null;
  private reading: Promise<Tally[]> | undefined;

  constructor(private readonly repository: Pick<StatsRepository, 'now' | 'totals'>) {}

  /** One entry per provider, outcome and code. Calls at the same time share one answer. */
  read(): Promise<Tally[]> {
    this.reading ??= this.readOnce().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readOnce(): Promise<Tally[]> {
    const now = await this.repository.now();
    const border = new Date(Math.floor((now.getTime() - SETTLED_AFTER_MS) / 60_000) * 60_000);
    const rows = await this.repository.totals(this.settledBefore, border);
    const sums = new Map<string, Tally>();
    for (const row of rows) {
      if (row.isSettled) add(this.settled, row);
      else add(sums, row);
    }
    this.settledBefore = border;
    for (const tally of this.settled.values()) add(sums, tally);
    return [...sums.values()];
  }
}

function add(sums: Map<string, Tally>, { provider, outcome, code, n, latencyBuckets, latencySumMs }: Tally): void {
  const key = JSON.stringify([provider, outcome, code]);
  const sum = sums.get(key);
  sums.set(key, {
    provider,
    outcome,
    code,
    n: n + (sum?.n ?? 0),
    latencySumMs: latencySumMs + (sum?.latencySumMs ?? 0),
    latencyBuckets: latencyBuckets.map((count, i) => count + (sum?.latencyBuckets[i] ?? 0)),
  });
}
