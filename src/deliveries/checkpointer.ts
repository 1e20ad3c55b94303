import type { DataSource } from 'typeorm';
import type { Attempt } from '../batches/batch.js';
import type { Leases } from '../batches/leases.js';
import type { TokenVerdict } from '../devices/device.js';
import type { TokenHealth } from '../devices/token-health.js';
import type { Clock } from '../lib/clock.js';
import type { ProviderName } from '../lib/names.js';
import type { BatchRun } from './batch-run.js';

/** An answer that is not written yet. */
export interface Answer {
  run: BatchRun;
  attempt: Omit<Attempt, 'batch' | 'ageMs'>;
  /** On the monotonic clock. */
  answeredAtMs: number;
  verdict?: { effect: 'invalidate' | 'set_aside'; verdict: Omit<TokenVerdict, 'sentAgoMs'>; sentAtMs: number };
}

/**
 * Writes answers in bulk: batch results, the log, statistics and token verdicts in one transaction, so that after any crash
 * either all of an answer is known or nothing of it.
 */
export class Checkpointer {
  private answers: Answer[] = [];

  constructor(
    private readonly leases: Leases,
    private readonly tokens: TokenHealth,
    private readonly db: DataSource,
    private readonly clock: Clock,
  ) {}

  /** Answers not yet safe in Postgres, those of a running write included. */
  unwritten = 0;

  add(answer: Answer): void {
    this.answers.push(answer);
    this.unwritten += 1;
  }

  /**
   * Writes everything that has come in so far and every batch that is dirty. A batch that turns out to be somebody else's is
   * marked as fenced and its answers are dropped.
   *
   * @throws whatever Postgres throws; nothing is lost then, the next call writes it
   */
  async write(runs: readonly BatchRun[]): Promise<void> {
    const answers = this.answers;
    const touched = [...new Set([...answers.map((answer) => answer.run), ...runs.filter((run) => run.isDirty)])].filter(
      (run) => !run.isFenced && !run.isDone,
    );
    this.answers = [];
    if (touched.length === 0) {
      this.unwritten -= answers.length;
      return;
    }
    for (const run of touched) run.isDirty = false;
    try {
      await this.commit(touched, answers);
    } catch (error) {
      this.answers = [...answers, ...this.answers];
      for (const run of touched) run.isDirty = true;
      throw error;
    }
    this.unwritten -= answers.length;
    await this.guard(answers);
  }

  private async commit(runs: readonly BatchRun[], answers: readonly Answer[]): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    const index = new Map(runs.map((run, i) => [run, i]));
    const batches = runs.map((run) => ({
      notificationId: run.claimed.notificationId,
      batchNo: run.claimed.batchNo,
      epoch: run.claimed.epoch,
      result: run.resultText,
      isDone: !run.hasPending && !run.has('3'),
    }));
    const attempts: Attempt[] = [];
    for (const { run, attempt, answeredAtMs } of answers) {
      const batch = index.get(run);
      if (batch !== undefined) attempts.push({ ...attempt, batch, ageMs: nowMs - answeredAtMs });
    }
    const verdicts = answers.filter((answer) => answer.verdict && index.has(answer.run));
    const written =
      verdicts.length === 0
        ? await this.leases.checkpoint(batches, attempts)
        : await this.db.transaction(async (tx) => {
            const ours = await this.leases.checkpoint(batches, attempts, tx);
            const kept = verdicts.filter((answer) => ours.has(index.get(answer.run) ?? -1));
            await this.tokens.invalidate(tx, verdictsOf(kept, 'invalidate', nowMs));
            await this.tokens.setAside(tx, verdictsOf(kept, 'set_aside', nowMs));
            return ours;
          });
    for (const [i, run] of runs.entries()) {
      if (!written.has(i)) run.isFenced = true;
      else if (batches[i]?.isDone) run.isDone = true;
    }
  }

  private async guard(answers: readonly Answer[]): Promise<void> {
    const affected = new Map<string, { applicationId: string; provider: ProviderName }>();
    for (const { run, verdict } of answers) {
      if (verdict?.effect !== 'set_aside') continue;
      const { applicationId, provider } = run.claimed;
      affected.set(`${applicationId} ${provider}`, { applicationId, provider });
    }
    for (const { applicationId, provider } of affected.values()) await this.tokens.guard(applicationId, provider);
  }
}

function verdictsOf(answers: readonly Answer[], effect: 'invalidate' | 'set_aside', nowMs: number): TokenVerdict[] {
  const verdicts: TokenVerdict[] = [];
  for (const { verdict } of answers) {
    if (verdict?.effect === effect) verdicts.push({ ...verdict.verdict, sentAgoMs: nowMs - verdict.sentAtMs });
  }
  return verdicts;
}
