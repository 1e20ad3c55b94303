import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { runPrepared } from '../database/prepared.js';
import { DATA_SOURCE } from '../database/transaction.js';
import type { Lane, ProviderName } from '../lib/names.js';

/** A batch that the feeder took: what a job needs to know. */
export interface FedBatch {
  notificationId: string;
  batchNo: number;
  lane: Lane;
  provider: ProviderName;
  n: number;
  /** Suspected of killing workers: gets a job of its own. */
  isSuspect: boolean;
}

/** Notification ids from `lower` up to, but without, `upper`: those of one day, and so of one partition. */
export interface IdSpan {
  lower: string;
  upper: string;
}

/** How many deliveries one Bull queue may still take. */
export interface QueueRoom {
  lane: Lane;
  provider: ProviderName;
  room: number;
}

export interface FeedLimits {
  /** Any UUID: where the round over the applications begins this time. */
  start: string;
  /** Batches per application, lane, provider and span at most. */
  perApplication: number;
  /** Milliseconds in which Bull must deliver the job; the sweep takes it back then. */
  queuedForMs: number;
}

/** Due batches per lane that are taken from the front of the line; where there are more, one round walks so many applications. */
const FRONT = 200;
const MAX_WALK = 250;

/** SQL of the feeder. */
@Injectable()
export class FeedRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Those of `spans` in which a batch of these lanes is due. Asked ten times a second by every worker. */
  dueSpans(lanes: readonly Lane[], spans: readonly IdSpan[]): Promise<IdSpan[]> {
    return runPrepared<IdSpan>(this.db, DUE_SPANS, [
      lanes,
      spans.map(({ lower }) => lower),
      spans.map(({ upper }) => upper),
    ]);
  }

  /** Deliveries per queue that are on their way through Bull; a queue with none is missing. */
  depths(lanes: readonly Lane[]): Promise<{ lane: Lane; provider: ProviderName; n: number }[]> {
    return runPrepared(this.db, DEPTHS, [lanes]);
  }

  /** Marks due batches of one span `queued`: the same share for every application, and no more than there is room for. */
  async take(span: IdSpan, rooms: readonly QueueRoom[], limits: FeedLimits): Promise<FedBatch[]> {
    const [rows] = await this.db.query(TAKE, [
      rooms.map(({ lane }) => lane),
      rooms.map(({ provider }) => provider),
      rooms.map(({ room }) => room),
      span.lower,
      span.upper,
      limits.start,
      limits.perApplication,
      limits.queuedForMs,
    ]);
    return rows;
  }
}

// Planned once per connection: planning a look into every partition takes thirty times as long as looking. The orders say
// which index is meant; statistics from the middle of a campaign would make a scan of the table look as good.
const DUE_SPANS = {
  name: 'due_spans',
  text: `
  select span.lower, span.upper from unnest($2::uuid[], $3::uuid[]) as span(lower, upper)
  where exists (select 1 from unnest($1::text[]) as l(lane), lateral (
    select 1 from dispatch_batch b
    where b.state = 'pending' and b.lane = l.lane and b.not_before <= (select carillon_now())
      and b.notification_id >= span.lower and b.notification_id < span.upper
    order by b.lane, b.not_before limit 1) due)`,
};

const DEPTHS = {
  name: 'queue_depths',
  text: `select lane, provider, sum(n)::int as n from dispatch_batch where state = 'queued' and lane = any($1) group by 1, 2`,
};

/**
 * Of a short line the front says which applications have something due. Of a long one it may say only one: then a loose index
 * scan walks the others, from a point that changes. Each application gives its oldest due batches, and where there is not
 * enough room for all, each gives its first before any gives its second. A half-open gate lets one batch through.
 *
 * Not prepared: with the span's values Postgres plans for one partition, and running over all of them would cost more.
 */
const TAKE = `
  with recursive present as materialized (
    select carillon_now() as now
  ), queue as materialized (
    select * from unnest($1::text[], $2::text[], $3::int[]) as q(lane, provider, room)
  ), front as materialized (
    select l.lane, due.provider, due.application_id from (select distinct lane from queue) l, lateral (
      select b.provider, b.application_id from dispatch_batch b
      where b.state = 'pending' and b.lane = l.lane and b.not_before <= (select now from present)
        and b.notification_id >= $4 and b.notification_id < $5
      order by b.lane, b.not_before limit ${FRONT}) due
  ), walked as (
    select queue.lane, queue.provider, part.until, first.application_id, first.not_before, 1 as step
    from queue, (values ($6::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid),
      ('00000000-0000-0000-0000-000000000000'::uuid, $6::uuid)) part(since, until), lateral (
      select b.application_id, b.not_before from dispatch_batch b
      where b.state = 'pending' and b.lane = queue.lane and b.provider = queue.provider
        and b.application_id >= part.since and b.application_id < part.until
        and b.notification_id >= $4 and b.notification_id < $5
      order by b.lane, b.provider, b.application_id, b.not_before limit 1) first
    where (select count(*) from front where front.lane = queue.lane) = ${FRONT}
    union all
    select walked.lane, walked.provider, walked.until, following.application_id, following.not_before, step + 1
    from walked, lateral (
      select b.application_id, b.not_before from dispatch_batch b
      where b.state = 'pending' and b.lane = walked.lane and b.provider = walked.provider
        and b.application_id > walked.application_id and b.application_id < walked.until
        and b.notification_id >= $4 and b.notification_id < $5
      order by b.lane, b.provider, b.application_id, b.not_before limit 1) following
    where step < ${MAX_WALK}
  ), application as (
    select lane, provider, application_id from front
    union
    select lane, provider, application_id from walked where not_before <= (select now from present)
  ), open as (
    select queue.lane, queue.provider, a.application_id, queue.room,
      case when g.state = 'half_open' then 1 else $7::int end as share
    from application a join queue on queue.lane = a.lane and queue.provider = a.provider
    left join gate g on g.application_id = a.application_id and g.provider = a.provider and g.scope = ''
    where g.state is null or g.state = 'open'
      or (g.state = 'closed' and g.kind = 'throttled' and g.closed_until <= (select now from present))
      or (g.state = 'half_open' and g.probes_left > 0)
  ), ranked as (
    select due.notification_id, due.batch_no, open.room, sum(due.n) over (partition by open.lane, open.provider
      order by due.turn, open.application_id < $6::uuid, open.application_id) - due.n as before
    from open, lateral (
      select b.notification_id, b.batch_no, b.n, row_number() over (order by b.not_before) as turn from dispatch_batch b
      where b.state = 'pending' and b.lane = open.lane and b.provider = open.provider
        and b.application_id = open.application_id and b.not_before <= (select now from present)
        and b.notification_id >= $4 and b.notification_id < $5
        and not exists (select 1 from notification n
          where n.id = b.notification_id and n.state = 'paused' and n.id >= $4 and n.id < $5)
      order by b.not_before limit open.share) due
  ), taken as (
    select b.notification_id, b.batch_no from ranked, dispatch_batch b
    where ranked.before < ranked.room
      and b.notification_id = ranked.notification_id and b.batch_no = ranked.batch_no and b.state = 'pending'
      and b.notification_id >= $4 and b.notification_id < $5
    for update of b skip locked
  )
  update dispatch_batch b
  set state = 'queued', queued_until = (select now from present) + make_interval(secs => $8 / 1000.0)
  from taken where b.notification_id = taken.notification_id and b.batch_no = taken.batch_no
    and b.notification_id >= $4 and b.notification_id < $5
  returning b.notification_id as "notificationId", b.batch_no as "batchNo", b.lane, b.provider, b.n, b.claims >= 2 as "isSuspect"
`;
