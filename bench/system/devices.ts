import type { Client } from 'pg';

/** Rows of one statement. */
const CHUNK = 250_000;

/**
 * Gives an application `count` active FCM devices, one for each of the users `u-1`, `u-2`, …, straight into the table: the
 * public way in is another benchmark's subject. Tokens look like FCM's: 163 characters, random for all a compressor or an
 * index can tell.
 */
export async function createDevices(db: Client, applicationId: string, count: number): Promise<void> {
  await db.query('set synchronous_commit = off');
  for (let from = 1; from <= count; from += CHUNK) {
    await db.query(INSERT, [applicationId, from, Math.min(count, from + CHUNK - 1)]);
  }
  await db.query('set synchronous_commit = on');
  // What autovacuum would do some minutes later, and in the middle of a measurement.
  await db.query('vacuum (analyze) device');
  await db.query('checkpoint');
}

/** The token of a user's device, as the statement below makes it, is all that a sink gets to see. */
const INSERT = `
  insert into device (public_id, application_id, provider, token, token_hash, user_id)
  select gen_random_uuid(), $1::uuid, 'fcm', token, sha256(token::bytea), 'u-' || i
  from (
    select i, translate(substr(base, 1, 22) || ':APA91b' || substr(base, 23, 134), E'+/=\\n', '-_00') as token
    from (
      select i, replace(encode(sha512(($1::uuid || '/' || i)::bytea) || sha512((i || '/' || $1::uuid)::bytea), 'base64'), E'\\n', '') as base
      from generate_series($2::bigint, $3::bigint) as i
    ) as bases
  ) as tokens
  order by i
`;
