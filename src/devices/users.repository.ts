import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';

/** A user id of the application, and the devices that have it today. */
export interface UserDevices {
  userId: string;
  devices: number;
  activeDevices: number;
  lastRegisteredAt: Date;
}

/** Above every text that begins with what is before it. */
const LAST_CHARACTER = '\u{10FFFF}';

/** Users are not stored: they are what devices say. */
@Injectable()
export class UsersRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Users after the id `after` whose ids begin with `prefix`, in the order of the ids' bytes. */
  async list(applicationId: string, prefix: string, after: string, limit: number): Promise<UserDevices[]> {
    return this.db.query(LIST, [applicationId, prefix, `${prefix}${LAST_CHARACTER}`, after, limit]);
  }
}

// From one user to the next through the index: however many devices one of them has, they are not read to find the other.
const LIST = `
  with recursive name as (
    (select d.user_id from device d
     where d.application_id = $1 and d.user_id >= $2 and d.user_id < $3 and d.user_id > $4 order by d.user_id limit 1)
    union all
    select (
      select d.user_id from device d
      where d.application_id = $1 and d.user_id > name.user_id and d.user_id < $3 order by d.user_id limit 1)
    from name where name.user_id is not null)
  select name.user_id as "userId", own.*
  from (select user_id from name where user_id is not null limit $5) name, lateral (
    select count(*)::int as devices, (count(*) filter (where d.status = 'active'))::int as "activeDevices",
      max(d.registered_at) as "lastRegisteredAt"
    from device d where d.application_id = $1 and d.user_id = name.user_id) own
  order by name.user_id`;
