import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import type { Fact } from './event.js';

/**
 * Milliseconds for which it is taken as known what an application wants to hear. Another process may miss facts of the first
 * second after a webhook was made, and of that second alone: what is written is decided in the fact's own transaction.
 */
const CACHE_MS = 1_000;
/** Applications whose wishes are remembered. */
const MAX_CACHED = 10_000;

/**
 * Tells of facts in the transaction that makes them facts: both are committed or neither. Where no enabled webhook wants to
 * hear of something, nothing is written and, within {@link CACHE_MS}, nothing is asked.
 */
@Injectable()
export class EventLog {
  private readonly wishes = new Map<string, { types: ReadonlySet<string>; untilMs: number }>();

  constructor(
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Those facts that somebody wants to hear of; to be asked before a transaction is opened for their sake.
   *
   * @param db within a transaction the transaction: whoever holds a connection must not wait for another
   */
  async wanted<One extends Fact>(facts: readonly One[], db: Database = this.db): Promise<One[]> {
    if (facts.length === 0) return [];
    const nowMs = this.clock.monotonicMs();
    const known = new Map<string, ReadonlySet<string>>();
    const unknown: string[] = [];
    for (const id of new Set(facts.map(({ applicationId }) => applicationId))) {
      const wish = this.wishes.get(id);
      if (wish && wish.untilMs > nowMs) known.set(id, wish.types);
      else unknown.push(id);
    }
    if (unknown.length > 0) for (const [id, types] of await this.learn(unknown, nowMs, db)) known.set(id, types);
    return facts.filter(({ applicationId, type }) => known.get(applicationId)?.has(type));
  }

  /** Writes an event for each webhook that wants it. Part of the caller's transaction; facts are told in the given order. */
  async append(tx: Database, facts: readonly Fact[]): Promise<void> {
    if (facts.length === 0) return;
    const records = facts.map((fact, position) => ({
      position,
      application_id: fact.applicationId,
      type: fact.type,
      notification_id: 'notificationId' in fact ? fact.notificationId : null,
      device_id: 'device' in fact ? fact.device : null,
      data: fact.data,
    }));
    await tx.query(APPEND, [JSON.stringify(records, wellFormed)]);
  }

  /** The webhooks of an application have changed. */
  forget(applicationId: string): void {
    this.wishes.delete(applicationId);
  }

  private async learn(
    applicationIds: readonly string[],
    nowMs: number,
    db: Database,
  ): Promise<Map<string, ReadonlySet<string>>> {
    const rows: { id: string; types: string[] }[] = await db.query(
      `select application_id as id, array_agg(distinct type) as types from webhook, unnest(events) as type
       where application_id = any($1::uuid[]) and enabled group by application_id`,
      [applicationIds],
    );
    if (this.wishes.size + applicationIds.length > MAX_CACHED) this.wishes.clear();
    const found = new Map<string, ReadonlySet<string>>(rows.map(({ id, types }) => [id, new Set(types)]));
    for (const id of applicationIds) {
      this.wishes.set(id, { types: found.get(id) ?? new Set(), untilMs: nowMs + CACHE_MS });
    }
    return found;
  }
}

/** Half a surrogate pair in a provider's word must not keep the fact itself from being written: jsonb takes none. */
function wellFormed(_: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/**
 * Two parts of a `with` that tell of the rows of another: for statements that make facts by themselves.
 *
 * @param source its rows: position, application_id, type, notification_id, device_id (the last two may be null), data
 */
export function tellingOf(source: string): string {
  return `heard as materialized (
    select f.*, gen_random_uuid() as event_id from ${source} f
    where exists (select 1 from webhook w where w.application_id = f.application_id and w.enabled and f.type = any(w.events))
  ), told as (
    insert into webhook_message (webhook_id, event_id, type, order_key, data, occurred_at, next_at)
    select w.id, h.event_id, h.type,
      coalesce(d.public_id::text, h.notification_id::text, h.application_id::text),
      jsonb_build_object('applicationId', h.application_id)
        || case when h.notification_id is null then '{}' else jsonb_build_object('notificationId', h.notification_id) end
        || case when h.device_id is null then '{}' else jsonb_build_object('deviceId', d.public_id) end
        || h.data,
      carillon_now(), carillon_now()
    from heard h
    join webhook w on w.application_id = h.application_id and w.enabled and h.type = any(w.events)
    left join device d on d.id = h.device_id
    order by h.position
    returning 1
  )`;
}

const APPEND = `
  with fact as (
    select * from jsonb_to_recordset($1::jsonb)
      as f(position int, application_id uuid, type text, notification_id uuid, device_id bigint, data jsonb)
  ), ${tellingOf('fact')}
  select count(*)::int as n from told`;
