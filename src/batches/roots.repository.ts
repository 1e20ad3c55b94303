import { numbers, texts, words } from '../database/array-literal.js';
import type { StatementPart } from '../database/prepared.js';
import type { NewRoot } from './batch.js';

/**
 * Root batches as a part of the statement that stores their notifications. Reads its relation `stored` (`id, application_id,
 * lane, expires_at`), leaves out the batches of others, and returns `notification_id, provider, batch_no, n`.
 */
export function rootsPart(roots: readonly NewRoot[]): StatementPart {
  return {
    sql: rootsInsert,
    values: [
      words(roots.map(({ notification }) => notification.id)),
      words(roots.map(({ group }) => group.provider)),
      // As texts: arrays of different lengths cannot be one array of arrays.
      texts(roots.map(({ group }) => group.deviceIds)),
      numbers(roots.map(({ group }) => group.firstId)),
      numbers(roots.map(({ group }) => group.lastId)),
      numbers(roots.map(({ group }) => group.n)),
      numbers(roots.map(({ queuedMs }) => queuedMs ?? null)),
      numbers(roots.map(({ delayMs }) => delayMs ?? 0)),
    ],
  };
}

function rootsInsert(first: number): string {
  const at = (index: number) => `$${first + index}`;
  return `
    insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, device_ids, first_id, last_id,
      n, result, not_before, expires_at, queued_until)
    select stored.id, nextval('dispatch_batch_no'), stored.application_id, r.provider, stored.lane,
      case when r.queued_ms is null then 'pending' else 'queued' end, r.ids::bigint[], r.first_id, r.last_id, r.n,
      repeat('0', r.n), (select carillon_now()) + make_interval(secs => r.delay_ms / 1000.0), stored.expires_at,
      (select carillon_now()) + make_interval(secs => r.queued_ms / 1000.0)
    from unnest(${at(0)}::uuid[], ${at(1)}::text[], ${at(2)}::text[], ${at(3)}::bigint[], ${at(4)}::bigint[], ${at(5)}::int[],
      ${at(6)}::int[], ${at(7)}::int[]) as r(id, provider, ids, first_id, last_id, n, queued_ms, delay_ms)
    join stored on stored.id = r.id
    returning notification_id, provider, batch_no, n`;
}
