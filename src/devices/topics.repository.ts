import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';

/** The topics that a device is to have from now on. */
export interface TopicChange {
  deviceId: number;
  topics: readonly string[];
  /** True: the device has no topics yet. */
  isNew: boolean;
}

/** SQL over memberships in topics. */
@Injectable()
export class TopicsRepository {
  /**
   * Makes each device's topics exactly those given.
   *
   * @param db an open transaction that holds the devices' row locks: without them two writers' topics would mix
   */
  async set(db: Database, applicationId: string, changes: readonly TopicChange[]): Promise<void> {
    const pairs = changes.flatMap(({ deviceId, topics }) => topics.map((topic) => ({ deviceId, topic })));
    const wanted = [`{${pairs.map((pair) => pair.deviceId).join()}}`, pairs.map((pair) => pair.topic)];
    const known = changes.filter((change) => !change.isNew).map((change) => change.deviceId);
    if (known.length > 0) {
      await db.query(
        `delete from topic_member m where m.device_id = any($1::bigint[]) and not exists (
           select 1 from unnest($2::bigint[], $3::text[]) as w(device_id, topic)
           where w.device_id = m.device_id and w.topic = m.topic)`,
        [`{${known.join()}}`, ...wanted],
      );
    }
    if (pairs.length > 0) {
      await db.query(
        `insert into topic_member (application_id, topic, device_id)
         select $1, w.topic, w.device_id from unnest($2::bigint[], $3::text[]) as w(device_id, topic)
         order by w.topic, w.device_id on conflict do nothing`,
        [applicationId, ...wanted],
      );
    }
  }
}
