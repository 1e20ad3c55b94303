import type { DataSource } from 'typeorm';
import { insertDevices, storeNotification } from './notification.js';

/** Every so many deliveries one has failed. */
export const FAILED_EVERY = 100;

/** A notification that has ended, and whom it was for. */
export interface LongLog {
  notificationId: string;
  /** Public ids in the order of the list. */
  devices: string[];
}

/**
 * A notification to `n` devices as it stands in the database once its workers are done: batches of a thousand, a log entry
 * for each delivery. Sending as many through the simulators takes a minute.
 */
export async function writeLongLog(db: DataSource, applicationId: string, n: number): Promise<LongLog> {
  const devices = await insertDevices(db, applicationId, n, { provider: 'fcm' });
  const { id } = await storeNotification(db, applicationId, { content: { title: 'To very many' } }, { planned: n });
  await db.query(
    `insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, device_ids, first_id,
       last_id, n, result, not_before, expires_at, first_attempt_at, accepted, failed)
     select $1, nextval('dispatch_batch_no'), $2, 'fcm', 'bulk', 'done', array_agg(id order by id), min(id), max(id), count(*),
       string_agg(case when failed then '2' else '1' end, '' order by id), carillon_now(), carillon_now() + interval '1 day',
       carillon_now(), count(*) filter (where not failed), count(*) filter (where failed)
     from (select id, row_number() over (order by id) - 1 as place,
             (row_number() over (order by id) - 1) % $3 = 0 as failed
           from device where application_id = $2) d
     group by place / 1000`,
    [id, applicationId, FAILED_EVERY],
  );
  await db.query(
    `insert into delivery_attempt (at, application_id, notification_id, device_id, batch_no, is_call, provider, lane,
       outcome, code, status_after, provider_message_id, latency_ms)
     select carillon_now(), $2, $1, d.id, b.batch_no, true, 'fcm', 'bulk',
       case d.mark when '2' then 'token_invalid' else 'accepted' end, case d.mark when '2' then 'UNREGISTERED' else '200' end,
       case d.mark when '2' then 'failed' else 'accepted' end, case d.mark when '2' then null else 'message-' || d.id end, 42
     from dispatch_batch b, unnest(b.device_ids, string_to_array(b.result, null)) d(id, mark) where b.notification_id = $1`,
    [id, applicationId],
  );
  await db.query(
    `update notification set state = 'completed', completed_at = carillon_now(), first_attempt_at = carillon_now(),
       accepted = planned - $2::int, failed = $2::int where id = $1`,
    [id, Math.ceil(n / FAILED_EVERY)],
  );
  return { notificationId: id, devices };
}
