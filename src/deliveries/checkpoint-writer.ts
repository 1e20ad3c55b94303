import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { Leases } from '../batches/leases.js';
import { DATA_SOURCE } from '../database/transaction.js';
import type { TokenVerdict } from '../devices/device.js';
import { TokenHealth } from '../devices/token-health.js';
import type { Fact } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { Grouped } from '../lib/grouped.js';
import { LANES, type Lane, type ProviderName } from '../lib/names.js';
import type { BatchRun } from './batch-run.js';
import type { Answer, Checkpointer } from './checkpointer.js';

/** Milliseconds between checkpoints of a lane: shorter than anybody waits for the log, long enough for many answers to come. */
const INTERVAL_MS = 15;

/**
 * Writes the answers of all jobs of a lane in bulk: batch results, the log, statistics, token verdicts and events in one transaction,
 * so that after any crash either all of an answer is known or nothing of it. Jobs that come while one is under way share the
 * next: a statement costs as much as a hundred of its rows.
 */
@Injectable()
export class CheckpointWriter {
  private readonly lanes: ReadonlyMap<Lane, Grouped<Checkpointer, undefined>>;

  constructor(
    private readonly leases: Leases,
    private readonly tokens: TokenHealth,
    private readonly events: EventLog,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.lanes = new Map(
      LANES.map((lane) => [lane, new Grouped((jobs) => this.writeAll(jobs), { intervalMs: INTERVAL_MS })]),
    );
  }

  /** What the job has collected until its turn comes. @throws whatever Postgres throws, for this job's answers alone */
  async write(lane: Lane, job: Checkpointer): Promise<void> {
    await this.lanes.get(lane)?.submit(job);
  }

  private async writeAll(jobs: readonly Checkpointer[]): Promise<undefined[]> {
    const taken = jobs.map((job) => ({ job, page: job.take() }));
    const answers = taken.flatMap(({ page }) => page.answers);
    try {
      await this.commit(
        taken.flatMap(({ page }) => page.runs),
        answers,
      );
    } catch (error) {
      for (const { job, page } of taken) job.putBack(page);
      throw error;
    }
    for (const { job, page } of taken) job.written(page);
    await this.guard(answers);
    return jobs.map(() => undefined);
  }

  private async commit(runs: readonly BatchRun[], answers: readonly Answer[]): Promise<void> {
    if (runs.length === 0) return;
    const nowMs = this.clock.monotonicMs();
    const index = new Map(runs.map((run, i) => [run, i]));
    const batches = runs.map((run) => ({
      notificationId: run.claimed.notificationId,
      batchNo: run.claimed.batchNo,
      epoch: run.claimed.epoch,
      result: run.resultText,
      isDone: !run.hasPending && !run.hasMoved,
    }));
    // Those of a batch that was fenced meanwhile are left out.
    const attempts = answers.filter((answer) => index.has(answer.run));
    for (const attempt of attempts) {
      attempt.batch = index.get(attempt.run) ?? 0;
      attempt.ageMs = nowMs - attempt.answeredAtMs;
    }
    const verdicts = attempts.filter((answer) => answer.verdict);
    const facts = await this.events.wanted(factsOf(attempts));
    const written =
      verdicts.length === 0 && facts.length === 0
        ? await this.leases.checkpoint(batches, attempts)
        : await this.db.transaction(async (tx) => {
            const ours = await this.leases.checkpoint(batches, attempts, tx);
            await this.events.append(
              tx,
              facts.filter((fact) => ours.has(fact.batch)),
            );
            const kept = verdicts.filter((answer) => ours.has(answer.batch));
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

/** What webhooks may want to hear of; of acceptances and retries nothing. */
function factsOf(answers: readonly Answer[]): (Fact & { batch: number })[] {
  const facts: (Fact & { batch: number })[] = [];
  for (const { statusAfter, run, deviceId, code, batch } of answers) {
    if (statusAfter !== 'failed' && statusAfter !== 'expired') continue;
    const { applicationId, notificationId, provider } = run.claimed;
    const data = { provider, code };
    facts.push({ type: `delivery.${statusAfter}`, applicationId, notificationId, device: deviceId, data, batch });
  }
  return facts;
}

function verdictsOf(answers: readonly Answer[], effect: 'invalidate' | 'set_aside', nowMs: number): TokenVerdict[] {
  const verdicts: TokenVerdict[] = [];
  for (const { verdict } of answers) {
    if (verdict?.effect === effect) verdicts.push({ ...verdict.verdict, sentAgoMs: nowMs - verdict.sentAtMs });
  }
  return verdicts;
}
