import type { DataSource } from 'typeorm';
import { type ClaimedBatch, RESULT } from '../../src/batches/batch.js';
import { BatchesRepository } from '../../src/batches/batches.repository.js';
import { BatchesService } from '../../src/batches/batches.service.js';
import type { ProviderName } from '../../src/lib/names.js';
import type { NewNotification } from '../../src/notifications/notification.js';

/** Plans a batch of these devices (internal ids); returns its number. */
export async function planBatch(
  db: DataSource,
  notification: NewNotification,
  provider: ProviderName,
  devices: readonly number[],
): Promise<number> {
  const ids = devices.toSorted((a, b) => a - b);
  const [firstId, lastId] = [ids[0] ?? 0, ids.at(-1) ?? 0];
  const group = { provider, deviceIds: `{${ids.join(',')}}`, n: ids.length, firstId, lastId };
  return db.transaction(async (tx) => {
    const [batch] = await new BatchesService(new BatchesRepository(db)).insertRoots(tx, [{ notification, group }]);
    if (!batch) throw new Error('the batch was not written');
    await tx.query('update notification set planned = planned + $2 where id = $1', [notification.id, ids.length]);
    return batch.batchNo;
  });
}

/** Takes the lease of a batch, as a worker does. */
export async function claimBatch(db: DataSource, notificationId: string, batchNo: number): Promise<ClaimedBatch> {
  const [batch] = await new BatchesRepository(db).claim([[notificationId, batchNo]], 20_000);
  if (!batch) throw new Error(`batch ${batchNo} could not be claimed`);
  return batch;
}

/** Takes the lease of the batch in which this delivery waits now. */
export async function claimBatchOf(db: DataSource, notificationId: string, device: number): Promise<ClaimedBatch> {
  const [row] = await db.query(
    `select batch_no from dispatch_batch where notification_id = $1 and $2::bigint = any(device_ids) and state <> 'done'`,
    [notificationId, device],
  );
  return claimBatch(db, notificationId, row?.batch_no ?? 0);
}

/** The result of a batch once the deliveries of these devices have that mark. */
export function markResults(batch: ClaimedBatch, marks: ReadonlyMap<number, keyof typeof RESULT>): string {
  return batch.deviceIds
    .map((device, i) => {
      const name = marks.get(device);
      return name ? RESULT[name] : (batch.result[i] ?? RESULT.pending);
    })
    .join('');
}
