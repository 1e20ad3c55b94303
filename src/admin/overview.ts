/** What an application's last hour amounts to. Pure. */
import { LANES, type Lane, PROVIDER_NAMES, type ProviderName } from '../lib/names.js';
import { adviceOnFailure } from './advice.js';
import { summarise, type Tally } from './stats.js';

/** Provider calls of one minute that ended alike. */
export interface MinuteTally extends Tally {
  minute: Date;
  lane: Lane;
}

export interface FailingWebhook {
  id: string;
  url: string;
  failingSince: Date;
}

/** What was counted until a moment of the database's clock. */
export interface Reading {
  at: Date;
  tallies: readonly MinuteTally[];
}

/** Provider calls per second: `all`, by provider and by lane; 0 where missing. */
export type Rates = ReadonlyMap<string, number>;

export type Latency = { p50: number; p95: number; p99: number };

export interface Counts {
  attempts: number;
  accepted: number;
  /** Calls whose answer ends the delivery as failed. */
  failed: number;
  /** Calls after which the delivery waits for another, as a rule. */
  retried: number;
}

export interface MinuteFigures extends Counts {
  at: Date;
  /** Null without calls. */
  p95Ms: number | null;
}

export interface FailureFigures {
  provider: ProviderName;
  code: string;
  outcome: string;
  attempts: number;
  /** The minute of the last one. */
  lastAt: Date;
  advice: string;
}

export const OVERVIEW_MINUTES = 60;
const MINUTE_MS = 60_000;
const MAX_FAILURES = 20;
const FAILED = new Set(['token_invalid', 'token_refused', 'message_invalid']);

/** The beginning of the first of the minutes that are shown at this moment. */
export function firstMinute(now: Date): Date {
  return new Date((Math.floor(now.getTime() / MINUTE_MS) - OVERVIEW_MINUTES + 1) * MINUTE_MS);
}

/** The first minute that may still have changed after this moment: what is written bears a time of at most 30 s before. */
export function settledMinute(at: Date): Date {
  return new Date((Math.floor(at.getTime() / MINUTE_MS) - 1) * MINUTE_MS);
}

export function countsOf(tallies: readonly Tally[]): Counts {
  const counts = { attempts: 0, accepted: 0, failed: 0, retried: 0 };
  for (const { outcome, n } of tallies) {
    counts.attempts += n;
    if (outcome === 'accepted') counts.accepted += n;
    else if (FAILED.has(outcome)) counts.failed += n;
    else counts.retried += n;
  }
  return counts;
}

/** Accepted among the calls that ended a delivery, 0 to 1; null when none did. */
export function successRateOf({ accepted, failed }: Counts): number | null {
  return accepted + failed === 0 ? null : Math.round((accepted / (accepted + failed)) * 10_000) / 10_000;
}

/** Null without calls. */
export function latencyOf(tallies: readonly Tally[]): Latency | null {
  const { latencyMs } = summarise(tallies);
  return latencyMs && { p50: latencyMs.p50, p95: latencyMs.p95, p99: latencyMs.p99 };
}

/** One entry for each of the minutes, those without calls included. */
export function minutesOf({ at, tallies }: Reading): MinuteFigures[] {
  const byMinute = Map.groupBy(tallies, ({ minute }) => minute.getTime());
  return Array.from({ length: OVERVIEW_MINUTES }, (_, i) => {
    const minute = new Date(firstMinute(at).getTime() + i * MINUTE_MS);
    const own = byMinute.get(minute.getTime()) ?? [];
    return { at: minute, ...countsOf(own), p95Ms: latencyOf(own)?.p95 ?? null };
  });
}

/** Calls that were not accepted, by code, most frequent first. */
export function failuresOf(tallies: readonly MinuteTally[]): FailureFigures[] {
  const groups = Map.groupBy(
    tallies.filter(({ outcome }) => outcome !== 'accepted'),
    ({ provider, outcome, code }) => JSON.stringify([provider, outcome, code]),
  );
  const figures = [...groups.values()].flatMap((group): FailureFigures[] => {
    const [first] = group;
    if (!first) return [];
    const { provider, code, outcome } = first;
    const lastAt = new Date(Math.max(...group.map(({ minute }) => minute.getTime())));
    return [{ provider, code, outcome, attempts: countsOf(group).attempts, lastAt, advice: adviceOnFailure(outcome) }];
  });
  return figures.toSorted((one, other) => other.attempts - one.attempts).slice(0, MAX_FAILURES);
}

/**
 * Calls per second between two readings; without an earlier one, on the average of this minute and the one before.
 *
 * @param before undefined when there is none that is recent enough
 */
export function ratesOf(before: Reading | undefined, now: Reading): Rates {
  const known = new Map(before?.tallies.map((tally) => [keyOf(tally), tally.n]));
  const sinceMs = before?.at.getTime() ?? (Math.floor(now.at.getTime() / MINUTE_MS) - 1) * MINUTE_MS;
  const seconds = Math.max(0.001, (now.at.getTime() - sinceMs) / 1_000);
  const sums = new Map<string, number>();
  for (const tally of now.tallies) {
    if (!before && tally.minute.getTime() < sinceMs) continue;
    const more = tally.n - (known.get(keyOf(tally)) ?? 0);
    for (const name of ['all', tally.provider, tally.lane]) sums.set(name, (sums.get(name) ?? 0) + more);
  }
  return new Map([...sums].map(([name, n]) => [name, Math.round((n / seconds) * 10) / 10]));
}

/** Each provider that had calls, and what they came to. */
export function providersOf(tallies: readonly MinuteTally[], rates: Rates) {
  return PROVIDER_NAMES.flatMap((provider) => {
    const own = tallies.filter((tally) => tally.provider === provider);
    if (own.length === 0) return [];
    const { attempts, accepted, failed } = countsOf(own);
    return [{ provider, attempts, accepted, failed, perSecond: rates.get(provider) ?? 0, latencyMs: latencyOf(own) }];
  });
}

/** All lanes with their speed. */
export function lanesWithRates<Depth extends { lane: Lane }>(depths: readonly Depth[], rates: Rates) {
  return LANES.flatMap((lane) => depths.filter((depth) => depth.lane === lane)).map((depth) => ({
    ...depth,
    perSecond: rates.get(depth.lane) ?? 0,
  }));
}

function keyOf({ minute, provider, lane, outcome, code }: MinuteTally): string {
  return `${minute.getTime()} ${provider} ${lane} ${outcome} ${code}`;
}
