import type { Audience, FailedAudience } from './audience.js';

/**
 * A query for `(id, provider)` of an audience, ascending, with `provider` null where the device is not meant. `$1` is the
 * application, `$4` how many devices are looked at; its own parameters begin with `$5`.
 */
export interface Candidates {
  sql: string;
  values: readonly unknown[];
}

/** Expressions for the ids that are looked at: above `after`, up to `bound`. */
export interface Stretch {
  after: string;
  bound: string;
}

const PARAMETERS: Stretch = { after: '$2', bound: '$3' };

/** @param stretch default: the parameters `$2` and `$3` */
export function candidatesOf(audience: Audience, stretch: Stretch = PARAMETERS): Candidates {
  if ('userIds' in audience) return { sql: byUsers(stretch), values: [audience.userIds] };
  if ('deviceIds' in audience) return { sql: byPublicIds(stretch), values: [audience.deviceIds] };
  if ('topics' in audience) return { sql: byTopics(stretch), values: [audience.topics] };
  if ('tags' in audience) return { sql: byTags(stretch), values: [JSON.stringify(audience.tags)] };
  if ('failedOf' in audience) return failedCandidates(audience, stretch);
  return {
    sql: `select d.id, d.provider from device d where ${within(stretch)} order by d.id limit $4`,
    values: [],
  };
}

/** Devices with these tags in no order of ids. The planner is free to use the tags' index when they are few, and to stop early when many. */
export function someByTags(tags: Readonly<Record<string, string>>): Candidates {
  return {
    sql: `select d.id, d.provider from device d
      where ${within(PARAMETERS)} and d.tags @> $5::jsonb and d.tags <> '{}' limit $4`,
    values: [JSON.stringify(tags)],
  };
}

/** A query for the lowest and the highest id that an audience can have: `first` and `last`; parameters as in {@link Candidates}. */
export function edgesOf(audience: Audience): string {
  if ('topics' in audience) {
    return `select min(edge.first) as first, max(edge.last) as last from unnest($5::text[]) as wanted(topic) cross join lateral (
      select min(device_id) as first, max(device_id) as last from topic_member
      where application_id = $1 and topic = wanted.topic) edge`;
  }
  if ('failedOf' in audience) {
    return `select min(first_id) as first, max(last_id) as last from dispatch_batch
      where notification_id = $5::uuid and failed > 0`;
  }
  return 'select min(id) as first, max(id) as last from device where application_id = $1';
}

const within = ({ after, bound }: Stretch) =>
  `d.application_id = $1 and d.status = 'active' and d.id > ${after} and d.id <= ${bound}`;

const byTags = (stretch: Stretch) => `
  select d.id, case when d.tags @> $5::jsonb then d.provider end as provider
  from device d where ${within(stretch)} order by d.id limit $4`;

// One short range per user: a user with a great many devices cannot make every page read all of them.
const byUsers = (stretch: Stretch) => `
  select found.id, found.provider
  from unnest($5::text[]) as wanted(user_id) cross join lateral (
    select d.id, d.provider from device d
    where ${within(stretch)} and d.user_id = wanted.user_id order by d.id limit $4) found
  order by found.id limit $4`;

const byPublicIds = (stretch: Stretch) => `
  select d.id, d.provider from device d
  where d.public_id = any($5::uuid[]) and ${within(stretch)} order by d.id limit $4`;

// The first devices of several topics are among the first devices of each.
const byTopics = (stretch: Stretch) => `
  select member.device_id as id, d.provider
  from (
    select distinct found.device_id
    from unnest($5::text[]) as wanted(topic) cross join lateral (
      select m.device_id from topic_member m
      where m.application_id = $1 and m.topic = wanted.topic
        and m.device_id > ${stretch.after} and m.device_id <= ${stretch.bound}
      order by m.device_id limit $4) found
    order by found.device_id limit $4) member
  left join device d on d.id = member.device_id and ${within(stretch)}
  order by member.device_id`;

function failedCandidates({ failedOf, codes }: FailedAudience, stretch: Stretch): Candidates {
  const sql = `
    with failed as materialized (${codes ? failedWithCodes(stretch) : failedInBatches(stretch)})
    select failed.device_id as id, d.provider
    from failed left join device d on d.id = failed.device_id and ${within(stretch)}
    order by failed.device_id`;
  return { sql, values: codes ? [failedOf, codes] : [failedOf] };
}

/**
 * Batches of different providers and retries overlap in device ids, but a delivery fails in one of them only. So those that
 * lie within the stretch say by their counts up to where it has to be read for `$4` devices.
 */
const failedInBatches = ({ after, bound }: Stretch) => `
  with source as materialized (
    select batch_no, first_id, last_id, failed from dispatch_batch
    where notification_id = $5::uuid and failed > 0 and last_id > ${after} and first_id <= ${bound}
  ), horizon as materialized (
    select least(${bound}, min(last_id) filter (where n >= $4)) as id from (
      select last_id, sum(failed) filter (where first_id > ${after}) over (order by last_id) as n from source) counted
  )
  select failed.device_id
  from horizon, source join dispatch_batch b on b.notification_id = $5::uuid and b.batch_no = source.batch_no,
    unnest(b.device_ids, string_to_array(b.result, null)) failed(device_id, mark)
  where source.first_id <= horizon.id and failed.mark = '2' and failed.device_id > ${after} and failed.device_id <= horizon.id
  order by failed.device_id limit $4`;

/** The log has one entry for a delivery that failed. Its partitions outside the notification's time are not opened. */
const failedWithCodes = ({ after, bound }: Stretch) => `
  select found.device_id
  from unnest($6::text[]) as wanted(code) cross join lateral (
    select a.device_id from delivery_attempt a
    where a.notification_id = $5::uuid and a.code = wanted.code
      and a.status_after = 'failed' and a.status_after <> 'accepted'
      and a.device_id > ${after} and a.device_id <= ${bound}
      and a.at >= (select created_at - interval '1 hour' from notification where id = $5::uuid)
      and a.at <= (select completed_at + interval '1 hour' from notification where id = $5::uuid)
    order by a.device_id limit $4) found
  order by found.device_id limit $4`;
