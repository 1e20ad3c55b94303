import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { runPrepared, type StatementPart } from '../database/prepared.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { INBOX_USER_ID } from './channel.js';
import type { InboxRef } from './inbox.repository.js';
import type { Position } from './position.js';
import { drawEpoch } from './redis-log.js';

/** What one statement delivered. */
export interface DeliveredNotices {
  taken: number;
  /** Of those taken: too late for anybody. */
  expired: number;
  /** The newest message of each inbox. */
  newest: (InboxRef & { position: Position })[];
}

/** Puts what notifications owe to users into their inboxes. */
@Injectable()
export class NoticesRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * Takes notices out and appends their messages, all or nothing: whoever does it again after a crash finds neither or both.
   * A message lives as long as its notification, and no longer than inboxes keep any.
   *
   * @param name stands for the text of `due`
   * @param due  parts of a `with`; the last one is `due` (`notification_id, application_id, names, message, expires_at`)
   */
  async deliver(name: string, due: StatementPart, event: string, keptHours: number): Promise<DeliveredNotices> {
    const [row] = await runPrepared<{
      taken: number;
      expired: number;
      inboxes: [applicationId: string, userId: string, epoch: string, seq: number][] | null;
    }>(this.db, { name: `deliver_to_${name}`, text: deliverSql(due.sql(5)) }, [
      drawEpoch(),
      event,
      keptHours,
      INBOX_USER_ID.source,
      ...due.values,
    ]);
    const { taken = 0, expired = 0, inboxes } = row ?? {};
    const newest = (inboxes ?? []).map(([applicationId, userId, epoch, seq]) => ({
      applicationId,
      userId,
      position: { epoch, seq },
    }));
    return { taken, expired, newest };
  }
}

// In the order of the inboxes, so that two of these never wait for each other in a circle. Applications are locked first, as
// whoever removes one does. Of several messages to one inbox the later notification gets the higher number. The join is a full
// one, though every row has its match, because that is never done by comparing each with each.
const deliverSql = (due: string) => `
  with ${due}, moment as materialized (
    select carillon_now() as now
  ), alive as materialized (
    select id from application where id in (select application_id from due) for key share
  ), owed as materialized (
    select due.application_id, u.user_id, due.notification_id, due.message, due.expires_at
    from due join alive on alive.id = due.application_id, moment, unnest(due.names) as u(user_id)
    where due.expires_at > moment.now and u.user_id ~ $4::text
  ), inbox as (
    insert into realtime_inbox as i (application_id, user_id, epoch, last_seq, used_at)
    select application_id, user_id, $1::text, count(*), (select now from moment) from owed group by 1, 2 order by 1, 2
    on conflict (application_id, user_id) do update set last_seq = i.last_seq + excluded.last_seq,
      used_at = case when i.used_at < excluded.used_at - interval '1 day' then excluded.used_at else i.used_at end
    returning application_id, user_id, epoch, last_seq
  ), stored as (
    insert into realtime_inbox_message (application_id, user_id, seq, event, data, at, expires_at)
    select o.application_id, o.user_id,
      i.last_seq + 1 - row_number() over (partition by o.application_id, o.user_id order by o.notification_id desc),
      $2::text, o.message, moment.now, least(o.expires_at, moment.now + make_interval(hours => $3::int))
    from owed o full join inbox i on i.application_id = o.application_id and i.user_id = o.user_id, moment
  )
  select (select count(*) from due)::int as taken,
    (select count(*) from due, moment where due.expires_at <= moment.now)::int as expired,
    (select json_agg(json_build_array(application_id, user_id, epoch, last_seq)) from inbox) as inboxes`;
