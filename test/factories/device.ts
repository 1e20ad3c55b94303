import { createECDH, randomBytes, randomUUID } from 'node:crypto';
import type { Database } from '../../src/database/transaction.js';
import { type DeviceStatus, deviceSecret, hashDeviceSecret, hashToken } from '../../src/devices/device.js';
import type { ProviderName } from '../../src/lib/names.js';
import type { Environment } from '../../src/providers/provider.js';

export interface DeviceOverrides {
  applicationId: string;
  /** Default `fcm`. */
  provider?: ProviderName;
  /** As stored: canonical, see `Provider.parseToken`. */
  token?: string;
  environment?: Environment;
  vapidPublicKey?: string;
  userId?: string;
  topics?: readonly string[];
  tags?: Record<string, string>;
  status?: DeviceStatus;
  /** Default: now, by the database's clock. */
  registeredAt?: Date;
  /** True: give it a secret. */
  hasSecret?: boolean;
}

export interface CreatedDevice {
  id: number;
  publicId: string;
  provider: ProviderName;
  token: string;
  /** SHA-256 of the token's identity, hex. */
  tokenHash: string;
  /** '' unless asked for. */
  secret: string;
}

/** A registration token of the shape that FCM issues. */
export function fcmToken(): string {
  return `${randomBytes(16).toString('base64url')}:APA91b${randomBytes(100).toString('base64url')}`;
}

/** A device token of the shape that APNs issues. */
export function apnsToken(): string {
  return randomBytes(32).toString('hex');
}

/** A subscription as a browser gives it. `origin` is the push service; it must be one that the service allows. */
export function webPushSubscription(origin = 'https://updates.push.services.mozilla.com') {
  const keys = createECDH('prime256v1');
  return {
    endpoint: `${origin}/wpush/v2/${randomBytes(48).toString('base64url')}`,
    expirationTime: null,
    keys: { p256dh: keys.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') },
  };
}

/** A VAPID public key. */
export function vapidPublicKey(): string {
  return createECDH('prime256v1').generateKeys('base64url');
}

/** A stored device; state only what the test is about. */
export async function createDevice(db: Database, overrides: DeviceOverrides): Promise<CreatedDevice> {
  const provider = overrides.provider ?? 'fcm';
  const { token, identity } = overrides.token
    ? { token: overrides.token, identity: identityOf(provider, overrides.token) }
    : storedToken(provider);
  const tokenHash = hashToken(identity);
  const publicId = randomUUID();
  const secret = overrides.hasSecret ? deviceSecret(randomBytes(32)) : '';
  const rows: { id: number }[] = await db.query(
    `insert into device (public_id, application_id, provider, token, token_hash, environment, vapid_public_key, user_id,
       secret_hash, status, tags, registered_at, invalid_at, invalid_reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, carillon_now()),
       case when $10 = 'active' then null else carillon_now() end, case when $10 = 'active' then null else 'test' end)
     returning id`,
    [
      publicId,
      overrides.applicationId,
      provider,
      token,
      tokenHash,
      overrides.environment ?? (provider === 'apns' ? 'production' : null),
      overrides.vapidPublicKey ?? (provider === 'webpush' ? vapidPublicKey() : null),
      overrides.userId ?? null,
      hashDeviceSecret(secret) ?? null,
      overrides.status ?? 'active',
      JSON.stringify(overrides.tags ?? {}),
      overrides.registeredAt ?? null,
    ],
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('the device was not inserted');
  await db.query('insert into topic_member (application_id, topic, device_id) select $1, unnest($2::text[]), $3', [
    overrides.applicationId,
    overrides.topics ?? [],
    id,
  ]);
  return { id, publicId, provider, token, tokenHash: tokenHash.toString('hex'), secret };
}

/**
 * `n` stored devices in one statement, for tests of volume. Their Web Push subscriptions share one key pair.
 *
 * @param overrides `endpointOrigin`: the push service of Web Push devices. A token given here is not used
 * @returns their ids, ascending
 */
export async function createDevices(
  db: Database,
  n: number,
  overrides: Omit<DeviceOverrides, 'token' | 'hasSecret' | 'registeredAt'> & { endpointOrigin?: string },
): Promise<number[]> {
  const provider = overrides.provider ?? 'fcm';
  const { endpoint, keys } = webPushSubscription(overrides.endpointOrigin);
  const { origin } = new URL(endpoint);
  const rows: { id: number }[] = await db.query(
    `with made as (
       insert into device (public_id, application_id, provider, token, token_hash, environment, vapid_public_key, user_id,
         status, tags)
       select gen_random_uuid(), $1, $2, token, sha256(convert_to(identity, 'UTF8')), $3, $4, $5, $6, $7
       from generate_series(1, $8::int) as i
       cross join lateral (select encode(sha256(convert_to($9 || i, 'UTF8')), 'hex') as hex) random
       cross join lateral (
         select case $2
           when 'fcm' then left(hex, 22) || ':APA91b' || hex || hex
           when 'apns' then hex
           else $10 || '/wpush/v2/' || hex end as identity) address
       cross join lateral (
         select case when $2 <> 'webpush' then identity
           else '{"endpoint":"' || identity || '",' || $11 || '}' end as token) stored
       order by i returning id)
     , member as (
       insert into topic_member (application_id, topic, device_id)
       select $1, topic, made.id from made cross join unnest($12::text[]) as topic)
     select id from made order by id`,
    [
      overrides.applicationId,
      provider,
      overrides.environment ?? (provider === 'apns' ? 'production' : null),
      overrides.vapidPublicKey ?? (provider === 'webpush' ? vapidPublicKey() : null),
      overrides.userId ?? null,
      overrides.status ?? 'active',
      JSON.stringify(overrides.tags ?? {}),
      n,
      randomUUID(),
      origin,
      JSON.stringify(keys).slice(1, -1),
      overrides.topics ?? [],
    ],
  );
  return rows.map(({ id }) => id);
}

function storedToken(provider: ProviderName): { token: string; identity: string } {
  if (provider === 'fcm') return same(fcmToken());
  if (provider === 'apns') return same(apnsToken());
  const { endpoint, keys } = webPushSubscription();
  return { token: JSON.stringify({ endpoint, ...keys }), identity: endpoint };
}

function same(token: string): { token: string; identity: string } {
  return { token, identity: token };
}

function identityOf(provider: ProviderName, token: string): string {
  if (provider !== 'webpush') return token;
  const { endpoint }: { endpoint: string } = JSON.parse(token);
  return endpoint;
}
