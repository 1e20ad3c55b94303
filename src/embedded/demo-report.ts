import type { ProviderName } from '../lib/names.js';

/** A delivery as the API shows it. */
export interface DemoDelivery {
  provider: ProviderName;
  status: string;
  attempts: { number: number; at: string; latencyMs: number | null }[];
}

export interface ProviderFigures {
  provider: ProviderName | 'all';
  planned: number;
  accepted: number;
  retried: number;
  failed: number;
  pruned: number;
  other: number;
}

/** What one provider's deliveries came to. `pruned`: devices that are invalid now. */
export function figuresOf(
  provider: ProviderName,
  deliveries: readonly DemoDelivery[],
  pruned: number,
): ProviderFigures {
  const count = (status: string) => deliveries.filter((delivery) => delivery.status === status).length;
  const accepted = count('accepted');
  const failed = count('failed');
  return {
    provider,
    planned: deliveries.length,
    accepted,
    failed,
    pruned,
    retried: deliveries.filter((delivery) => delivery.attempts.filter(({ number }) => number > 0).length > 1).length,
    other: deliveries.length - accepted - failed,
  };
}

export function total(figures: readonly ProviderFigures[]): ProviderFigures {
  const sum = (key: Exclude<keyof ProviderFigures, 'provider'>) => figures.reduce((all, row) => all + row[key], 0);
  return {
    provider: 'all',
    planned: sum('planned'),
    accepted: sum('accepted'),
    retried: sum('retried'),
    failed: sum('failed'),
    pruned: sum('pruned'),
    other: sum('other'),
  };
}

/** The figures as a table for a terminal. */
export function table(figures: readonly ProviderFigures[]): string {
  const columns = ['planned', 'accepted', 'failed', 'other', 'retried', 'pruned'] as const;
  const line = (cells: readonly (string | number)[]) =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(10) : String(cell).padStart(10))).join('');
  return [
    line(['provider', ...columns]),
    ...figures.map((row) => line([row.provider, ...columns.map((column) => row[column])])),
  ].join('\n');
}

export interface Speed {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** First attempts per second, and how long providers took to answer them. */
export function speedOf(deliveries: readonly DemoDelivery[]): Speed {
  const first = deliveries.flatMap(({ attempts }) => attempts.filter(({ number }) => number === 1));
  const times = first.map(({ at }) => Date.parse(at)).sort((a, b) => a - b);
  const latencies = first.map(({ latencyMs }) => latencyMs ?? 0).sort((a, b) => a - b);
  const seconds = Math.max(((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000, 0.001);
  return {
    perSecond: Math.round(first.length / seconds),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

/** One line of progress, the same width every time. */
export function progressLine(counts: Record<string, number>, progress: number, seconds: number): string {
  const width = 24;
  const filled = Math.round(progress * width);
  const bar = '#'.repeat(filled) + '.'.repeat(width - filled);
  const part = (name: string) => `${name} ${String(counts[name] ?? 0).padStart(5)}`;
  return `[${bar}] ${(progress * 100).toFixed(1).padStart(5)} %  ${['accepted', 'failed', 'pending', 'retried'].map(part).join('  ')}  ${seconds.toFixed(1)} s`;
}
