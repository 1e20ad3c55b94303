import type { StatementPart } from '../database/prepared.js';
import type { NewRoot } from './batch.js';

/**
 * Root batches as a part of the statement that stores their notifications. Reads its relation `stored` (`id, application_id,
 * lane, expires_at`), leaves out the batches of others, and returns `notification_id, provider, batch_no, n`.
 */
export function rootsPart(roots: readonly NewRoot[]): StatementPart {
  return {
    sql: rootsInsert,
    value: JSON.stringify(
      roots.map(({ notification, group, queuedMs }) => ({ ...group, id: notification.id, queuedMs: queuedMs ?? null })),
    ),
  };
}

function rootsInsert(roots: string): string {
  return `
    insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, device_ids, first_id, last_id,
      n, result, not_before, expires_at, queued_until)
    select stored.id, nextval('dispatch_batch_no'), stored.application_id, r.provider, stored.lane,
      case when r."queuedMs" is null then 'pending' else 'queued' end, r."deviceIds", r."firstId", r."lastId", r.n,
      repeat('0', r.n), (select carillon_now()), stored.expires_at,
      (select carillon_now()) + make_interval(secs => r."queuedMs" / 1000.0)
    from json_to_recordset(${roots}::json) as r(id uuid, provider text, "deviceIds" bigint[], "firstId" bigint,
      "lastId" bigint, n integer, "queuedMs" integer)
    join stored on stored.id = r.id
    returning notification_id, provider, batch_no, n`;
}
