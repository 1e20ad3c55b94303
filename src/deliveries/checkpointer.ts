import type { Attempt } from '../batches/batch.js';
import type { TokenVerdict } from '../devices/device.js';
import type { Lane } from '../lib/names.js';
import type { BatchRun } from './batch-run.js';
import type { CheckpointWriter } from './checkpoint-writer.js';

/** An answer that is not written yet. */
export interface Answer extends Attempt {
  run: BatchRun;
  /** On the monotonic clock. */
  answeredAtMs: number;
  verdict?: { effect: 'invalidate' | 'set_aside'; verdict: Omit<TokenVerdict, 'sentAgoMs'>; sentAtMs: number };
}

/** What one job has to write at a moment. */
export interface CheckpointPage {
  runs: readonly BatchRun[];
  answers: readonly Answer[];
}

/** The answers of one job on their way to Postgres. */
export class Checkpointer {
  private answers: Answer[] = [];

  constructor(
    private readonly lane: Lane,
    private readonly runs: readonly BatchRun[],
    private readonly writer: CheckpointWriter,
  ) {}

  /** Answers not yet safe in Postgres, those of a running write included. */
  unwritten = 0;

  add(answer: Answer): void {
    this.answers.push(answer);
    this.unwritten += 1;
  }

  /**
   * Writes everything that has come in until its turn comes, and every batch that is dirty then. A batch that turns out to be
   * somebody else's is marked as fenced and its answers are dropped.
   *
   * @throws whatever Postgres throws; nothing is lost then, the next call writes it
   */
  write(): Promise<void> {
    return this.writer.write(this.lane, this);
  }

  /** Hands out what is to be written now; {@link written} or {@link putBack} must follow. */
  take(): CheckpointPage {
    const answers = this.answers;
    const runs = this.runs.filter((run) => run.isDirty && !run.isFenced && !run.isDone);
    this.answers = [];
    for (const run of runs) run.isDirty = false;
    return { runs, answers };
  }

  written(page: CheckpointPage): void {
    this.unwritten -= page.answers.length;
  }

  putBack(page: CheckpointPage): void {
    this.answers = [...page.answers, ...this.answers];
    for (const run of page.runs) run.isDirty = true;
  }
}
