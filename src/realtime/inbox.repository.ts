import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { texts, words } from '../database/array-literal.js';
import { type Prepared, runPrepared } from '../database/prepared.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { Grouped } from '../lib/grouped.js';
import type { LogEntry, LogPage } from './message.js';
import type { Position } from './position.js';
import { drawEpoch, type NewMessage, type PageLimits } from './redis-log.js';

/** One user's inbox in one application. */
export interface InboxRef {
  applicationId: string;
  userId: string;
}

const PURGE_PAGE = 5_000;
/** Days without a message after which an inbox's numbering is forgotten. */
const IDLE_DAYS = 35;

interface PageRow {
  epoch: string;
  last_seq: number;
  found: number;
  seq: number | null;
  event: string;
  data: string;
  at: Date;
}

const LOOK: Prepared = {
  name: 'realtime_inboxes',
  text: `select i.epoch, i.last_seq::bigint
     from unnest($1::uuid[], $2::text[]) with ordinality as asked (application_id, user_id, place)
     left join realtime_inbox i using (application_id, user_id)
     order by place`,
};
/** In the order of the key, so that two of these never wait for each other. */
const MAKE: Prepared = {
  name: 'realtime_inboxes_make',
  text: `insert into realtime_inbox (application_id, user_id, epoch)
     select a.id, asked.user_id, asked.epoch
     from unnest($1::uuid[], $2::text[], $3::text[]) as asked (application_id, user_id, epoch)
     join application a on a.id = asked.application_id
     order by a.id, asked.user_id
     on conflict do nothing`,
};

/** SQL over inboxes: the messages that a user gets however long Redis, or the user, is away. */
@Injectable()
export class InboxRepository {
  private readonly newcomers = new Grouped((inboxes: readonly InboxRef[]) => this.newestOf(inboxes), {
    failsTogether: true,
  });

  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** The position of an inbox's newest message, for who begins to follow it; those who begin at the same moment share a look. */
  async newest(inbox: InboxRef): Promise<Position> {
    const position = await this.newcomers.submit(inbox);
    if (!position) throw new Error('the application of an inbox is gone');
    return position;
  }

  /** Numbers and stores a message; both are visible to others at once. Undefined: the application is gone. */
  async append(
    { applicationId, userId }: InboxRef,
    { event, data }: NewMessage,
    keptHours: number,
  ): Promise<(Position & { at: Date }) | undefined> {
    const rows: { epoch: string; last_seq: number; at: Date }[] = await this.db.query(
      `with numbered as (
         insert into realtime_inbox as i (application_id, user_id, epoch, last_seq)
         select id, $2, $3, 1 from application where id = $1 for key share
         on conflict (application_id, user_id) do update set last_seq = i.last_seq + 1,
           used_at = case when i.used_at < carillon_now() - interval '1 day' then carillon_now() else i.used_at end
         returning epoch, last_seq),
       stored as (
         insert into realtime_inbox_message (application_id, user_id, seq, event, data, at, expires_at)
         select $1, $2, last_seq, $4, $5, carillon_now(), carillon_now() + make_interval(hours => $6) from numbered
         returning at)
       select epoch, last_seq, at from numbered, stored`,
      [applicationId, userId, drawEpoch(), event, data, keptHours],
    );
    const [row] = rows;
    return row && { epoch: row.epoch, seq: row.last_seq, at: row.at };
  }

  /** The messages after a position, as {@link LogPage}; of an inbox that had none yet, too, which then gets its epoch. */
  async read(inbox: InboxRef, after: Position, limits: PageLimits): Promise<LogPage> {
    const page = await this.readExisting(inbox, after, limits);
    if (page) return page;
    await this.make([inbox]);
    const made = await this.readExisting(inbox, after, limits);
    if (!made) throw new Error('the application of an inbox is gone');
    return made;
  }

  /** The newest positions, in the order of the inboxes; undefined for one that does not exist. */
  async look(inboxes: readonly InboxRef[]): Promise<(Position | undefined)[]> {
    const rows = await runPrepared<{ epoch: string | null; last_seq: number | null }>(this.db, LOOK, keysOf(inboxes));
    return rows.map(({ epoch, last_seq: seq }) => (epoch === null || seq === null ? undefined : { epoch, seq }));
  }

  async delete({ applicationId, userId }: InboxRef): Promise<void> {
    await this.db.query('delete from realtime_inbox where application_id = $1 and user_id = $2', [
      applicationId,
      userId,
    ]);
  }

  /** Forgets up to 5,000 messages that are past their time, and as many inboxes that nobody used for long. */
  async purge(): Promise<number> {
    const [, messages]: [unknown, number] = await this.db.query(
      `delete from realtime_inbox_message where ctid = any(array(
         select ctid from realtime_inbox_message where expires_at <= carillon_now()
         order by expires_at limit ${PURGE_PAGE} for update skip locked))`,
    );
    const [, inboxes]: [unknown, number] = await this.db.query(
      `delete from realtime_inbox where ctid = any(array(
         select i.ctid from realtime_inbox i
         where used_at <= carillon_now() - interval '${IDLE_DAYS} days' and not exists (
           select 1 from realtime_inbox_message m where m.application_id = i.application_id and m.user_id = i.user_id)
         order by used_at limit ${PURGE_PAGE} for update skip locked))`,
    );
    return Math.max(messages, inboxes);
  }

  /** Of those that nobody wrote to yet, too, which then get their epoch. */
  private async newestOf(inboxes: readonly InboxRef[]): Promise<(Position | undefined)[]> {
    const found = await this.look(inboxes);
    const missing = inboxes.filter((_, i) => found[i] === undefined);
    if (missing.length === 0) return found;
    await this.make(missing);
    const made = (await this.look(missing)).values();
    return found.map((position) => position ?? made.next().value);
  }

  private async make(inboxes: readonly InboxRef[]): Promise<void> {
    await runPrepared(this.db, MAKE, [...keysOf(inboxes), words(inboxes.map(drawEpoch))]);
  }

  /** One statement, so that the number of the newest message and the messages are of the same moment. */
  private async readExisting(
    { applicationId, userId }: InboxRef,
    after: Position,
    { entries: limit, bytes }: PageLimits,
  ): Promise<LogPage | undefined> {
    const rows: PageRow[] = await this.db.query(
      `with inbox as (select epoch, last_seq from realtime_inbox where application_id = $1 and user_id = $2),
       found as (
         select m.seq, m.event, m.data, m.at
         from inbox, realtime_inbox_message m
         where m.application_id = $1 and m.user_id = $2 and m.expires_at > carillon_now()
           and m.seq > case when inbox.epoch = $3 then $4::bigint else 0 end
         order by m.seq limit $5),
       summed as (select *, sum(octet_length(data)) over (order by seq) as upto, row_number() over (order by seq) as n from found)
       select epoch, last_seq::bigint, (select count(*) from found)::int as found, seq, event, data, at
       from inbox left join summed on upto <= $6 or n = 1
       order by seq`,
      [applicationId, userId, after.epoch, after.seq, limit, bytes],
    );
    const [first] = rows;
    if (!first) return undefined;
    const entries = rows.filter((row): row is PageRow & LogEntry => row.seq !== null);
    const hasMore = first.found === limit || entries.length < first.found;
    return { epoch: first.epoch, lastSeq: first.last_seq, entries, hasMore };
  }
}

function keysOf(inboxes: readonly InboxRef[]): [applicationIds: string, userIds: string] {
  return [words(inboxes.map(({ applicationId }) => applicationId)), texts(inboxes.map(({ userId }) => userId))];
}
