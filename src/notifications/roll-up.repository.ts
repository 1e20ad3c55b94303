import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { NotificationCounts, NotificationState } from './notification.js';
import { boundsOf } from './notifications.repository.js';

/** Deliveries. Summing the batches of a larger notification is worth doing once a second, not four times. */
const LARGE_NOTIFICATION = 20_000;

/** A notification that has not ended, with the counts of its last roll-up. */
export interface LiveRow {
  id: string;
  applicationId: string;
  state: NotificationState;
  isPlanned: boolean;
  counts: NotificationCounts;
}

/** What a roll-up found. */
export interface RollUpRow {
  id: string;
  applicationId: string;
  state: NotificationState;
  /** Nothing more will happen to it. */
  isOver: boolean;
  counts: NotificationCounts;
  firstAttemptAt: Date | null;
}

const COUNTS = `jsonb_build_object('planned', planned, 'accepted', accepted, 'failed', failed, 'expired', expired,
  'cancelled', cancelled, 'suppressed', suppressed, 'unknown', unknown, 'retried', retried) as counts`;
const COLUMNS = `id, application_id as "applicationId", state, is_planned as "isPlanned", ${COUNTS}`;

/** SQL of the roll-up, the only writer of a notification's counts and of its end. */
@Injectable()
export class RollUpRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Locks those that may be rolled up now; leaves out what ended, what somebody else holds, and what was just done. */
  async lock(db: Database, ids: readonly string[]): Promise<LiveRow[]> {
    return db.query(
      `select ${COLUMNS} from notification
       where id = any($1::uuid[]) and id between $2 and $3 and completed_at is null
         and (planned < ${LARGE_NOTIFICATION} or rolled_up_at is null or rolled_up_at < carillon_now() - interval '1 second')
       for update skip locked`,
      [ids, ...boundsOf(ids)],
    );
  }

  /** Those of `ids` that have not ended. */
  async live(ids: readonly string[]): Promise<string[]> {
    const rows = await this.db.query(
      'select id from notification where id = any($1::uuid[]) and id between $2 and $3 and completed_at is null',
      [ids, ...boundsOf(ids)],
    );
    return rows.map((row: { id: string }) => row.id);
  }

  /** A page of all that have not ended, in the order of their ids, without locks. */
  async page(afterId: string, limit: number): Promise<LiveRow[]> {
    return this.db.query(
      `select ${COLUMNS} from notification where completed_at is null and id > $1 order by id limit $2`,
      [afterId, limit],
    );
  }

  async write(db: Database, rows: readonly RollUpRow[]): Promise<void> {
    const records = rows.map((row) => ({
      id: row.id,
      s: row.state,
      o: row.isOver,
      f: row.firstAttemptAt,
      ...row.counts,
    }));
    await db.query(
      `update notification n set accepted = r.accepted, failed = r.failed, expired = r.expired, cancelled = r.cancelled,
         suppressed = r.suppressed, unknown = r.unknown, retried = r.retried, state = r.s,
         first_attempt_at = coalesce(n.first_attempt_at, r.f), rolled_up_at = carillon_now(),
         completed_at = case when r.o then carillon_now() end
       from jsonb_to_recordset($1::jsonb) as r(id uuid, s text, o boolean, f timestamptz, accepted int, failed int,
         expired int, cancelled int, suppressed int, unknown int, retried int)
       where n.id = r.id and n.id between $2 and $3`,
      [JSON.stringify(records), ...boundsOf(rows.map((row) => row.id))],
    );
  }
}
