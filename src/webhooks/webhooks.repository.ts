import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { EventType } from '../events/event.js';
import type { Webhook } from './webhook.js';

/** What a change may touch; what is absent stays. */
export interface WebhookChanges {
  url?: string | undefined;
  events?: readonly EventType[] | undefined;
  enabled?: boolean | undefined;
}

const COLUMNS = `id, application_id as "applicationId", url, events, enabled, disabled_reason as "disabledReason",
  disabled_at as "disabledAt", failing_since as "failingSince",
  case when previous_until > carillon_now() then previous_until end as "previousSecretUntil", created_at as "createdAt"`;

/** All SQL over `webhook` itself. */
@Injectable()
export class WebhooksRepository {
  /** Makes who adds webhooks to an application wait for each other. @returns whether it exists */
  async lockApplication(tx: Database, applicationId: string): Promise<boolean> {
    const rows: unknown[] = await tx.query('select 1 from application where id = $1 for no key update', [
      applicationId,
    ]);
    return rows.length > 0;
  }

  /**
   * Needs the lock of the application.
   *
   * @param limit of an application
   * @returns undefined when it has so many already
   */
  async insert(
    tx: Database,
    webhook: Pick<Webhook, 'id' | 'applicationId' | 'url' | 'events'> & { secret: Buffer },
    limit: number,
  ): Promise<Webhook | undefined> {
    const rows: Webhook[] = await tx.query(
      `insert into webhook (id, application_id, url, events, secret)
       select $1::uuid, $2::uuid, $3::text, $4::text[], $5::bytea
       where (select count(*) from webhook where application_id = $2::uuid) < $6::int
       returning ${COLUMNS}`,
      [webhook.id, webhook.applicationId, webhook.url, webhook.events, webhook.secret, limit],
    );
    return rows[0];
  }

  /** In the order of creation, after the id `afterId`. */
  async list(db: Database, applicationId: string, afterId: string, limit: number): Promise<Webhook[]> {
    return db.query(`select ${COLUMNS} from webhook where application_id = $1 and id > $2 order by id limit $3`, [
      applicationId,
      afterId,
      limit,
    ]);
  }

  async find(db: Database, applicationId: string, id: string): Promise<Webhook | undefined> {
    const rows: Webhook[] = await db.query(`select ${COLUMNS} from webhook where application_id = $1 and id = $2`, [
      applicationId,
      id,
    ]);
    return rows[0];
  }

  /** A webhook that is enabled, or moved, is given the benefit of the doubt: its failures are forgotten. */
  async update(
    db: Database,
    applicationId: string,
    id: string,
    { url, events, enabled }: WebhookChanges,
  ): Promise<Webhook | undefined> {
    const [rows]: [Webhook[]] = await db.query(
      `update webhook set url = coalesce($3, url), events = coalesce($4::text[], events),
         enabled = coalesce($5::boolean, enabled),
         disabled_reason = case when $5::boolean then null when not $5::boolean then coalesce(disabled_reason, 'requested')
           else disabled_reason end,
         disabled_at = case when $5::boolean then null when not $5::boolean then coalesce(disabled_at, carillon_now())
           else disabled_at end,
         failing_since = case when $5::boolean or $3 <> url then null else failing_since end
       where application_id = $1 and id = $2 returning ${COLUMNS}`,
      [applicationId, id, url ?? null, events ?? null, enabled ?? null],
    );
    return rows[0];
  }

  /** The present secret becomes the previous one; one that was previous until now dies. */
  async rotate(
    db: Database,
    applicationId: string,
    id: string,
    secret: Buffer,
    overlapHours: number,
  ): Promise<Webhook | undefined> {
    const [rows]: [Webhook[]] = await db.query(
      `update webhook set previous_secret = secret, previous_until = carillon_now() + make_interval(hours => $4),
         secret = $3
       where application_id = $1 and id = $2 returning ${COLUMNS}`,
      [applicationId, id, secret, overlapHours],
    );
    return rows[0];
  }

  async delete(db: Database, applicationId: string, id: string): Promise<void> {
    await db.query('delete from webhook where application_id = $1 and id = $2', [applicationId, id]);
  }
}
