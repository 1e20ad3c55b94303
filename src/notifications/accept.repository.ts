import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { documents, numbers, texts, words } from '../database/array-literal.js';
import { runPrepared, type StatementPart } from '../database/prepared.js';
import { DATA_SOURCE } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import { IDEMPOTENCY_KEY_HOURS, type IdempotentRequest, type StoredResponse } from './idempotency.repository.js';
import { noticeOf } from './live.js';
import { isScheduled, type NewNotification, type NotificationState } from './notification.js';
import type { Accepted } from './notifications.dto.js';

/** A new notification and how far it is planned already. */
export interface NotificationRow {
  notification: NewNotification;
  state: NotificationState;
  isPlanned: boolean;
  /** Deliveries whose batches are written in the same statement. */
  planned: number;
  /** The sweep leaves planning alone until then: whoever wrote the row wakes a planner itself. */
  planWakeAt: Date;
}

/** Stored only if its key can be taken, with the answer to give to whoever repeats the request. */
export interface NewRow extends NotificationRow {
  idempotent: IdempotentRequest | undefined;
  response: Accepted;
}

/** A batch that was stored with its notification. */
export interface StoredRoot {
  notificationId: string;
  provider: ProviderName;
  batchNo: number;
  n: number;
}

/** The two statements by which requests are accepted, each for any number of them. */
@Injectable()
export class AcceptRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /**
   * What must be known before anything can be stored: the database's time, for each key its first response, if there is one
   * that is committed and not older than 72 hours, which applications have screens, and the rows of `audiences`.
   */
  async look<Row>(
    applicationIds: readonly string[],
    keys: readonly (string | undefined)[],
    audiences: StatementPart,
  ): Promise<{ now: Date; before: (StoredResponse | undefined)[]; withScreens: Set<string>; rows: readonly Row[] }> {
    const found = await runPrepared<{
      now: Date;
      before: [number, string, Accepted][] | null;
      screens: string[] | null;
      rows: Row[] | null;
    }>(this.db, { name: 'accept_look', text: lookSql(audiences.sql(4)) }, [
      words(applicationIds),
      texts(keys.map((key) => key ?? null)),
      words([...new Set(applicationIds)]),
      ...audiences.values,
    ]);
    const { now = new Date(Number.NaN), before, screens, rows } = found[0] ?? {};
    const answers: (StoredResponse | undefined)[] = keys.map(() => undefined);
    for (const [position, hash, response] of before ?? []) {
      answers[position - 1] = { requestHash: Buffer.from(hash, 'hex'), response };
    }
    return { now, before: answers, withScreens: new Set(screens), rows: rows ?? [] };
  }

  /**
   * Stores notifications with their keys, batches and notices, and commits. Left out are those whose key another request has. Waits for
   * transactions that are about to take one of the keys, in one order for everybody; the keys must be distinct.
   *
   * @param roots batches of these notifications, as SQL that reads `stored` and returns {@link StoredRoot} in columns
   * @returns ids of what was stored
   * @throws an error with the SQLSTATE 55P03 when waiting for a key lasts longer than `waitMs`
   */
  async store(
    rows: readonly NewRow[],
    roots: StatementPart,
    waitMs: number,
  ): Promise<{ ids: Set<string>; roots: StoredRoot[] }> {
    const found = await runPrepared<{ id: string } & (StoredRoot | { provider: null })>(
      this.db,
      { name: 'accept_store', text: storeSql(roots.sql(COLUMNS.length + 2)) },
      [`${waitMs}ms`, ...columnsOf(rows), ...roots.values],
    );
    return {
      ids: new Set(found.map(({ id }) => id)),
      roots: found.flatMap((row) =>
        row.provider === null
          ? []
          : [{ notificationId: row.id, provider: row.provider, batchNo: row.batchNo, n: row.n }],
      ),
    };
  }
}

/** What is stored of a notification and its key, by column. */
const COLUMNS = [
  ...['id uuid', 'application_id uuid', 'lane text', 'semantics text', 'state text', 'planned integer'],
  ...['is_planned boolean', 'created_at timestamptz', 'send_at timestamptz', 'expires_at timestamptz'],
  ...['plan_wake_at timestamptz', 'audience jsonb', 'content jsonb', 'options jsonb', 'overrides jsonb'],
  ...['key text', 'request_hash text', 'response json'],
  // What is owed to open screens; names as texts, because arrays of different lengths cannot be one array of arrays.
  ...['live_kind text', 'live_names text', 'live_message text'],
].map((column) => column.split(' '));

/** One array for each of {@link COLUMNS}. */
function columnsOf(rows: readonly NewRow[]): string[] {
  const of = <T>(value: (row: NewRow) => T): T[] => rows.map(value);
  const notices = of(({ notification }) => noticeOf(notification));
  return [
    words(of(({ notification }) => notification.id)),
    words(of(({ notification }) => notification.applicationId)),
    words(of(({ notification }) => notification.lane)),
    words(of(({ notification }) => notification.semantics)),
    words(of(({ state }) => state)),
    numbers(of(({ planned }) => planned)),
    words(of(({ isPlanned }) => String(isPlanned))),
    words(of(({ notification }) => notification.createdAt.toISOString())),
    words(of(({ notification }) => (isScheduled(notification) ? notification.sendAt.toISOString() : null))),
    words(of(({ notification }) => notification.expiresAt.toISOString())),
    words(of(({ isPlanned, planWakeAt }) => (isPlanned ? null : planWakeAt.toISOString()))),
    documents(of(({ notification }) => notification.audience)),
    documents(of(({ notification }) => notification.content)),
    documents(of(({ notification }) => notification.options)),
    documents(of(({ notification }) => notification.overrides)),
    texts(of(({ idempotent }) => idempotent?.key ?? null)),
    words(of(({ idempotent }) => idempotent?.requestHash.toString('hex') ?? null)),
    documents(of(({ idempotent, response }) => idempotent && response)),
    words(notices.map((notice) => notice?.kind ?? null)),
    texts(notices.map((notice) => (notice ? texts(notice.names) : null))),
    texts(notices.map((notice) => notice?.message ?? null)),
  ];
}

const lookSql = (audiences: string) => `
  with clock as materialized (select carillon_now() as now)
  select clock.now,
    (select json_agg(json_build_array(k.position, encode(i.request_hash, 'hex'), i.response))
     from unnest($1::uuid[], $2::text[]) with ordinality as k(application_id, key, position)
     cross join lateral (
       select request_hash, response from idempotency_key i
       where i.application_id = k.application_id and i.key = k.key
         and i.created_at > clock.now - interval '${IDEMPOTENCY_KEY_HOURS} hours'
       limit 1) i) as before,
    (select json_agg(id) from application where id = any($3::uuid[]) and has_screens) as screens,
    (select json_agg(found) from (${audiences}) found) as rows
  from clock`;

// The lock timeout is set while the keys are sorted, so before the first of them is taken.
const storeSql = (roots: string) => `
  with given as materialized (
    select *, set_config('lock_timeout', $1, true)
    from unnest(${COLUMNS.map(([, type], i) => `$${i + 2}::${type}[]`).join()}) as r(${COLUMNS.map(([name]) => name).join()})
    order by application_id, key
  ), taken as (
    insert into idempotency_key (application_id, key, request_hash, response, created_at)
    select application_id, key, decode(request_hash, 'hex'), response, (select carillon_now()) from given where key is not null
    on conflict (application_id, key) do update
      set request_hash = excluded.request_hash, response = excluded.response, created_at = excluded.created_at
      where idempotency_key.created_at <= carillon_now() - interval '${IDEMPOTENCY_KEY_HOURS} hours'
    returning application_id, key
  ), stored as (
    insert into notification (id, application_id, lane, semantics, audience, content, options, overrides, state, created_at,
      send_at, expires_at, plan_wake_at, is_planned, planned, completed_at)
    select id, application_id, lane, semantics, audience, content, options, overrides, state, created_at,
      coalesce(send_at, created_at), expires_at, coalesce(plan_wake_at, created_at), is_planned, planned, case when state = 'completed' then created_at end
    from given where key is null or (application_id, key) in (select application_id, key from taken)
    returning id, application_id, lane, expires_at
  ), noticed as (
    insert into live_notice (notification_id, application_id, kind, names, message, due_at, expires_at)
    select id, application_id, live_kind, live_names::text[], live_message, coalesce(send_at, created_at), expires_at
    from given
    where live_kind is not null and (key is null or (application_id, key) in (select application_id, key from taken))
  ), root as (${roots})
  select stored.id, root.provider, root.batch_no as "batchNo", root.n
  from stored left join root on root.notification_id = stored.id`;
