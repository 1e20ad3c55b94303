import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import type { DeviceEvent } from './device.js';

/** One entry of a device's history; `id` ascends in the order in which things happened, 0 is the first registration. */
export interface HistoryEntry {
  id: number;
  at: Date;
  event: DeviceEvent;
  detail: string | null;
}

/** Rows removed in one statement, and statements in one round of the upkeep. */
const PURGE_PAGE = 10_000;
const MAX_PURGE_PAGES = 100;

/**
 * The columns that {@link noteChanges} needs of devices that were changed, as a `returning` list gives them: `d` is the device
 * as it is now, `before` as it was.
 */
export const CHANGED_COLUMNS = `d.application_id, d.public_id, d.status as status_now, before.status as status_before, before.invalid_reason as reason_before,
  d.user_id as user_now, before.user_id as user_before, d.token as token_now, before.token as token_before,
  d.token_hash as hash_now, before.token_hash as hash_before`;

/** What of a device a statement must know as it was before. */
export const COLUMNS_BEFORE = 'd.id, d.status, d.invalid_reason, d.user_id, d.token, d.token_hash';

/**
 * A data-modifying part of the statement that changes devices, so that a history never differs from its device, and bulk
 * changes stay one statement. It writes nothing for a device that was only registered again.
 *
 * @param changed name of a CTE with {@link CHANGED_COLUMNS}
 */
export function noteChanges(changed: string): string {
  // User ids stay out: whoever is forgotten must not live on here.
  return `insert into device_history (at, application_id, public_id, event, detail)
    select (select carillon_now()), c.application_id, c.public_id, e.event, e.detail
    from ${changed} c cross join lateral (values
      (1, c.status_before <> 'active' and c.status_now = 'active', 'revived', c.reason_before),
      (2, c.token_now <> c.token_before, 'token_changed',
        case when c.hash_now <> c.hash_before then encode(c.hash_before, 'hex') else 'keys' end),
      (3, c.user_now is distinct from c.user_before, 'user_changed',
        case when c.user_before is null then 'set' when c.user_now is null then 'cleared' else 'changed' end)
    ) e(place, has_happened, event, detail)
    where e.has_happened order by e.place`;
}

/**
 * A data-modifying part of the statement that removes devices. The first registration is noted with it, because until now the
 * row itself told of that.
 *
 * @param gone   name of a CTE with `application_id`, `public_id` and `created_at`
 * @param detail why
 */
export function noteDeleted(gone: string, detail: 'requested' | 'replaced'): string {
  return `insert into device_history (at, application_id, public_id, event, detail)
    select e.at, g.application_id, g.public_id, e.event, e.detail
    from ${gone} g cross join lateral (values
      (1, g.created_at, 'registered', null), (2, (select carillon_now()), 'deleted', '${detail}')) e(place, at, event, detail)
    order by e.place`;
}

/** What happened to devices, as long as the log keeps what was sent to them. */
@Injectable()
export class DeviceHistoryRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Newest first, entries before the id `beforeId`; also of a device that has been removed. */
  async list(applicationId: string, publicId: string, beforeId: number, limit: number): Promise<HistoryEntry[]> {
    return this.db.query(
      `select id, at, event, detail from (
         select h.id, h.at, h.event, h.detail from device_history h
         where h.public_id = $2 and h.application_id = $1 and h.id < $3
         union all
         select 0, d.created_at, 'registered', null from device d where d.public_id = $2 and d.application_id = $1 and $3 > 0) entry
       order by id desc limit $4`,
      [applicationId, publicId, beforeId, limit],
    );
  }

  /** Forgets what is older; returns how many entries. A backlog takes several rounds. */
  async purge(days: number): Promise<number> {
    let purged = 0;
    for (let page = 0; page < MAX_PURGE_PAGES; page++) {
      const [, deleted] = await this.db.query(
        `delete from device_history where id = any(array(
           select id from device_history where at < carillon_now() - make_interval(days => $1)
           order by at limit ${PURGE_PAGE} for update skip locked))`,
        [days],
      );
      purged += deleted;
      if (deleted < PURGE_PAGE) break;
    }
    return purged;
  }
}
