import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { words } from '../database/array-literal.js';
import { runPrepared } from '../database/prepared.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { Grouped } from '../lib/grouped.js';
import type { Lane, ProviderName } from '../lib/names.js';
import {
  hasEnded,
  type LiveState,
  type NewNotification,
  type Notification,
  type NotificationCounts,
  type NotificationState,
  type WaitingFacts,
} from './notification.js';

/** What {@link NotificationsRepository.list} looks for. Ids are bounds by time: UUID v7. */
export interface NotificationFilter {
  status?: NotificationState | undefined;
  fromId?: string | undefined;
  toId?: string | undefined;
  /** The last id of the page before. */
  beforeId?: string | undefined;
  lane?: Lane | undefined;
  /** In the title or the body, in any case. */
  text?: string | undefined;
}

export interface NotificationList {
  rows: Notification[];
  /** The last id that was looked at, where there may be more although the page is not full. */
  next: string | undefined;
}

/** A closed gate in front of deliveries that are pending. */
export interface Blocker {
  provider: ProviderName;
  scope: string;
  reason: string;
  until: Date;
}

/** Receipts by their type, and users who acknowledged on an open screen. */
export type ReportedCounts = Record<'delivered' | 'displayed' | 'opened' | 'dismissed' | 'live', number>;

const MAX_BLOCKERS = 50;
/** Notifications that one page of a list looks at, at most. */
const MAX_EXAMINED = 10_000;

const COLUMNS = `id, application_id, lane, semantics, audience, content, options, overrides, state, created_at, send_at, expires_at,
  plan_cursor, plan_bound, is_planned, stopped, planned, accepted, failed, expired, cancelled, suppressed, unknown, retried,
  first_attempt_at, completed_at`;

const FIND = {
  name: 'find_notifications',
  text: `select ${COLUMNS} from notification where id = any($1::uuid[]) and id between $2 and $3`,
};

/** SQL over `notification` as callers and workers see it; planning and the roll-up have their own. */
@Injectable()
export class NotificationsRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  private readonly clock = new Grouped(async (items: readonly undefined[]) => {
    const rows = await this.db.query('select carillon_now() as now');
    return items.map(() => rows[0].now as Date);
  });

  /** The database's time; calls at the same moment share a look. */
  now(): Promise<Date> {
    return this.clock.submit(undefined);
  }

  async find(ids: readonly string[]): Promise<Notification[]> {
    const rows = await runPrepared<Row>(this.db, FIND, [words(ids), ...boundsOf(ids)]);
    return rows.map(toNotification);
  }

  /** Newest first. Looks at a bounded number of notifications, so that rare ones among millions take several pages. */
  async list(applicationId: string, filter: NotificationFilter, limit: number): Promise<NotificationList> {
    const { status, lane, text } = filter;
    // Few are live, and they have an index of their own.
    const isLive = status !== undefined && !hasEnded(status);
    const inOrder = `
      select * from notification
      where application_id = $1 ${isLive ? 'and completed_at is null' : ''}
        and id >= coalesce($2::uuid, '00000000-0000-0000-0000-000000000000')
        and id < least($3::uuid, $4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      order by id desc`;
    const span = [applicationId, filter.fromId, filter.toId, filter.beforeId];
    const rows = await this.db.query(
      `select ${COLUMNS} from (${inOrder} limit $5) n
       where ($6::text is null or state = $6) and ($7::text is null or lane = $7)
         and ($8::text is null or position(lower($8) in lower(concat_ws(chr(10), content ->> 'title', content ->> 'body'))) > 0)
       order by id desc limit $9`,
      [...span, MAX_EXAMINED, status, lane, text, limit],
    );
    const found = { rows: rows.map(toNotification), next: undefined };
    if (rows.length >= limit || (status ?? lane ?? text) === undefined) return found;
    const [last] = await this.db.query(`select id from (${inOrder} offset $5 limit 1) n`, [...span, MAX_EXAMINED - 1]);
    return { ...found, next: last?.id };
  }

  /** States of those that exist. */
  async liveStates(ids: readonly string[]): Promise<Map<string, LiveState>> {
    const rows: ({ id: string } & LiveState)[] = await this.db.query(
      'select id, state, stopped from notification where id = any($1::uuid[]) and id between $2 and $3',
      [ids, ...boundsOf(ids)],
    );
    return new Map(rows.map(({ id, ...state }) => [id, state]));
  }

  /** What deliveries of these wait for that are pending; those that exist. */
  async waitingFacts(ids: readonly string[]): Promise<Map<string, WaitingFacts>> {
    if (ids.length === 0) return new Map();
    const rows: ({ id: string } & WaitingFacts)[] = await this.db.query(
      `select id, state, send_at as "sendAt", expires_at as "expiresAt", coalesce(options->>'realtime' = 'first', false) as "isLiveFirst"
       from notification where id = any($1::uuid[]) and id between $2 and $3`,
      [ids, ...boundsOf(ids)],
    );
    return new Map(rows.map(({ id, ...facts }) => [id, facts]));
  }

  /** Undefined when there is none of that id. Waits for whoever is changing it. */
  async lockState(db: Database, applicationId: string, id: string): Promise<NotificationState | undefined> {
    const rows = await db.query('select state from notification where id = $1 and application_id = $2 for update', [
      id,
      applicationId,
    ]);
    return rows[0]?.state;
  }

  async cancel(db: Database, id: string): Promise<boolean> {
    const [, changed] = await db.query(
      `update notification set state = 'cancelled' where id = $1 and state not in ('completed', 'cancelled')`,
      [id],
    );
    return changed === 1;
  }

  /** The rest of a paused audience is planned when its time has passed, so that every delivery is on record as expired. */
  async pause(db: Database, id: string): Promise<boolean> {
    const [, changed] = await db.query(
      `update notification set state = 'paused', state_before_pause = state, plan_wake_at = expires_at
       where id = $1 and state in ('scheduled', 'planning', 'sending')`,
      [id],
    );
    return changed === 1;
  }

  async resume(db: Database, id: string): Promise<boolean> {
    const [, changed] = await db.query(
      `update notification set state = state_before_pause, state_before_pause = null,
         plan_wake_at = greatest(send_at, carillon_now())
       where id = $1 and state = 'paused'`,
      [id],
    );
    return changed === 1;
  }

  /** False when it was stopped already, or has ended. */
  async stopProvider(id: string, provider: ProviderName, code: string): Promise<boolean> {
    const rows = await this.db.query(
      `with stopped as (
         update notification set stopped = stopped || jsonb_build_object($2::text, $3::text)
         where id = $1 and completed_at is null and not stopped ? $2::text returning id)
       insert into notification_change (notification_id, kind, detail)
       select id, 'provider_stopped', jsonb_build_object('provider', $2::text, 'code', $3::text) from stopped returning 1`,
      [id, provider, code],
    );
    return rows.length === 1;
  }

  async blockers(applicationId: string, id: string): Promise<Blocker[]> {
    return this.db.query(
      `select g.provider, g.scope, g.reason, g.closed_until as until from gate g
       where g.application_id = $1 and g.state = 'closed' and g.closed_until > carillon_now()
         and exists (select 1 from dispatch_batch b where b.notification_id = $2 and b.provider = g.provider and b.state <> 'done')
       order by g.provider, g.scope limit ${MAX_BLOCKERS}`,
      [applicationId, id],
    );
  }

  async reportedCounts(id: string): Promise<ReportedCounts> {
    const rows: { type: keyof ReportedCounts; n: number }[] = await this.db.query(
      `select type, count(*)::int as n from receipt where notification_id = $1 group by type
       union all select 'live', count(*)::int from live_acknowledgement where notification_id = $1`,
      [id],
    );
    const none = { delivered: 0, displayed: 0, opened: 0, dismissed: 0, live: 0 };
    return Object.assign(none, Object.fromEntries(rows.map(({ type, n }) => [type, n])));
  }
}

/** The least and the greatest of some ids: by these Postgres leaves out the partitions of other days before it opens them. */
export function boundsOf(ids: readonly string[]): [least: string | undefined, greatest: string | undefined] {
  const sorted = ids.toSorted();
  return [sorted[0], sorted.at(-1)];
}

type Row = Omit<NewNotification, 'applicationId' | 'createdAt' | 'sendAt' | 'expiresAt'> &
  NotificationCounts & {
    application_id: string;
    state: NotificationState;
    created_at: Date;
    send_at: Date;
    expires_at: Date;
    plan_cursor: number;
    plan_bound: number | null;
    is_planned: boolean;
    stopped: Notification['stopped'];
    first_attempt_at: Date | null;
    completed_at: Date | null;
  };

function toNotification(row: Row): Notification {
  return {
    id: row.id,
    applicationId: row.application_id,
    lane: row.lane,
    semantics: row.semantics,
    audience: row.audience,
    content: row.content,
    options: row.options,
    overrides: row.overrides,
    createdAt: row.created_at,
    sendAt: row.send_at,
    expiresAt: row.expires_at,
    state: row.state,
    isPlanned: row.is_planned,
    planCursor: row.plan_cursor,
    planBound: row.plan_bound,
    stopped: row.stopped,
    counts: {
      planned: row.planned,
      accepted: row.accepted,
      failed: row.failed,
      expired: row.expired,
      cancelled: row.cancelled,
      suppressed: row.suppressed,
      unknown: row.unknown,
      retried: row.retried,
    },
    firstAttemptAt: row.first_attempt_at,
    completedAt: row.completed_at,
  };
}
