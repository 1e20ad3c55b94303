import type { Client } from 'pg';
import { uuidV7 } from '../../src/lib/ids.js';
import { dropIndexes } from '../system/devices.js';

const DAYS = 5;
/** Campaigns of a day; each goes to every ninth device, so that a day reaches all of them once. */
const SLOTS = 9;
const DAY_MS = 86_400_000;
const SLOT_MS = 2.6 * 3_600_000;
/** One device in 50 was dead at its campaign of one of the days, and in no later one; so few of those in turn were refused. */
const DEAD_EVERY = 50;
/** Users of single notifications: each has one or two devices. `qa` has these many, and got one notification in eight. */
const QA_DEVICES = 20;
/** Batches have numbers of their own making, below those that the product would give from now on. */
const FIRST_FREE_BATCH = 100_000_000;

/** What a benchmark of the console asks for by name. */
export interface ConsoleData {
  devices: number;
  attempts: number;
  /** Campaigns, oldest first; the last one is being sent. */
  campaigns: { id: string; at: Date }[];
  /** Notifications to one user, oldest first. */
  singles: string[];
}

/**
 * A log of five days, written as the product writes it: campaigns to a ninth of the devices each, the last one half sent, and
 * notifications to single users. Batches, attempts, receipts, statistics, devices and their history agree with each other.
 *
 * @param devices of the application; there will be five attempts for each
 * @param singles notifications to single users
 */
export async function writeLog(
  db: Client,
  applicationId: string,
  devices: number,
  singles: number,
  say: (line: string) => void,
): Promise<ConsoleData> {
  const { rows } = await db.query<{ now: Date }>('select carillon_now() as now');
  const now = rows[0]?.now ?? new Date();
  const startMs = now.getTime() - DAYS * DAY_MS;
  const campaigns = Array.from({ length: DAYS * SLOTS }, (_, c) => {
    const at = new Date(startMs + Math.floor(c / SLOTS) * DAY_MS + (c % SLOTS) * SLOT_MS);
    return { id: uuidV7(at), at };
  });
  const single = Array.from({ length: singles }, (_, n) => {
    const at = new Date(startMs + ((n + 0.5) / singles) * DAYS * DAY_MS);
    return { id: uuidV7(at), at };
  });

  await db.query("set synchronous_commit = off; set maintenance_work_mem = '512MB'; set work_mem = '256MB'");
  // Every row's application is the one that the caller names.
  await db.query('set session_replication_role = replica');
  await writeDevices(db, applicationId, devices, new Date(startMs));
  say(`console: ${devices} devices`);
  // Without the indexes first, so that the partitions are made without them.
  const restore = await dropIndexes(db, 'delivery_attempt');
  await makePartitions(db);
  for (const [c, campaign] of campaigns.entries()) {
    await writeCampaign(db, applicationId, c, campaign, c === campaigns.length - 1);
    if (c % SLOTS === SLOTS - 1) say(`console: ${c + 1} of ${campaigns.length} campaigns`);
  }
  await db.query(SINGLES, [applicationId, single.map(({ id }) => id), single.map(({ at }) => at), devices]);
  for (const statement of restore) await db.query(statement);
  await db.query(COUNTS);
  await db.query(STATISTICS);
  await db.query(`select setval('dispatch_batch_no', ${FIRST_FREE_BATCH})`);
  await db.query(FAILURES);
  await db.query(
    'reset session_replication_role; reset maintenance_work_mem; reset work_mem; reset synchronous_commit',
  );
  // What autovacuum would do some minutes later, and in the middle of a measurement.
  await db.query('vacuum (analyze)');
  await db.query('checkpoint');
  const counted = await db.query<{ n: number }>('select count(*)::int as n from delivery_attempt');
  const attempts = counted.rows[0]?.n ?? 0;
  say(`console: ${attempts} attempts`);
  return { devices, attempts, campaigns, singles: single.map(({ id }) => id) };
}

async function writeDevices(db: Client, applicationId: string, devices: number, start: Date): Promise<void> {
  const restore = await dropIndexes(db, 'device');
  await db.query(DEVICES, [applicationId, devices]);
  await db.query(`select setval(pg_get_serial_sequence('device', 'id'), $1)`, [devices]);
  for (const statement of restore) await db.query(statement);
  await db.query(TOPICS, [applicationId]);
  await db.query(HISTORY, [applicationId, start]);
  // Without statistics the planner would take a wrong way to the members of each campaign.
  await db.query('vacuum (analyze) device');
}

/** The product only makes those of the days ahead. */
async function makePartitions(db: Client): Promise<void> {
  await db.query('update clock_offset set value = make_interval(days => $1)', [-DAYS]);
  await db.query('select carillon_ensure_partitions($1)', [DAYS + 1]);
  await db.query(`update clock_offset set value = '0'`);
  await db.query('select carillon_skip_array_statistics()');
}

async function writeCampaign(
  db: Client,
  applicationId: string,
  c: number,
  { id, at }: ConsoleData['campaigns'][number],
  isLast: boolean,
): Promise<void> {
  const content = { title: `Campaign ${c}`, body: 'Summer sale: 50% off' };
  await db.query(NOTIFICATION, [id, applicationId, at, 'bulk', { all: true }, content]);
  await db.query(BATCHES, [id, applicationId, at, c, c % SLOTS, Math.floor(c / SLOTS), isLast]);
  await db.query(CAMPAIGN_ATTEMPTS, [id, at]);
}

// Dead at the campaign of day (id / 450) % 5, see BATCHES. Tokens look random to an index, and are as long as real ones.
const DEVICES = `
  insert into device (id, public_id, application_id, provider, token, token_hash, environment, vapid_public_key, user_id, status,
    registered_at, created_at, invalid_at, invalid_reason, locale, time_zone, app_version, tags)
  overriding system value
  select i, gen_random_uuid(), $1::uuid, provider,
    case when provider = 'webpush' then '{"endpoint":"' || identity || '","p256dh":"B' || hex || '","auth":"' || left(hex, 22) || '"}' else identity end,
    sha256(identity::bytea),
    case when provider = 'apns' then 'production' end, case when provider = 'webpush' then 'B' || hex end,
    case when i <= ${QA_DEVICES} then 'qa' when i % 40 > 0 then 'user-' || lpad((i % greatest(1, $2::int * 7 / 10))::text, 8, '0') end,
    case when not is_dead then 'active' when is_refused then 'refused' else 'invalid' end,
    carillon_now() - make_interval(days => 6 + i % 90), carillon_now() - make_interval(days => 100 + i % 90),
    case when is_dead then carillon_now() - make_interval(days => 5 - (i / 450) % 5) end,
    case when not is_dead then null when is_refused then 'SENDER_ID_MISMATCH' when provider = 'fcm' then 'UNREGISTERED'
      when provider = 'apns' then 'Unregistered' else '410' end,
    case i % 3 when 0 then 'ko-KR' when 1 then 'en-US' else 'de-DE' end, 'Asia/Seoul', '3.' || i % 20,
    case when i % 5 = 0 then '{"plan":"pro"}' else '{}' end::jsonb
  from (
    select i, case when (i * 7 + i / 50) % 10 < 7 then 'fcm' when (i * 7 + i / 50) % 10 < 9 then 'apns' else 'webpush' end as provider,
      encode(sha256(($1::uuid || '/' || i)::bytea), 'hex') as hex,
      i % ${DEAD_EVERY} = 7 as is_dead, i % ${DEAD_EVERY * 101} = 7 as is_refused
    from generate_series(1, $2::int) i) made,
    lateral (select case provider when 'fcm' then left(hex, 22) || ':APA91b' || hex || hex || right(hex, 6) when 'apns' then hex
      else 'https://updates.push.services.mozilla.com/wpush/v2/' || hex || hex end as identity) address
  order by i`;

const TOPICS = `
  insert into topic_member (application_id, topic, device_id)
  select $1::uuid, 'news', id from device where id % 3 = 0
  union all select $1, 'vip', id from device where id % 997 = 0
  order by 2, 3`;

const HISTORY = `
  insert into device_history (at, application_id, public_id, event, detail)
  select case e when 1 then $2::timestamptz else invalid_at end, application_id, public_id,
    case when e = 1 then 'user_changed' when status = 'refused' then 'refused' else 'invalidated' end,
    case when e = 1 then 'set' else invalid_reason end
  from device, generate_series(1, 2) e where application_id = $1 and (e = 1 and id % 20 = 0 or e = 2 and status <> 'active')
  order by 1`;

const NOTIFICATION = `
  insert into notification (id, application_id, lane, semantics, audience, content, options, state, created_at, send_at, expires_at,
    is_planned)
  values ($1, $2, $4, 'at_least_once', $5, $6, '{"ttlSeconds":86400,"priority":"high"}', 'completed', $3, $3,
    $3::timestamptz + interval '1 day', true)`;

/**
 * Roots of 1,000 devices of one provider, and a child for what each put off. Who fails how is a hash of device and campaign:
 * 2 % were put off once and accepted then, 0.6 % failed for another reason, 0.3 % expired, 0.2 % belonged to somebody else by
 * then. Of the last campaign the second half is still to be sent, and so is what was put off.
 */
const BATCHES = `
  with member as (
    select id, provider, (row_number() over (partition by provider order by id) - 1) / 1000 as chunk,
      case when status <> 'active' and (id / 450) % 5 = $6 then '2'
        when h < 200 then '3' when h < 260 then '2' when h < 290 then '4' when h < 310 then '6' else '1' end as mark
    from (
      select id, provider, status, (hashint8(id * 64 + $4::int) & 2147483647) % 10000 as h from device
      where application_id = $2 and id % ${SLOTS} = $5 and (status = 'active' or (id / 450) % 5 >= $6)) d
  ), root as (
    select provider, chunk, array_agg(id order by id) as ids, string_agg(mark, '' order by id) as marks,
      $7 and chunk > max(chunk) over (partition by provider) / 2 as is_open
    from member group by provider, chunk
  ), child as (
    select m.provider, m.chunk, array_agg(m.id order by m.id) as ids from member m join root r using (provider, chunk)
    where m.mark = '3' and not r.is_open group by m.provider, m.chunk
  ), batch as (
    select provider, chunk, 0 as step, ids, case when is_open then repeat('0', cardinality(ids)) else marks end as result, is_open
    from root
    union all
    select provider, chunk, 1, ids, repeat(case when $7 then '0' else '1' end, cardinality(ids)), $7 from child
  )
  insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, parent_batch, step, device_ids, first_id,
    last_id, n, result, not_before, expires_at, first_attempt_at, accepted, failed, moved, expired, suppressed)
  select $1::uuid, no, $2, provider, 'bulk', case when is_open then 'pending' else 'done' end, case when step = 1 then no - 1 end, step,
    ids, ids[1], ids[cardinality(ids)], cardinality(ids), result,
    case when is_open then carillon_now() + interval '1 hour' else $3::timestamptz end, $3 + interval '1 day', case when not is_open then $3 end,
    n - length(replace(result, '1', '')), n - length(replace(result, '2', '')), n - length(replace(result, '3', '')),
    n - length(replace(result, '4', '')), n - length(replace(result, '6', ''))
  from batch, lateral (
    select cardinality(ids) as n, $4::bigint * 1000000 + case provider when 'fcm' then 0 when 'apns' then 300000 else 600000 end
      + chunk * 2 + step as no) named`;

/** The log of a notification from its batches, and what a quarter of the devices reported. */
const ATTEMPTS_OF_BATCHES = `
  insert into delivery_attempt (at, application_id, notification_id, device_id, batch_no, is_call, provider, lane, outcome, code,
    status_after, retry_at, provider_message_id, latency_ms, detail)
  select b.sent_at + make_interval(secs => (d.place % 1000) / 1000.0), b.application_id, b.notification_id, d.id, b.batch_no,
    d.mark not in ('4', '6'), b.provider, b.lane,
    case when d.mark = '1' then 'accepted' when d.mark = '3' then 'unavailable' when d.mark in ('4', '6') then '' when v.status = 'invalid' then 'token_invalid'
      when v.status = 'refused' then 'token_refused' else 'message_invalid' end,
    case when d.mark = '1' then case b.provider when 'webpush' then '201' else '200' end when d.mark = '3' then '503'
      when d.mark = '4' then 'ttl_expired' when d.mark = '6' then 'user_changed' else coalesce(v.invalid_reason, 'INVALID_ARGUMENT') end,
    case d.mark when '1' then 'accepted' when '3' then 'pending' when '4' then 'expired' when '6' then 'suppressed' else 'failed' end,
    case when d.mark = '3' then b.sent_at + interval '30 seconds' end,
    case when d.mark = '1' then 'projects/bench/messages/' || md5(d.id::text || b.batch_no) end,
    case when d.mark not in ('4', '6') then 20 + d.id % 180 end,
    case when d.mark = '2' then 'Requested entity was not found.' when d.mark = '3' then 'The service is currently unavailable.' end
  from sent b cross join lateral unnest(b.device_ids, string_to_array(b.result, null)) with ordinality d(id, mark, place)
    left join device v on d.mark = '2' and v.id = d.id
  where b.state = 'done'`;

const RECEIPTS_OF_BATCHES = `
  insert into receipt (notification_id, device_id, application_id, type, at, received_at)
  select b.notification_id, d.id, b.application_id, t.type, b.sent_at + interval '1 minute', b.sent_at + interval '1 minute'
  from sent b cross join lateral unnest(b.device_ids, string_to_array(b.result, null)) d(id, mark),
    (values ('delivered', 4), ('opened', 40)) t(type, every)
  where b.state = 'done' and d.mark = '1' and d.id % t.every = 0`;

const CAMPAIGN_ATTEMPTS = `
  with sent as materialized (
    select b.*, $2::timestamptz + make_interval(secs => (batch_no % 1000000 % 300000) * 0.3 + step * 30) as sent_at
    from dispatch_batch b where notification_id = $1::uuid order by sent_at
  ), reported as (${RECEIPTS_OF_BATCHES})
  ${ATTEMPTS_OF_BATCHES}`;

const SINGLES = `
  with single as (
    select s.*, 'Order ' || n || ' has been shipped' as title,
      case when n % 8 = 0 then 'qa' else 'user-' || lpad(((n * 7919) % greatest(1, $4::int * 7 / 10))::text, 8, '0') end as user_id
    from unnest($2::uuid[], $3::timestamptz[]) with ordinality s(id, at, n)
  ), stored as (
    insert into notification (id, application_id, lane, semantics, audience, content, options, state, created_at, send_at, expires_at,
      is_planned)
    select id, $1::uuid, 'normal', 'at_least_once', jsonb_build_object('userIds', jsonb_build_array(user_id)),
      jsonb_build_object('title', title, 'body', 'Follow it in the app.'), '{"ttlSeconds":86400,"priority":"high"}', 'completed', at, at,
      at + interval '1 day', true
    from single
  ), batch as (
    select s.id as notification_id, 90000000 + s.n * 10 + case d.provider when 'fcm' then 1 when 'apns' then 2 else 3 end as batch_no,
      $1::uuid as application_id, d.provider, 'normal' as lane, 'done' as state, array_agg(d.id order by d.id) as device_ids,
      string_agg(case when (s.n + d.id) % 29 = 0 then '2' else '1' end, '' order by d.id) as result, s.at + interval '40 milliseconds' as sent_at
    from single s join device d on d.application_id = $1 and d.user_id = s.user_id and d.status = 'active'
    group by s.id, s.n, s.at, d.provider
  ), rooted as (
    insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, device_ids, first_id, last_id, n, result,
      not_before, expires_at, first_attempt_at, accepted, failed)
    select notification_id, batch_no, application_id, provider, lane, state, device_ids, device_ids[1], device_ids[cardinality(device_ids)],
      length(result), result, sent_at, sent_at + interval '1 day', sent_at, length(replace(result, '2', '')), length(replace(result, '1', ''))
    from batch
  ), sent as materialized (select * from batch), reported as (${RECEIPTS_OF_BATCHES})
  ${ATTEMPTS_OF_BATCHES}`;

const COUNTS = `
  update notification n set planned = b.planned, accepted = b.accepted, failed = b.failed, expired = b.expired, suppressed = b.suppressed,
    retried = b.moved, first_attempt_at = b.first_attempt_at, rolled_up_at = carillon_now(),
    completed_at = case when b.open = 0 then n.send_at + interval '3 minutes' end, state = case when b.open = 0 then 'completed' else 'sending' end
  from (
    select notification_id, sum(n) filter (where step = 0) as planned, sum(accepted) as accepted, sum(failed) as failed,
      sum(expired) as expired, sum(suppressed) as suppressed, sum(moved) as moved, min(first_attempt_at) as first_attempt_at,
      count(*) filter (where state <> 'done') as open
    from dispatch_batch group by notification_id) b
  where n.id = b.notification_id`;

const STATISTICS = `
  insert into attempt_stat (minute, worker, application_id, provider, lane, outcome, code, n, latency_buckets, latency_sum_ms)
  select date_trunc('minute', at), 'worker-1', application_id, provider, lane, outcome, code, count(*),
    array[0, count(*) filter (where latency_ms <= 25), count(*) filter (where latency_ms > 25 and latency_ms <= 50),
      count(*) filter (where latency_ms > 50 and latency_ms <= 100), count(*) filter (where latency_ms > 100), 0, 0, 0, 0, 0],
    coalesce(sum(latency_ms), 0)
  from delivery_attempt group by 1, 3, 4, 5, 6, 7`;

/** As checkpoints count them, batch by batch. */
const FAILURES = `
  update dispatch_batch b set failures = counted.failures
  from (
    select notification_id, batch_no, jsonb_object_agg(status_after || ' ' || code, n) as failures
    from (
      select notification_id, batch_no, status_after, code, count(*) as n from delivery_attempt
      where status_after not in ('accepted', 'pending') group by 1, 2, 3, 4) ended
    group by 1, 2) counted
  where b.notification_id = counted.notification_id and b.batch_no = counted.batch_no`;
