import { Injectable } from '@nestjs/common';
import { DomainError } from '../lib/errors.js';
import { MAX_BUCKETS, type Summary, summarise, type Tally, usualBucketSeconds } from './stats.js';
import { StatsRepository } from './stats.repository.js';

export interface StatsRequest {
  /** Default: a day before `to`. */
  from?: Date | undefined;
  /** Default: now. */
  to?: Date | undefined;
  /** A multiple of 60; default by the length of the span. */
  bucketSeconds?: number | undefined;
}

export interface Stats {
  from: Date;
  to: Date;
  bucketSeconds: number;
  totals: Summary;
  /** All of them, in order, those without attempts included. */
  buckets: ({ at: Date } & Summary)[];
}

const DEFAULT_SPAN_MS = 86_400_000;

/** What the providers answered, over time. */
@Injectable()
export class StatsService {
  constructor(private readonly repository: StatsRepository) {}

  /**
   * @returns the span widened to whole buckets
   * @throws DomainError `invalid_request` when the span is empty, `too_many_buckets`
   */
  async read(applicationId: string, request: StatsRequest): Promise<Stats> {
    const to = request.to ?? (await this.repository.now());
    const from = request.from ?? new Date(to.getTime() - DEFAULT_SPAN_MS);
    if (from >= to) throw invalid('invalid_request', 'query.from', 'must lie before `to`');
    const bucketSeconds = request.bucketSeconds ?? usualBucketSeconds((to.getTime() - from.getTime()) / 1000);
    const bucketMs = bucketSeconds * 1000;
    const start = Math.floor(from.getTime() / bucketMs) * bucketMs;
    const end = Math.ceil(to.getTime() / bucketMs) * bucketMs;
    if ((end - start) / bucketMs > MAX_BUCKETS) {
      throw invalid('too_many_buckets', 'query.bucketSeconds', `cuts the span into more than ${MAX_BUCKETS} buckets`);
    }
    const tallies = await this.repository.tallies(applicationId, new Date(start), new Date(end), bucketSeconds);
    const byBucket = Map.groupBy(tallies, (tally) => tally.bucketAt.getTime());
    const buckets: Stats['buckets'] = [];
    for (let at = start; at < end; at += bucketMs) {
      buckets.push({ at: new Date(at), ...summarise(byBucket.get(at) ?? []) });
    }
    return { from: new Date(start), to: new Date(end), bucketSeconds, totals: summarise(merged(tallies)), buckets };
  }
}

function merged(tallies: readonly Tally[]): Tally[] {
  const groups = Map.groupBy(tallies, ({ provider, outcome, code }) => JSON.stringify([provider, outcome, code]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    return {
      ...first,
      n: group.reduce((sum, tally) => sum + tally.n, 0),
      latencySumMs: group.reduce((sum, tally) => sum + tally.latencySumMs, 0),
      latencyBuckets: first.latencyBuckets.map((_, i) =>
        group.reduce((sum, tally) => sum + (tally.latencyBuckets[i] ?? 0), 0),
      ),
    };
  });
}

function invalid(code: string, path: string, message: string): DomainError {
  return new DomainError('invalid', code, `${path}: ${message}`, [{ path, message }]);
}
