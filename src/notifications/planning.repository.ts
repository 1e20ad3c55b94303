import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { Audience } from '../devices/audience.js';
import type { Lane } from '../lib/names.js';
import type { LiveOptions } from './live.js';

/** Seconds after which a planner that wrote nothing counts as dead. */
const PLANNER_TIMEOUT_SECONDS = 20;
/** Seconds until a job that was put on Bull for a planner counts as lost. */
const WAKE_TIMEOUT_SECONDS = 5;

/** One step of walking a notification's audience. */
export interface PlanTurn {
  id: string;
  applicationId: string;
  lane: Lane;
  audience: Audience;
  options: LiveOptions;
  expiresAt: Date;
  /** The last device id that is planned. */
  cursor: number;
  /** The highest device id that belongs to the audience; null until planning starts. */
  bound: number | null;
}

/** Unplanned and under way; what is paused only when its time has passed, so that every delivery is on record as expired. */
const IS_TO_PLAN = `not is_planned
  and (state in ('scheduled', 'planning') or (state = 'paused' and expires_at <= carillon_now()))`;

/** SQL over the columns of `notification` that planning keeps. */
@Injectable()
export class PlanningRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * Takes a notification for one step of planning. Undefined: another planner is at it, it is planned, or it must not be
   * planned now (not due, paused, ended).
   *
   * Keeps other planners away for as long as the transaction lasts, but nobody else: whoever pauses or cancels meanwhile
   * does not wait, and {@link advance} finds out.
   */
  async take(db: Database, id: string): Promise<PlanTurn | undefined> {
    // A statement of its own: the next one must see what the planner before has committed.
    const [lock] = await db.query('select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as taken', [id]);
    if (!lock.taken) return undefined;
    const rows = await db.query(
      `select id, application_id as "applicationId", lane, audience, options, expires_at as "expiresAt", plan_cursor as cursor,
         plan_bound as bound
       from notification where id = $1 and send_at <= carillon_now() and ${IS_TO_PLAN}`,
      [id],
    );
    return rows[0];
  }

  /**
   * Records one step: up to which device the batches of this transaction go. False, and the transaction must be rolled back:
   * it was paused, cancelled or planned by another in the meantime.
   */
  async advance(
    db: Database,
    turn: PlanTurn,
    step: { cursor: number; bound: number; planned: number; isPlanned: boolean },
  ): Promise<boolean> {
    const state = `case when $5 then 'sending' else 'planning' end`;
    const rows = await db.query(
      `with step as (
       update notification set plan_cursor = $2, plan_bound = $3, planned = planned + $4, is_planned = $5,
         plan_wake_at = carillon_now() + interval '${PLANNER_TIMEOUT_SECONDS} seconds',
         state = case when state = 'paused' then state else ${state} end,
         state_before_pause = case when state = 'paused' then ${state} end
       where id = $1 and plan_cursor = $6 and ${IS_TO_PLAN}
       returning id, planned
       ), told as (
         insert into notification_change (notification_id, kind, detail)
         select id, kind, case when kind = 'planned' then jsonb_build_object('deliveries', planned) end
         from step cross join unnest($7::text[]) as kind)
       select 1 from step`,
      [turn.id, step.cursor, step.bound, step.planned, step.isPlanned, turn.cursor, landmarksOf(turn, step)],
    );
    return rows.length === 1;
  }

  /** Notifications that need a planner. Each is handed out again only after some seconds, so that many sweeps may run. */
  async takeDue(limit: number): Promise<string[]> {
    const [rows] = await this.db.query(
      `update notification n set plan_wake_at = carillon_now() + interval '${WAKE_TIMEOUT_SECONDS} seconds'
       from (select id from notification where not is_planned and state <> 'cancelled' and plan_wake_at <= carillon_now()
             order by plan_wake_at limit $1 for update skip locked) due
       where n.id = due.id returning n.id`,
      [limit],
    );
    return rows.map((row: { id: string }) => row.id);
  }
}

/** What the timeline tells of a step: its beginning when there are others to come, and its end. */
function landmarksOf(turn: PlanTurn, step: { isPlanned: boolean }): string[] {
  if (step.isPlanned) return ['planned'];
  return turn.bound === null ? ['planning'] : [];
}
