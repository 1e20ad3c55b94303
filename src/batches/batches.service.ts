import { Injectable } from '@nestjs/common';
import type { StatementPart } from '../database/prepared.js';
import type { Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import { type BatchProgress, type NewRoot, RESULT } from './batch.js';
import { BatchesRepository } from './batches.repository.js';
import { rootsPart } from './roots.repository.js';

/** Deliveries that one statement ends, each with its entry in the log. */
const DELIVERIES_PER_STEP = 10_000;

/** What other features may ask of the batches. */
@Injectable()
export class BatchesService {
  constructor(private readonly repository: BatchesRepository) {}

  /** Writes root batches, of any number of notifications. */
  insertRoots(
    db: Database,
    roots: readonly NewRoot[],
  ): Promise<{ notificationId: string; provider: ProviderName; batchNo: number; n: number }[]> {
    return roots.length === 0 ? Promise.resolve([]) : this.repository.insertRoots(db, roots);
  }

  /** The same as a part of the statement that stores the notifications; what it reads and returns: `roots.repository.ts`. */
  rootsPart(roots: readonly NewRoot[]): StatementPart {
    return rootsPart(roots);
  }

  /** Ends everything of a notification that is unsent and not in a worker's hands; returns the number of batches. */
  async endPending(
    db: Database,
    notificationId: string,
    status: 'cancelled' | 'expired' | 'failed',
    code: string,
  ): Promise<number> {
    let total = 0;
    for (;;) {
      const ended = await this.endSomePending(db, notificationId, status, code);
      if (ended === 0) return total;
      total += ended;
    }
  }

  /** One step of {@link endPending}, short enough for a timer that has others to look after; 0 when nothing is left. */
  endSomePending(
    db: Database,
    notificationId: string,
    status: 'cancelled' | 'expired' | 'failed',
    code: string,
  ): Promise<number> {
    const end = { result: RESULT[status], status, code, onlyExpired: status === 'expired' };
    return this.repository.endPending(db, notificationId, end, DELIVERIES_PER_STEP);
  }

  /** Sums over the batches of each notification; one without batches is missing. */
  async progress(db: Database, ids: readonly string[]): Promise<Map<string, BatchProgress>> {
    if (ids.length === 0) return new Map();
    const rows = await this.repository.progress(db, ids);
    return new Map(rows.map(({ notificationId, ...progress }) => [notificationId, progress]));
  }
}
