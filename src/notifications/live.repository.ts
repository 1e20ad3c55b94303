import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { StatementPart } from '../database/prepared.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { Audience } from '../devices/audience.js';
import { idRange } from '../lib/ids.js';
import type { LiveOptions } from './live.js';

/** Users of a notice that does not stand behind longer ones; also in the indexes. */
const FEW_USERS = 20;
/** Notices to users that one statement delivers, and users after whom it takes no further one; a notice has 1,000 at most. */
const NOTICES_AT_ONCE = 200;
const USERS_AT_ONCE = 1_000;
/** Broadcasts that one round takes, and seconds after which they are taken again unless they were removed. */
const BROADCASTS_AT_ONCE = 20;
const BROADCAST_RETRY_SECONDS = 5;
const PURGE_PAGE = 5_000;

/** A notice that goes to a channel which many follow. */
export interface Broadcast {
  notificationId: string;
  applicationId: string;
  kind: 'topics' | 'all';
  /** Topics. */
  names: readonly string[];
  message: string;
  /** Its time has passed: it must not be delivered any more. */
  isExpired: boolean;
}

/** A notification of which a user may have seen a copy. */
export interface Shown {
  id: string;
  mode: NonNullable<LiveOptions['realtime']>;
  /** Undefined: the user is named. */
  broadcast?: Pick<Broadcast, 'kind' | 'names'>;
}

/** SQL over what notifications owe to open screens, and over who acknowledged them. The accept statement writes the notices. */
@Injectable()
export class LiveRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * Takes due notices to users out, as the first parts of the `with` of the statement that delivers them. The last one is
   * `due` (`notification_id, application_id, names, message, expires_at`).
   */
  dueNotices(to: 'few' | 'many'): StatementPart {
    return { sql: () => (to === 'few' ? DUE_TO_FEW : DUE_TO_MANY), values: [] };
  }

  /** Due broadcasts; each is handed out again after some seconds unless it was removed. */
  async takeBroadcasts(): Promise<Broadcast[]> {
    const [rows] = await this.db.query(
      `update live_notice l set due_at = carillon_now() + interval '${BROADCAST_RETRY_SECONDS} seconds'
       from (select notification_id from live_notice where kind <> 'users' and due_at <= carillon_now()
             order by due_at limit ${BROADCASTS_AT_ONCE} for update skip locked) due
       where l.notification_id = due.notification_id
       returning l.notification_id as "notificationId", l.application_id as "applicationId", l.kind, l.names, l.message,
         l.expires_at <= carillon_now() as "isExpired"`,
    );
    return rows;
  }

  /** Nothing is owed any more. */
  async remove(notificationIds: readonly string[], db: Database = this.db): Promise<void> {
    await db.query('delete from live_notice where notification_id = any($1::uuid[])', [notificationIds]);
  }

  /** Until it is resumed, or its time has passed. */
  async pause(db: Database, notificationId: string): Promise<void> {
    await db.query('update live_notice set due_at = expires_at where notification_id = $1', [notificationId]);
  }

  async resume(db: Database, notificationId: string): Promise<void> {
    await db.query(
      `update live_notice l set due_at = greatest(n.send_at, carillon_now())
       from notification n where n.id = $1 and l.notification_id = $1`,
      [notificationId],
    );
  }

  /** Those of `ids` that went to open screens, to this user or to many. */
  async shown(applicationId: string, userId: string, ids: readonly string[]): Promise<Shown[]> {
    const rows: { id: string; mode: Shown['mode']; isNamed: boolean | null; topics: string[] | null }[] =
      await this.db.query(
        `select id, options->>'realtime' as mode, audience->'userIds' ? $3::text as "isNamed", audience->'topics' as topics
         from notification
         where id = any($1::uuid[]) and id between $4 and $5 and application_id = $2 and options ? 'realtime'
           and send_at <= carillon_now()`,
        [ids, applicationId, userId, ...idRange(ids)],
      );
    return rows.flatMap(({ id, mode, isNamed, topics }): Shown[] => {
      if (isNamed !== null) return isNamed ? [{ id, mode }] : [];
      return [{ id, mode, broadcast: topics ? { kind: 'topics', names: topics } : { kind: 'all', names: [] } }];
    });
  }

  /** Committed when it resolves; of repeated ones the first counts. */
  async acknowledge(applicationId: string, userId: string, ids: readonly string[]): Promise<void> {
    await this.db.query(
      `insert into live_acknowledgement (notification_id, user_id, application_id)
       select id, $2, $3 from unnest($1::uuid[]) as id order by id on conflict do nothing`,
      [ids, userId, applicationId],
    );
  }

  /** Who acknowledged; a notification that nobody did is missing. */
  async acknowledged(ids: readonly string[]): Promise<Map<string, ReadonlySet<string>>> {
    const rows: { id: string; users: string[] }[] = await this.db.query(
      `select notification_id as id, json_agg(user_id) as users from live_acknowledgement
       where notification_id = any($1::uuid[]) group by 1`,
      [ids],
    );
    return new Map(rows.map(({ id, users }) => [id, new Set(users)]));
  }

  async forgetUser(applicationId: string, userId: string): Promise<void> {
    await this.db.query('delete from live_acknowledgement where application_id = $1 and user_id = $2', [
      applicationId,
      userId,
    ]);
    await this.db.query(
      `update live_notice set names = array_remove(names, $2)
       where application_id = $1 and kind = 'users' and names @> array[$2]`,
      [applicationId, userId],
    );
  }

  /** Forgets up to 5,000 acknowledgements that are older; returns how many. */
  async purge(days: number): Promise<number> {
    const [, purged] = await this.db.query(
      `delete from live_acknowledgement where ctid = any(array(
         select ctid from live_acknowledgement where at <= carillon_now() - make_interval(days => $1)
         order by at limit ${PURGE_PAGE} for update skip locked))`,
      [days],
    );
    return purged;
  }
}

const dueNotices = (condition: string) => `
  candidate as materialized (
    select notification_id, cardinality(names) as users from live_notice
    where kind = 'users' and ${condition} and due_at <= (select carillon_now()) order by due_at limit ${NOTICES_AT_ONCE}
    for update skip locked
  ), chosen as (
    select notification_id from (
      select notification_id, sum(users) over (order by notification_id) - users as before from candidate) counted
    where before < ${USERS_AT_ONCE}
  ), due as (
    delete from live_notice l using chosen where l.notification_id = chosen.notification_id
    returning l.notification_id, l.application_id, l.names, l.message, l.expires_at
  )`;
const DUE_TO_FEW = dueNotices(`cardinality(names) <= ${FEW_USERS}`);
const DUE_TO_MANY = dueNotices(`cardinality(names) > ${FEW_USERS}`);

/** The way of a notice; `few` and `many` are users. */
export type NoticeRoute = 'few' | 'many' | 'broadcasts';

/** Which way what goes to an audience takes. */
export function routeOf(audience: Audience): NoticeRoute {
  if (!('userIds' in audience)) return 'broadcasts';
  return audience.userIds.length <= FEW_USERS ? 'few' : 'many';
}
