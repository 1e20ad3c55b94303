import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import { idRange } from '../lib/ids.js';

/** SQL that takes single users out of batches. */
@Injectable()
export class SuppressionRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * Ends what is unsent to a user's devices in batches that no worker holds, with an entry in the log for each.
   *
   * @returns those of `notificationIds` of which nothing went to these devices, or may be going
   */
  async suppressUser(
    notificationIds: readonly string[],
    applicationId: string,
    userId: string,
    code: string,
  ): Promise<string[]> {
    await this.db.query(SUPPRESS_USER, [notificationIds, applicationId, userId, ...idRange(notificationIds), code]);
    const rows: { id: string }[] = await this.db.query(UNSENT_TO_USER, [
      notificationIds,
      applicationId,
      userId,
      ...idRange(notificationIds),
    ]);
    return rows.map(({ id }) => id);
  }
}

/**
 * The row lock decides between this and a claim: whoever comes second sees what the first has done. What waits for a retry
 * (`3`) has not arrived, and whoever claims the child learns of the acknowledgement.
 */
const SUPPRESS_USER = `
  with own as materialized (
    select coalesce(array_agg(id), '{}') as ids from device where application_id = $2 and user_id = $3
  ), target as materialized (
    select b.notification_id, b.batch_no, b.result as before,
      (select string_agg(case when d.mark = '0' and d.device_id = any(own.ids) then '6' else d.mark end, '' order by d.position)
       from unnest(b.device_ids, string_to_array(b.result, null)) with ordinality d(device_id, mark, position)) as after
    from dispatch_batch b, own
    where b.notification_id = any($1::uuid[]) and b.notification_id between $4 and $5
      and b.state in ('pending', 'queued') and b.device_ids && own.ids
    order by b.notification_id, b.batch_no for update of b
  ), ended as (
    update dispatch_batch b set result = t.after, suppressed = length(t.after) - length(replace(t.after, '6', '')),
      state = case when t.after ~ '[0389]' then b.state else 'done' end,
      queued_until = case when t.after ~ '[0389]' then b.queued_until end,
      failures = carillon_add_counts(b.failures, jsonb_build_object('suppressed ' || $6::text,
        length(replace(t.before, '6', '')) - length(replace(t.after, '6', ''))))
    from target t
    where b.notification_id = t.notification_id and b.batch_no = t.batch_no and b.notification_id between $4 and $5
      and t.after <> t.before
    returning b.application_id, b.notification_id, b.batch_no, b.device_ids, b.provider, b.lane, t.before, t.after
  )
  insert into delivery_attempt (at, application_id, notification_id, device_id, batch_no, is_call, provider, lane, outcome, code, status_after)
  select carillon_now(), e.application_id, e.notification_id, d.device_id, e.batch_no, false, e.provider, e.lane, '', $6::text, 'suppressed'
  from ended e, unnest(e.device_ids, string_to_array(e.before, null), string_to_array(e.after, null)) d(device_id, before, after)
  where d.before <> d.after`;

/**
 * Looks after the first statement, at what everybody has committed by then: of several screens that speak at once, one has
 * done it for all. Claimed, accepted, unclear, or about to be sent when its worker died counts as gone. What no worker holds
 * and is unsent was planned after the acknowledgement, of which its worker will learn.
 */
const UNSENT_TO_USER = `
  with own as materialized (
    select coalesce(array_agg(id), '{}') as ids from device where application_id = $2 and user_id = $3
  ), known as (
    select b.notification_id, b.state, d.mark
    from own, dispatch_batch b, unnest(b.device_ids, string_to_array(b.result, null)) d(device_id, mark)
    where b.notification_id = any($1::uuid[]) and b.notification_id between $4 and $5
      and b.device_ids && own.ids and d.device_id = any(own.ids)
  )
  select asked.id from unnest($1::uuid[]) as asked(id)
  where not exists (
    select 1 from known k where k.notification_id = asked.id
      and (k.mark in ('1', '7', '8', '9') or (k.mark = '0' and k.state not in ('pending', 'queued'))))`;
