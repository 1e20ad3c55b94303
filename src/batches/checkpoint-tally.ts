/** What a checkpoint's attempts come to, worked out here because Postgres needs several times as long. Pure. */
import { type Attempt, LATENCY_BOUNDS_MS } from './batch.js';

/** What many attempts have in common. */
export type AttemptKind = Pick<Attempt, 'isCall' | 'outcome' | 'code' | 'statusAfter'>;

/** Provider calls of one batch that ended alike. */
export interface AttemptCount {
  /** Index into the checkpoint's batches. */
  batch: number;
  /** Index into the kinds. */
  kind: number;
  n: number;
  /** Calls by latency, see {@link LATENCY_BOUNDS_MS}; one more for what took longer. */
  latencyBuckets: number[];
  latencySumMs: number;
}

export interface AttemptTally {
  /** By batch: whether anything came of it, and whether a provider was called. */
  answers: ('none' | 'end' | 'call')[];
  kinds: AttemptKind[];
  /** By attempt: index into the kinds. */
  kindOf: number[];
  /** Of calls alone. */
  counts: AttemptCount[];
  /** By batch: deliveries that ended otherwise than accepted, by `<status> <code>`; undefined: none. */
  failures: (Record<string, number> | undefined)[];
}

export function tallyAttempts(batches: number, attempts: readonly Attempt[]): AttemptTally {
  const tally: AttemptTally = {
    answers: new Array(batches).fill('none'),
    kinds: [],
    kindOf: [],
    counts: [],
    failures: new Array(batches).fill(undefined),
  };
  const kindsByName = new Map<string, number>();
  const countsByName = new Map<number, AttemptCount>();
  let last: { attempt: AttemptKind; kind: number } | undefined;
  for (const attempt of attempts) {
    // Nearly all are like the one before.
    const kind = last && isAlike(last.attempt, attempt) ? last.kind : kindIn(tally.kinds, kindsByName, attempt);
    last = { attempt, kind };
    tally.kindOf.push(kind);
    if (attempt.statusAfter !== 'accepted' && attempt.statusAfter !== 'pending') countFailure(tally.failures, attempt);
    if (!attempt.isCall) {
      if (tally.answers[attempt.batch] === 'none') tally.answers[attempt.batch] = 'end';
      continue;
    }
    tally.answers[attempt.batch] = 'call';
    const name = attempt.batch * 65_536 + kind;
    let count = countsByName.get(name);
    if (count === undefined) {
      const latencyBuckets = new Array(LATENCY_BOUNDS_MS.length + 1).fill(0);
      count = { batch: attempt.batch, kind, n: 0, latencyBuckets, latencySumMs: 0 };
      countsByName.set(name, count);
      tally.counts.push(count);
    }
    add(count, attempt.latencyMs);
  }
  return tally;
}

function isAlike(one: AttemptKind, other: AttemptKind): boolean {
  return (
    one.code === other.code &&
    one.outcome === other.outcome &&
    one.statusAfter === other.statusAfter &&
    one.isCall === other.isCall
  );
}

function kindIn(kinds: AttemptKind[], byName: Map<string, number>, attempt: Attempt): number {
  const { isCall, outcome, code, statusAfter } = attempt;
  const name = JSON.stringify([isCall, outcome, code, statusAfter]);
  const known = byName.get(name);
  if (known !== undefined) return known;
  byName.set(name, kinds.length);
  return kinds.push({ isCall, outcome, code, statusAfter }) - 1;
}

function countFailure(failures: AttemptTally['failures'], { batch, statusAfter, code }: Attempt): void {
  const name = `${statusAfter} ${code}`;
  const ofBatch = failures[batch] ?? {};
  failures[batch] = ofBatch;
  ofBatch[name] = (ofBatch[name] ?? 0) + 1;
}

function add(count: AttemptCount, latencyMs: number | null): void {
  count.n += 1;
  if (latencyMs === null) return;
  const rounded = Math.round(latencyMs);
  count.latencySumMs += rounded;
  let bucket = 0;
  while (bucket < LATENCY_BOUNDS_MS.length && rounded > (LATENCY_BOUNDS_MS[bucket] ?? 0)) bucket += 1;
  count.latencyBuckets[bucket] = (count.latencyBuckets[bucket] ?? 0) + 1;
}
