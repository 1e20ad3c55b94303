import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { WebhookJob } from '../queue/queues.js';
import type { Settlement } from './verdict.js';
import type { DisabledReason, MessageType } from './webhook.js';

/** A message that this worker holds the lease of, and where it goes. */
export interface ClaimedMessage extends WebhookJob {
  webhookId: string;
  applicationId: string;
  url: string;
  secret: Buffer;
  /** Null unless it still signs. */
  previousSecret: Buffer | null;
  eventId: string;
  type: MessageType;
  data: unknown;
  occurredAt: Date;
  step: number;
}

export interface FeedLimits {
  /** Messages in all. */
  total: number;
  /** Messages of one webhook that may be leased at a time, and of one whose last attempt failed. */
  perWebhook: number;
  perFailing: number;
  leaseMs: number;
}

/** All SQL of sending: what is due, who holds it, and what came of it. */
@Injectable()
export class MessagesRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Leases what is due and waits for no earlier message about the same; the caller hands it out. */
  async feed(limits: FeedLimits): Promise<WebhookJob[]> {
    const { total, perWebhook, perFailing, leaseMs } = limits;
    return this.db.query(FEED, [total, perWebhook, perFailing, leaseMs]);
  }

  /** Takes over what was handed out. Undefined: somebody else has it, it has ended, or its webhook is disabled. */
  async claim({ id, epoch }: WebhookJob, leaseMs: number): Promise<ClaimedMessage | undefined> {
    const [rows]: [ClaimedMessage[]] = await this.db.query(
      `update webhook_message m set epoch = m.epoch + 1,
         lease_until = carillon_now() + make_interval(secs => $3 / 1000.0),
         next_at = carillon_now() + make_interval(secs => $3 / 1000.0)
       from webhook w
       where m.id = $1 and m.epoch = $2 and m.state = 'pending' and w.id = m.webhook_id and w.enabled
       returning m.id, m.epoch, m.webhook_id as "webhookId", w.application_id as "applicationId", w.url, w.secret,
         case when w.previous_until > carillon_now() then w.previous_secret end as "previousSecret",
         m.event_id as "eventId", m.type, m.data, m.occurred_at as "occurredAt", m.step`,
      [id, epoch, leaseMs],
    );
    return rows[0];
  }

  /** Gives leases back: nothing was sent. */
  async release(jobs: readonly WebhookJob[]): Promise<void> {
    await this.db.query(
      `update webhook_message m set lease_until = null, next_at = carillon_now()
       from unnest($1::bigint[], $2::int[]) as j(id, epoch) where m.id = j.id and m.epoch = j.epoch and m.state = 'pending'`,
      [jobs.map(({ id }) => id), jobs.map(({ epoch }) => epoch)],
    );
  }

  /**
   * Writes an attempt down, and what it means for the message and its webhook.
   *
   * @param failingDays of nothing but failures after which a webhook is disabled
   * @returns why the webhook is disabled by this, if it is
   */
  async settle(
    db: Database,
    { id, epoch }: WebhookJob,
    settlement: Settlement,
    latencyMs: number,
    failingDays: number,
  ): Promise<DisabledReason | undefined> {
    const { state, delayMs, succeeded, isGone, status, error } = settlement;
    const rows: { reason: DisabledReason | null }[] = await db.query(SETTLE, [
      id,
      epoch,
      state,
      delayMs,
      succeeded,
      isGone,
      status,
      error,
      Math.round(latencyMs),
      failingDays,
    ]);
    return rows[0]?.reason ?? undefined;
  }
}

/** Due messages of a webhook that one round looks at. */
const LOOK = 1_000;

/**
 * Which webhooks have anything pending is found by a loose index scan; each gives its oldest due messages, as many as it has
 * room for. `next_at` of a leased message is the end of its lease, so that what a dead worker held is due again by itself.
 *
 * A due message that waits for an earlier one is put off a little: however many there are, no round looks at them all, and
 * they do not stand in the way of others. When the earlier one ends, the next is due at once.
 */
const FEED = `
  with recursive moment as materialized (
    select carillon_now() as now
  ), waiting as (
    (select webhook_id from webhook_message where state = 'pending' order by webhook_id limit 1)
    union all
    select (select m.webhook_id from webhook_message m
      where m.state = 'pending' and m.webhook_id > waiting.webhook_id order by m.webhook_id limit 1)
    from waiting where waiting.webhook_id is not null
  ), open as (
    select w.id, case when w.failing_since is null then $2::int else $3::int end - (
      select count(*) from webhook_message m, moment
      where m.webhook_id = w.id and m.lease_until is not null and m.lease_until > moment.now) as room
    from waiting join webhook w on w.id = waiting.webhook_id where w.enabled
  ), seen as (
    select open.room, one.*, row_number() over (partition by open.id, one.must_wait order by one.next_at, one.id) as turn
    from open, moment, lateral (
      select m.id, m.next_at, exists (select 1 from webhook_message earlier
        where earlier.webhook_id = open.id and earlier.order_key = m.order_key and earlier.state = 'pending'
          and earlier.id < m.id) as must_wait
      from (select * from webhook_message due
        where due.webhook_id = open.id and due.state = 'pending' and due.next_at <= moment.now
        order by due.next_at, due.id limit ${LOOK}) m) one
    where open.room > 0
  ), chosen as (
    (select id, must_wait from seen where not must_wait and turn <= room order by turn limit $1)
    union all
    (select id, must_wait from seen where must_wait)
  ), taken as (
    select m.id, chosen.must_wait from chosen join webhook_message m using (id), moment
    where m.state = 'pending' and m.next_at <= moment.now
    for update of m skip locked
  ), changed as (
    update webhook_message m set epoch = m.epoch + 1,
      lease_until = case when not taken.must_wait then moment.now + make_interval(secs => $4 / 1000.0) end,
      next_at = moment.now + case when taken.must_wait then interval '10 seconds'
        else make_interval(secs => $4 / 1000.0) end
    from taken, moment where m.id = taken.id
    returning m.id, m.epoch, taken.must_wait
  )
  select id, epoch from changed where not must_wait`;

const SETTLE = `
  with moment as materialized (
    select carillon_now() as now
  ), settled as (
    update webhook_message m set state = $3, attempts = m.attempts + 1, lease_until = null,
      step = m.step + case when $5::boolean then 0 else 1 end,
      next_at = moment.now + make_interval(secs => $4 / 1000.0),
      ended_at = case when $3 <> 'pending' then moment.now end
    from moment where m.id = $1 and m.epoch = $2 and m.state = 'pending'
    returning m.id, m.webhook_id, m.order_key, m.state, m.event_id, m.type, m.attempts,
      case when m.state = 'pending' then m.next_at end as next_at
  ), following as (
    update webhook_message m set next_at = moment.now from settled, moment
    where settled.state <> 'pending' and m.lease_until is null and m.step = 0 and m.id = (
      select f.id from webhook_message f
      where f.webhook_id = settled.webhook_id and f.order_key = settled.order_key and f.state = 'pending' and f.id <> settled.id
      order by f.id limit 1)
  ), logged as (
    insert into webhook_attempt (webhook_id, event_id, type, number, at, succeeded, status, error, latency_ms, next_at)
    select webhook_id, event_id, type, attempts, moment.now, $5, $7::int, $8::text, $9::int, next_at from settled, moment
  ), judged as (
    -- In most cases nothing changes, and the row that all of its messages share is not written.
    update webhook w set failing_since = case when $5 then null else coalesce(w.failing_since, moment.now) end,
      enabled = verdict.reason is null, disabled_reason = verdict.reason,
      disabled_at = case when verdict.reason is not null then moment.now end
    from settled, moment, lateral (
      select case when $6::boolean then 'gone'
        when not $5 and w0.failing_since <= moment.now - make_interval(days => $10::int) then 'failing' end as reason
      from webhook w0 where w0.id = settled.webhook_id) verdict
    where w.id = settled.webhook_id and w.enabled
      and case when $5 then w.failing_since is not null else w.failing_since is null or verdict.reason is not null end
    returning w.disabled_reason
  )
  select judged.disabled_reason as reason from settled left join judged on true`;
