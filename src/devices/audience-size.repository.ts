import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import type { Audience } from './audience.js';
import { type Candidates, candidatesOf, edgesOf, someByTags } from './audience-candidates.repository.js';

export type DeviceCounts = Record<ProviderName, number>;

/** Devices that an estimate looks at, in so many places. */
const SAMPLED = 10_000;
const PLACES = 50;
/** To find failed deliveries, whole batches are opened in each place. */
const PLACES_IN_BATCHES = 10;

/** Milliseconds; a hundred times what it takes. */
const TIMEOUT_MS = 5_000;

const COUNTS = `count(*) filter (where provider = 'fcm')::int as fcm, count(*) filter (where provider = 'apns')::int as apns,
  count(*) filter (where provider = 'webpush')::int as webpush`;

/** SQL that counts the active devices of an audience, or estimates them, in a bounded number of rows. */
@Injectable()
export class AudienceSizeRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * Runs `work` where a few thousand rows are looked up one by one: with statistics that are old, or none yet, Postgres would
   * rather read all devices. And it does not know how short the stretches are from which a few are taken in order: bitmaps and
   * sorts would read them whole. The tags' index knows bitmaps only.
   */
  lookingUp<T>(audience: Audience, work: (db: Database) => Promise<T>): Promise<T> {
    return this.db.transaction(async (tx) => {
      await tx.query(
        `select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
           set_config('enable_sort', 'off', true),
           set_config('enable_bitmapscan', '${'tags' in audience ? 'on' : 'off'}', true),
           set_config('statement_timeout', '${TIMEOUT_MS}', true)`,
      );
      return work(tx);
    });
  }

  /** The whole audience; undefined when there are `limit` devices to look at, or more. */
  async count(
    db: Database,
    applicationId: string,
    audience: Audience,
    limit: number,
  ): Promise<DeviceCounts | undefined> {
    const { sql, values }: Candidates = 'tags' in audience ? someByTags(audience.tags) : candidatesOf(audience);
    const [row] = await db.query(
      `with page as materialized (${sql}) select count(*)::int as seen, ${COUNTS} from page`,
      [applicationId, 0, Number.MAX_SAFE_INTEGER, limit, ...values],
    );
    const { seen, ...counts } = row;
    return seen < limit ? counts : undefined;
  }

  /** From the first devices in each of several places: how densely the ids are taken by the audience. */
  async estimate(db: Database, applicationId: string, audience: Audience): Promise<DeviceCounts> {
    const { sql, values } = candidatesOf(audience, { after: 'piece.after_id', bound: 'piece.bound_id' });
    const places = 'failedOf' in audience ? PLACES_IN_BATCHES : PLACES;
    const weighed = (name: ProviderName) => `coalesce(round(sum(${name} * weight)), 0)::int as ${name}`;
    const [row] = await db.query(
      `with edge as materialized (${edgesOf(audience)}),
       piece as materialized (
         select first - 1 + (last - first + 1) * place / $2::int as after_id,
           first - 1 + (last - first + 1) * (place + 1) / $3::int as bound_id
         from edge cross join generate_series(0::bigint, $2::int - 1) as place
       ), sample as (
         select found.*, case when seen < $4 then 1 else (bound_id - after_id)::float8 / (last_id - after_id) end as weight
         from piece cross join lateral (
           select count(*) as seen, max(id) as last_id, ${COUNTS} from (${sql}) page) found
       )
       select ${weighed('fcm')}, ${weighed('apns')}, ${weighed('webpush')} from sample`,
      [applicationId, places, places, SAMPLED / places, ...values],
    );
    return row;
  }
}
