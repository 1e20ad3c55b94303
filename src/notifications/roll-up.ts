import { Inject, Injectable, Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { BatchesService } from '../batches/batches.service.js';
import { DATA_SOURCE } from '../database/transaction.js';
import type { Fact } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { countsOf, endedOf, type NotificationCounts } from './notification.js';
import { type LiveRow, RollUpRepository, type RollUpRow } from './roll-up.repository.js';

/** Notifications per transaction. */
const PAGE = 1_000;
/** Milliseconds between the full passes, at least. */
const PASS_INTERVAL_MS = 3_000;
/** A pass over very many rests for this many times as long as it worked. */
const REST_FACTOR = 10;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Sums batches into their notification and ends it when all are done, so that nobody updates notifications on the hot path.
 * What is marked is done at the next flush; the pass finds what a dead worker had marked.
 */
@Injectable()
export class RollUp {
  private readonly logger = new Logger(RollUp.name);
  private dirty = new Set<string>();
  private pass = { afterId: FIRST_ID, workedMs: 0, restUntilMs: 0 };

  constructor(
    private readonly repository: RollUpRepository,
    private readonly batches: BatchesService,
    private readonly events: EventLog,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Something changed in a batch of this notification. Cheap; call it after the commit. */
  mark(notificationId: string): void {
    this.dirty.add(notificationId);
  }

  /** Rolls up what is marked. To be called every 300 ms or more often, never twice at once; returns the ids that ended. */
  async flush(): Promise<string[]> {
    const marked = [...this.dirty];
    this.dirty = new Set();
    const ended: string[] = [];
    for (let from = 0; from < marked.length; from += PAGE) {
      const ids = marked.slice(from, from + PAGE);
      try {
        ended.push(...(await this.rollUp(ids)));
      } catch (error) {
        for (const id of marked.slice(from)) this.dirty.add(id);
        throw error;
      }
    }
    return ended;
  }

  /**
   * One page of the pass over everything that has not ended, or nothing while it rests. To be called about four times a
   * second; returns the ids that ended.
   */
  async advancePass(): Promise<string[]> {
    const startMs = this.clock.monotonicMs();
    if (startMs < this.pass.restUntilMs) return [];
    const rows = await this.repository.page(this.pass.afterId, PAGE);
    const changed = await this.changedOf(rows);
    const ended = changed.length > 0 ? await this.rollUp(changed) : [];
    const nowMs = this.clock.monotonicMs();
    const workedMs = this.pass.workedMs + nowMs - startMs;
    const last = rows.at(-1);
    if (last && rows.length === PAGE) this.pass = { afterId: last.id, workedMs, restUntilMs: 0 };
    else {
      const restMs = Math.max(PASS_INTERVAL_MS, workedMs * REST_FACTOR);
      this.pass = { afterId: FIRST_ID, workedMs: 0, restUntilMs: nowMs + restMs };
    }
    return ended;
  }

  /** Reads without locks, because most of what is live at any moment has not changed. */
  private async changedOf(rows: readonly LiveRow[]): Promise<string[]> {
    const progress = await this.batches.progress(
      this.db,
      rows.map((row) => row.id),
    );
    return rows
      .filter((row) => {
        const found = progress.get(row.id);
        const isIdle = (found?.open ?? 0) === 0 && (row.isPlanned || row.state === 'cancelled');
        return isIdle || row.state === 'cancelled' || !isSame(countsOf(found), row.counts);
      })
      .map((row) => row.id);
  }

  private async rollUp(ids: readonly string[]): Promise<string[]> {
    const found = await this.db.transaction(async (tx) => {
      const rows = await this.repository.lock(tx, ids);
      // Read after the locks, so that no planner is in between: what it has planned is counted with what it has written.
      const progress = await this.batches.progress(
        tx,
        rows.map((row) => row.id),
      );
      const results = rows.map((row) => {
        const sums = progress.get(row.id);
        const open = sums?.open ?? 0;
        const result = this.resultOf(row, countsOf(sums), open, sums?.firstAttemptAt ?? null);
        return { row: result, open, isChanged: result.isOver || !isSame(result.counts, row.counts) };
      });
      const changed = results.filter(({ isChanged }) => isChanged).map(({ row }) => row);
      if (changed.length > 0) await this.repository.write(tx, changed);
      const ended = results.filter(({ row }) => row.isOver).map(({ row }) => row);
      await this.events.append(tx, await this.events.wanted(ended.map(endOf), tx));
      return results;
    });
    await this.keepMarked(ids, new Set(found.map(({ row }) => row.id)));
    for (const { row, open } of found) {
      // Retries that were made while it was being cancelled would otherwise wait for their time.
      if (row.state === 'cancelled' && open > 0) await this.endCancelled(row.id);
    }
    return found.filter(({ row }) => row.isOver).map(({ row }) => row.id);
  }

  private resultOf(row: LiveRow, counts: NotificationCounts, open: number, firstAttemptAt: Date | null): RollUpRow {
    const isDone = open === 0 && (row.isPlanned || row.state === 'cancelled');
    const isConsistent = counts.planned === row.counts.planned && endedOf(counts) === counts.planned;
    if (isDone && !isConsistent) {
      this.logger.error({ event: 'notification.counts_differ', notificationId: row.id, stored: row.counts, counts });
    }
    const isOver = isDone && isConsistent;
    const state = isOver && row.state !== 'cancelled' ? 'completed' : row.state;
    return { id: row.id, applicationId: row.applicationId, state, isOver, counts, firstAttemptAt };
  }

  /** What another process held, or what is too large to be summed again already, stays marked. */
  private async keepMarked(ids: readonly string[], done: ReadonlySet<string>): Promise<void> {
    const missing = ids.filter((id) => !done.has(id));
    if (missing.length === 0) return;
    for (const id of await this.repository.live(missing)) this.dirty.add(id);
  }

  private async endCancelled(id: string): Promise<void> {
    const ended = await this.batches.endSomePending(this.db, id, 'cancelled', 'cancelled');
    if (ended > 0) this.dirty.add(id);
  }
}

function endOf({ id, applicationId, state, counts }: RollUpRow): Fact {
  const type = state === 'cancelled' ? 'notification.cancelled' : 'notification.completed';
  return { type, applicationId, notificationId: id, data: { counts: { ...counts } } };
}

function isSame(one: NotificationCounts, other: NotificationCounts): boolean {
  return (Object.keys(one) as (keyof NotificationCounts)[]).every((name) => one[name] === other[name]);
}
