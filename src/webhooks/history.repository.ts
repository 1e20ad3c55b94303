import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import { TEST_EVENT, type WebhookAttempt } from './webhook.js';

/** Rows that one statement touches. */
const PAGE = 10_000;

/** All SQL over what a webhook was told: the attempts, sending again, and forgetting. */
@Injectable()
export class HistoryRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Newest first, before the row `beforeId`. */
  async attempts(webhookId: string, beforeId: number, limit: number): Promise<WebhookAttempt[]> {
    return this.db.query(
      `select id, event_id as "eventId", type, number, at, succeeded, status, error, latency_ms as "latencyMs",
         next_at as "nextAttemptAt"
       from webhook_attempt where webhook_id = $1 and id < $2 order by id desc limit $3`,
      [webhookId, beforeId, limit],
    );
  }

  async appendTest(webhookId: string, eventId: string, data: object): Promise<void> {
    await this.db.query(
      `insert into webhook_message (webhook_id, event_id, type, order_key, data, occurred_at, next_at)
       values ($1, $2::uuid, '${TEST_EVENT}', $2::text, $3::jsonb, carillon_now(), carillon_now())`,
      [webhookId, eventId, JSON.stringify(data)],
    );
  }

  /** Makes one event due, whatever became of it before. @returns whether it is known */
  async replayOne(webhookId: string, eventId: string): Promise<boolean> {
    const rows: { n: number }[] = await this.db.query(
      `with found as (
         select id from webhook_message where webhook_id = $1 and event_id = $2
       ), due as (
         ${makeDue('found')}
       )
       select count(*)::int as n from found`,
      [webhookId, eventId],
    );
    return (rows[0]?.n ?? 0) > 0;
  }

  /** Events from `from` until before `to`, counted no further than `limit`. */
  async countRange(webhookId: string, from: Date, to: Date, limit: number): Promise<number> {
    const rows: { n: number }[] = await this.db.query(
      `select count(*)::int as n from (
         select 1 from webhook_message where webhook_id = $1 and occurred_at >= $2 and occurred_at < $3 limit $4) found`,
      [webhookId, from, to, limit],
    );
    return rows[0]?.n ?? 0;
  }

  /** Makes the events of a range due, in steps. @returns how many there are */
  async replayRange(webhookId: string, from: Date, to: Date): Promise<number> {
    let total = 0;
    let afterId = 0;
    for (;;) {
      const rows: { n: number; lastId: number }[] = await this.db.query(
        `with found as (
           select id from webhook_message
           where webhook_id = $1 and occurred_at >= $2 and occurred_at < $3 and id > $4 order by id limit ${PAGE}
         ), due as (
           ${makeDue('found')}
         )
         select count(*)::int as n, coalesce(max(id), 0) as "lastId" from found`,
        [webhookId, from, to, afterId],
      );
      const { n, lastId } = rows[0] ?? { n: 0, lastId: 0 };
      total += n;
      if (n < PAGE) return total;
      afterId = lastId;
    }
  }

  /** Removes everything a webhook was told and owes, in steps. */
  async forget(webhookId: string): Promise<void> {
    for (const table of ['webhook_message', 'webhook_attempt']) {
      let deleted = PAGE;
      while (deleted === PAGE) {
        [, deleted] = await this.db.query(
          `delete from ${table} where id = any(array(select id from ${table} where webhook_id = $1 limit ${PAGE}))`,
          [webhookId],
        );
      }
    }
  }

  /** One step of removing what ended, and what a disabled webhook was owed, so long ago. @returns rows removed */
  async purge(days: number): Promise<number> {
    const [, ended] = await this.db.query(
      `delete from webhook_message where id = any(array(
         select id from webhook_message where ended_at < carillon_now() - make_interval(days => $1) limit ${PAGE}))`,
      [days],
    );
    const [, owed] = await this.db.query(
      `delete from webhook_message where id = any(array(
         select m.id from webhook w join webhook_message m on m.webhook_id = w.id
         where not w.enabled and m.state = 'pending' and m.occurred_at < carillon_now() - make_interval(days => $1)
         limit ${PAGE}))`,
      [days],
    );
    const [, attempts] = await this.db.query(
      `delete from webhook_attempt where id = any(array(
         select id from webhook_attempt where at < carillon_now() - make_interval(days => $1) limit ${PAGE}))`,
      [days],
    );
    return ended + owed + attempts;
  }
}

/** What is being sent right now is left to its sender. */
function makeDue(source: string): string {
  return `update webhook_message m set state = 'pending', step = 0, ended_at = null, next_at = carillon_now()
    from ${source} where m.id = ${source}.id and m.lease_until is null returning 1`;
}
