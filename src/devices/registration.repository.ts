import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import type { DeviceProfile } from './device.js';
import type { StoredToken } from './devices.repository.js';
import { type TopicChange, TopicsRepository } from './topics.repository.js';

/** One device as it is to be written. */
export interface Registration {
  provider: ProviderName;
  stored: StoredToken;
  /** Taken when the device is new. */
  publicId: string;
  /** Hash of a fresh secret; null when none is to be issued. */
  secretHash: Buffer | null;
  profile: DeviceProfile;
}

/** Who registers: a backend, which may change any device, or a client, which proves to be the device or starts it anew. */
export type Registrant = { isTrusted: true } | { isTrusted: false; secretHash: Buffer | undefined };

export interface Registered {
  id: number;
  publicId: string;
  isNew: boolean;
  /** True: what the device had before is gone, because a client could not prove to be it. */
  isReset: boolean;
  /** True: the fresh secret is now the device's. */
  hasFreshSecret: boolean;
}

/** Applies to a known device: what is not given is kept from it. */
const KEEPS = '($14 or coalesce(d.secret_hash = $15, false))';

/** The new value if one is given or the old one must not stay. `given` is a boolean parameter. */
const chosen = (column: string, given: string) =>
  `${column} = case when ${given} or not ${KEEPS} then excluded.${column} else d.${column} end`;

// Sorted by token, so that two batches with the same devices wait for each other instead of deadlocking.
const UPSERT = `
  insert into device as d (application_id, public_id, provider, token, token_hash, environment, vapid_public_key, secret_hash,
    user_id, locale, time_zone, app_version, tags, registered_at, created_at)
  select $1, r.public_id, r.provider, r.token, r.token_hash, r.environment, r.vapid_public_key, r.secret_hash,
    r.user_id, r.locale, r.time_zone, r.app_version, r.tags::jsonb, (select carillon_now()), (select carillon_now())
  from unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::bytea[], $9::text[], $10::text[],
    $11::text[], $12::text[], $13::text[])
    as r(public_id, provider, token, token_hash, environment, vapid_public_key, secret_hash, user_id, locale, time_zone,
      app_version, tags)
  order by r.provider, r.token_hash
  on conflict (application_id, provider, token_hash) do update set
    token = excluded.token,
    environment = excluded.environment,
    vapid_public_key = excluded.vapid_public_key,
    secret_hash = case when ${KEEPS} then coalesce(d.secret_hash, excluded.secret_hash) else excluded.secret_hash end,
    ${chosen('user_id', '$16')},
    ${chosen('locale', '$17')},
    ${chosen('time_zone', '$18')},
    ${chosen('app_version', '$19')},
    ${chosen('tags', '$20')},
    status = 'active',
    registered_at = excluded.registered_at,
    invalid_at = null,
    invalid_reason = null
  returning id, public_id, provider, token_hash, secret_hash, xmax = 0 as is_new`;

interface UpsertedRow {
  id: number;
  public_id: string;
  provider: ProviderName;
  token_hash: Buffer;
  secret_hash: Buffer | null;
  is_new: boolean;
}

/** The SQL that registers one device or a thousand. */
@Injectable()
export class RegistrationRepository {
  constructor(private readonly topics: TopicsRepository) {}

  /**
   * Inserts or refreshes devices and sets their topics. Safe against others who register the same tokens at the same time.
   *
   * @param db            an open transaction: the topics are only right under the lock that the first statement takes
   * @param registrations no two with the same provider and token
   * @returns in the order of `registrations`
   */
  async register(
    db: Database,
    applicationId: string,
    registrant: Registrant,
    registrations: readonly Registration[],
  ): Promise<Registered[]> {
    const byKey = new Map<string, UpsertedRow>();
    // `excluded` cannot tell "not given" from "cleared", so the devices that say the same fields share a statement.
    for (const [given, group] of groupByGivenFields(registrations)) {
      const rows: UpsertedRow[] = await db.query(UPSERT, [
        applicationId,
        ...columnsOf(group),
        registrant.isTrusted,
        registrant.isTrusted ? null : (registrant.secretHash ?? null),
        ...given,
      ]);
      for (const row of rows) byKey.set(keyOf(row.provider, row.token_hash), row);
    }
    const registered = registrations.map((registration) => {
      const row = byKey.get(keyOf(registration.provider, registration.stored.tokenHash));
      if (!row) throw new Error('a registered device did not come back');
      return outcomeOf(row, registration, registrant);
    });
    await this.topics.set(db, applicationId, topicChanges(registrations, registered));
    return registered;
  }
}

function topicChanges(registrations: readonly Registration[], registered: readonly Registered[]): TopicChange[] {
  return registrations.flatMap(({ profile }, index) => {
    const device = registered[index];
    if (!device || (profile.topics === undefined && !device.isReset)) return [];
    return [{ deviceId: device.id, topics: profile.topics ?? [], isNew: device.isNew }];
  });
}

type GivenFields = readonly [userId: boolean, locale: boolean, timeZone: boolean, appVersion: boolean, tags: boolean];

function groupByGivenFields(registrations: readonly Registration[]): Iterable<[GivenFields, Registration[]]> {
  const groups = new Map<string, [GivenFields, Registration[]]>();
  for (const registration of registrations) {
    const { userId, locale, timeZone, appVersion, tags } = registration.profile;
    const given: GivenFields = [
      userId !== undefined,
      locale !== undefined,
      timeZone !== undefined,
      appVersion !== undefined,
      tags !== undefined,
    ];
    const group = groups.get(given.join());
    if (group) group[1].push(registration);
    else groups.set(given.join(), [given, [registration]]);
  }
  return groups.values();
}

function columnsOf(group: readonly Registration[]): unknown[] {
  return [
    group.map((each) => each.publicId),
    group.map((each) => each.provider),
    group.map((each) => each.stored.token),
    group.map((each) => each.stored.tokenHash),
    group.map((each) => each.stored.environment),
    group.map((each) => each.stored.vapidPublicKey),
    group.map((each) => each.secretHash),
    group.map((each) => each.profile.userId ?? null),
    group.map((each) => each.profile.locale ?? null),
    group.map((each) => each.profile.timeZone ?? null),
    group.map((each) => each.profile.appVersion ?? null),
    group.map((each) => JSON.stringify(each.profile.tags ?? {})),
  ];
}

function outcomeOf(row: UpsertedRow, registration: Registration, registrant: Registrant): Registered {
  const hasFreshSecret = registration.secretHash !== null && row.secret_hash?.equals(registration.secretHash) === true;
  return {
    id: row.id,
    publicId: row.public_id,
    isNew: row.is_new,
    isReset: !registrant.isTrusted && hasFreshSecret && !row.is_new,
    hasFreshSecret,
  };
}

function keyOf(provider: ProviderName, tokenHash: Buffer): string {
  return `${provider}:${tokenHash.toString('latin1')}`;
}
