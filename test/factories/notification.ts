import type { DataSource } from 'typeorm';
import { BatchesRepository } from '../../src/batches/batches.repository.js';
import { BatchesService } from '../../src/batches/batches.service.js';
import { rootsPart } from '../../src/batches/roots.repository.js';
import type { Database } from '../../src/database/transaction.js';
import { uuidV7 } from '../../src/lib/ids.js';
import type { ProviderName } from '../../src/lib/names.js';
import { AcceptRepository, type NotificationRow } from '../../src/notifications/accept.repository.js';
import {
  draftNotification,
  type NewNotification,
  type NotificationRequest,
} from '../../src/notifications/notification.js';
import { NotificationsRepository } from '../../src/notifications/notifications.repository.js';

/** The body of the simplest request; state only what the test is about. */
export function notificationRequest(fields: Partial<NotificationRequest> = {}): NotificationRequest {
  return { audience: { all: true }, content: { title: 'Hello' }, ...fields };
}

/** A stored notification, planned and without batches unless told. */
export async function storeNotification(
  db: DataSource,
  applicationId: string,
  fields: Partial<NotificationRequest> = {},
  row: Partial<NotificationRow> = {},
): Promise<NewNotification> {
  const now = await new NotificationsRepository(db).now();
  const notification = draftNotification(uuidV7(now), applicationId, notificationRequest(fields), now, true);
  const { id, lane, createdAt } = notification;
  const state = row.state ?? 'sending';
  await new AcceptRepository(db).store(
    [
      {
        notification,
        ...{ state, isPlanned: true, planned: 0, planWakeAt: notification.sendAt, ...row },
        idempotent: undefined,
        response: { id, lane, status: state, createdAt: createdAt.toISOString() },
      },
    ],
    rootsPart([]),
    0,
  );
  return notification;
}

/** Adds a pending batch of `n` made-up devices to a stored notification, counted as planned; returns its number. */
export async function addBatch(
  db: DataSource,
  notification: NewNotification,
  n: number,
  provider: ProviderName = 'fcm',
): Promise<number> {
  const ids = Array.from({ length: n }, (_, i) => i + 1);
  const group = { provider, deviceIds: `{${ids.join(',')}}`, n, firstId: 1, lastId: n };
  return db.transaction(async (tx) => {
    const [batch] = await new BatchesService(new BatchesRepository(db)).insertRoots(tx, [{ notification, group }]);
    await tx.query('update notification set planned = planned + $2 where id = $1', [notification.id, n]);
    if (!batch) throw new Error('the batch was not written');
    return batch.batchNo;
  });
}

/**
 * Ends a batch as its worker would.
 *
 * @param result one character per delivery, see `RESULT`; a child is made for what was moved
 */
export async function finishBatch(
  db: DataSource,
  notificationId: string,
  batchNo: number,
  result: string,
): Promise<void> {
  const count = (digit: string) => result.split(digit).length - 1;
  await db.transaction(async (tx) => {
    await tx.query(
      `update dispatch_batch set state = 'done', result = $3, accepted = $4, failed = $5, moved = $6, unknown = $7,
         first_attempt_at = carillon_now()
       where notification_id = $1 and batch_no = $2`,
      [notificationId, batchNo, result, count('1'), count('2'), count('3'), count('7')],
    );
    const moved = count('3');
    if (moved === 0) return;
    await tx.query(
      `insert into dispatch_batch (notification_id, batch_no, application_id, provider, lane, state, parent_batch, step,
         device_ids, first_id, last_id, n, result, not_before, expires_at)
       select notification_id, nextval('dispatch_batch_no'), application_id, provider, lane, 'pending', batch_no, step + 1,
         device_ids[1:$3], first_id, last_id, $3, repeat('0', $3), carillon_now() + interval '1 hour', expires_at
       from dispatch_batch where notification_id = $1 and batch_no = $2`,
      [notificationId, batchNo, moved],
    );
  });
}

/** Makes active devices, as many as asked for, and returns their public ids in the order of their internal ones. */
export async function insertDevices(
  db: Database,
  applicationId: string,
  n: number,
  fields: { provider?: ProviderName; userId?: string; topic?: string; tags?: Record<string, string> } = {},
): Promise<string[]> {
  const rows: { public_id: string }[] = await db.query(
    `with made as (
       insert into device (public_id, application_id, provider, token, token_hash, user_id, tags)
       select gen_random_uuid(), $1, $2, 'token ' || i, decode(md5(random()::text || i), 'hex'), $4, $5
       from generate_series(1, $3::int) i returning id, public_id
     ), joined as (
       insert into topic_member (application_id, topic, device_id) select $1, $6::text, id from made where $6::text is not null
     )
     select public_id from made order by id`,
    [applicationId, fields.provider ?? 'webpush', n, fields.userId, fields.tags ?? {}, fields.topic],
  );
  return rows.map((row) => row.public_id);
}
