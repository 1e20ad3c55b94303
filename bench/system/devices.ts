import type { Client } from 'pg';

/** Rows of one statement. */
const CHUNK = 250_000;
/** From so many devices on, making the indexes anew is faster than filling them row by row. */
const MANY = 200_000;

/**
 * Gives an application `count` active FCM devices, one for each of the users `u-1`, `u-2`, …, straight into the table: the
 * public way in is another benchmark's subject. Tokens look like FCM's: 163 characters, random for all that a compressor or
 * an index can tell.
 *
 * @param many from so many on, the indexes are dropped and made anew
 */
export async function createDevices(db: Client, applicationId: string, count: number, many = MANY): Promise<void> {
  await db.query("set synchronous_commit = off; set maintenance_work_mem = '512MB'");
  // Every row's application is the one that the caller names.
  await db.query('set session_replication_role = replica');
  const restore = count < many ? [] : await dropIndexes(db, 'device');
  for (let from = 1; from <= count; from += CHUNK) {
    await db.query(INSERT, [applicationId, from, Math.min(count, from + CHUNK - 1)]);
  }
  for (const statement of restore) await db.query(statement);
  await db.query('reset session_replication_role; reset maintenance_work_mem; reset synchronous_commit');
  // What autovacuum would do some minutes later, and in the middle of a measurement.
  await db.query('vacuum (analyze) device');
  await db.query('checkpoint');
}

/**
 * Drops every index of a table with those of its partitions, and the constraints that stand on one.
 *
 * @returns the statements that make them again as they were
 */
export async function dropIndexes(db: Client, table: string): Promise<string[]> {
  const constraints = await db.query<{ drop: string; make: string }>(
    `select format('alter table %I drop constraint %I', $1::text, conname) as drop,
       format('alter table %I add constraint %I %s', $1::text, conname, pg_get_constraintdef(oid)) as make
     from pg_constraint where conrelid = $1::regclass and contype in ('p', 'u')`,
    [table],
  );
  const indexes = await db.query<{ drop: string; make: string }>(
    `select format('drop index %s', indexrelid::regclass) as drop,
       replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as make
     from pg_index where indrelid = $1::regclass
       and not exists (select 1 from pg_constraint where conindid = indexrelid)`,
    [table],
  );
  const all = [...constraints.rows, ...indexes.rows];
  for (const { drop } of all) await db.query(drop);
  return all.map(({ make }) => make);
}

const INSERT = `
  insert into device (public_id, application_id, provider, token, token_hash, user_id, registered_at, created_at)
  select gen_random_uuid(), $1::uuid, 'fcm', token, sha256(token::bytea), 'u-' || i, now(), now()
  from (
    select i, left(id, 22) || ':APA91b' || encode(sha512(id::bytea), 'hex') || right(id, 6) as token
    from (select i, md5($1::uuid || '/' || i) as id from generate_series($2::bigint, $3::bigint) as i) as ids
  ) as tokens
`;
