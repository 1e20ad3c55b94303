import { Injectable } from '@nestjs/common';
import { numbers } from '../database/array-literal.js';
import { runPrepared } from '../database/prepared.js';
import type { Database } from '../database/transaction.js';
import { PROVIDER_NAMES, type ProviderName } from '../lib/names.js';
import type { Environment } from '../providers/provider.js';
import type { Audience } from './audience.js';
import { type Candidates, candidatesOf, someByTags } from './audience-candidates.repository.js';
import type { DeviceStatus, DispatchTarget } from './device.js';

/** Devices of one provider that one batch can take: at most 1,000. */
export interface AudienceGroup {
  provider: ProviderName;
  /** A Postgres array literal such as `{1,2,3}`, ascending; goes from the device table to the batch unparsed. */
  deviceIds: string;
  n: number;
  firstId: number;
  lastId: number;
}

/** One page of the walk over an audience. */
export interface AudiencePage {
  /** In the order of their first id. Empty only when the walk is over. */
  groups: AudienceGroup[];
  /** Where the next page starts: its `afterId`. */
  lastId: number;
  /** Devices looked at. Fewer than `limit`: the walk is over. More than the groups hold: some are not active or do not match. */
  seen: number;
}

export interface Walk {
  applicationId: string;
  /** 0 on the first page. */
  afterId: number;
  boundId: number;
  /** Devices that are looked at, at most. */
  limit: number;
}

/** Ids per group; a batch holds no more. */
export const MAX_GROUP_SIZE = 1_000;

/** SQL that turns an audience into devices, page by page, and devices into what dispatching needs. */
@Injectable()
export class AudienceRepository {
  /** Active devices of the audience with `afterId < id <= boundId`, distinct by id. */
  async page(db: Database, audience: Audience, walk: Walk): Promise<AudiencePage> {
    return this.grouped(db, candidatesOf(audience), walk);
  }

  /** Up to `limit` devices with these tags, in no order of ids: the whole audience if `seen < limit`, else of no use. */
  async someByTags(db: Database, tags: Readonly<Record<string, string>>, walk: Walk): Promise<AudiencePage> {
    return this.grouped(db, someByTags(tags), walk);
  }

  private async grouped(db: Database, candidates: Candidates, walk: Walk): Promise<AudiencePage> {
    const rows: ({ seen: number; lastSeenId: number | null } & (AudienceGroup | { provider: null }))[] = await db.query(
      groupedSql(candidates.sql),
      [walk.applicationId, walk.afterId, walk.boundId, walk.limit, ...candidates.values],
    );
    const groups = rows.flatMap((row) => {
      if (row.provider === null) return [];
      const { provider, deviceIds, n, firstId, lastId } = row;
      return [{ provider, deviceIds, n, firstId, lastId }];
    });
    return { groups, lastId: rows[0]?.lastSeenId ?? walk.afterId, seen: rows[0]?.seen ?? 0 };
  }

  /** The highest device id of an application, 0 without devices. */
  async upperBound(db: Database, applicationId: string): Promise<number> {
    const rows: { bound: number }[] = await db.query(
      'select coalesce(max(id), 0) as bound from device where application_id = $1',
      [applicationId],
    );
    return rows[0]?.bound ?? 0;
  }

  /** Devices that exist, in no order. */
  async loadTargets(db: Database, ids: readonly number[]): Promise<DispatchTarget[]> {
    const [columns] = await runPrepared<TargetColumns>(db, LOAD_TARGETS, [numbers(ids)]);
    return (columns?.ids ?? []).map((id, i) => targetAt(columns as TargetColumns, id, i));
  }

  async idsByPublicId(
    db: Database,
    applicationId: string,
    publicIds: readonly string[],
  ): Promise<{ id: number; publicId: string }[]> {
    return db.query(
      'select id, public_id as "publicId" from device where public_id = any($2::uuid[]) and application_id = $1',
      [applicationId, publicIds],
    );
  }

  async publicIds(
    db: Database,
    ids: readonly number[],
  ): Promise<{ id: number; publicId: string; userId: string | null }[]> {
    return db.query(
      'select id, public_id as "publicId", user_id as "userId" from device where id = any($1::bigint[])',
      [`{${ids.join()}}`],
    );
  }
}

interface TargetColumns {
  /** Null when none of the devices exists. */
  ids: number[] | null;
  publicIds: string[];
  tokens: string[];
  statuses: DeviceStatus[];
  userIds: (string | null)[];
  /** Null where no device has any. */
  environments: (Environment | null)[] | null;
  vapidPublicKeys: (string | null)[] | null;
}

// Columns as JSON: parsing a row of text for each device takes several times as long.
const LOAD_TARGETS = {
  name: 'load_targets',
  text: `
  select json_agg(id) as ids, json_agg(public_id) as "publicIds", json_agg(token) as tokens, json_agg(status) as statuses,
    json_agg(user_id) as "userIds", case when count(environment) > 0 then json_agg(environment) end as environments,
    case when count(vapid_public_key) > 0 then json_agg(vapid_public_key) end as "vapidPublicKeys"
  from device where id = any($1::bigint[])`,
};

function targetAt(columns: TargetColumns, id: number, i: number): DispatchTarget {
  const environment = columns.environments?.[i];
  const vapidPublicKey = columns.vapidPublicKeys?.[i];
  return {
    id,
    deviceId: columns.publicIds[i] ?? '',
    token: columns.tokens[i] ?? '',
    status: columns.statuses[i] ?? 'invalid',
    userId: columns.userIds[i] ?? null,
    ...(environment && { environment }),
    ...(vapidPublicKey && { vapidPublicKey }),
  };
}

/**
 * Whole arrays per provider, then slices of them: numbering and grouping the rows takes twice as long, most of it in
 * sorting by the provider's name.
 */
function groupedSql(candidates: string): string {
  return `
    with page as materialized (${candidates}),
    whole as materialized (
      select name.provider,
        (select array_agg(page.id order by page.id) from page where page.provider = name.provider) as ids
      from unnest('{${PROVIDER_NAMES.join()}}'::text[]) as name(provider)),
    slice as materialized (
      select whole.provider, whole.ids[piece.start + 1 : piece.start + ${MAX_GROUP_SIZE}] as ids
      from whole cross join lateral generate_series(0, cardinality(whole.ids) - 1, ${MAX_GROUP_SIZE}) as piece(start)),
    total as (select count(*)::int as seen, max(id) as last_id from page)
    select total.seen, total.last_id as "lastSeenId", slice.provider, slice.ids::text as "deviceIds",
      cardinality(slice.ids) as n, slice.ids[1] as "firstId", slice.ids[cardinality(slice.ids)] as "lastId"
    from total left join slice on true
    order by slice.ids[1]`;
}
