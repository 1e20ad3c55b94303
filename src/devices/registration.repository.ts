import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import type { DeviceProfile } from './device.js';
import { CHANGED_COLUMNS, COLUMNS_BEFORE, noteChanges } from './device-history.repository.js';
import { repeat, type StoredToken } from './devices.repository.js';
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

/** The parameters that {@link columnsOf} gives, and what they are called in the statements. */
const ARRAYS = `$2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::bytea[], $9::text[], $10::text[],
  $11::text[], $12::text[], $13::text[]`;
const NAMES =
  'public_id, provider, token, token_hash, environment, vapid_public_key, secret_hash, user_id, locale, time_zone, app_version, tags';

// Both statements go by token: of two imports with the same devices one waits for the other, never both.
const INSERT_NEW = `
  insert into device (application_id, public_id, provider, token, token_hash, environment, vapid_public_key, secret_hash,
    user_id, locale, time_zone, app_version, tags, registered_at, created_at)
  select $1, r.public_id, r.provider, r.token, r.token_hash, r.environment, r.vapid_public_key, r.secret_hash,
    r.user_id, r.locale, r.time_zone, r.app_version, r.tags::jsonb, (select carillon_now()), (select carillon_now())
  from unnest(${ARRAYS}) as r(${NAMES})
  order by r.provider, r.token_hash
  on conflict (application_id, provider, token_hash) do nothing
  returning id, public_id, provider, token_hash, secret_hash`;

/** True: what is not given is kept from the device. */
const KEEPS = '($14 or coalesce(d.secret_hash = $15, false))';

const chosen = (column: string, value: string) =>
  `${column} = case when r.has_${column} or not ${KEEPS} then ${value} else d.${column} end`;

const REFRESH_KNOWN = `
  with r as (
    select * from unnest(${ARRAYS}, $16::bool[], $17::bool[], $18::bool[], $19::bool[], $20::bool[])
      as given(${NAMES}, has_user_id, has_locale, has_time_zone, has_app_version, has_tags)),
  before as (
    select ${COLUMNS_BEFORE} from device d join r on d.application_id = $1 and d.provider = r.provider and d.token_hash = r.token_hash
    order by d.provider, d.token_hash for update of d),
  refreshed as (update device d set
    token = r.token,
    environment = r.environment,
    vapid_public_key = r.vapid_public_key,
    secret_hash = case when ${KEEPS} then coalesce(d.secret_hash, r.secret_hash) else r.secret_hash end,
    ${chosen('user_id', 'r.user_id')},
    ${chosen('locale', 'r.locale')},
    ${chosen('time_zone', 'r.time_zone')},
    ${chosen('app_version', 'r.app_version')},
    ${chosen('tags', 'r.tags::jsonb')},
    status = 'active',
    registered_at = (select carillon_now()),
    invalid_at = null,
    invalid_reason = null
  from r, before
  where before.id = d.id and d.application_id = $1 and d.provider = r.provider and d.token_hash = r.token_hash
  returning d.id, d.provider, d.secret_hash, ${CHANGED_COLUMNS}),
  noted as (${noteChanges('refreshed')})
  select id, public_id, provider, hash_now as token_hash, secret_hash from refreshed`;

interface StoredRow {
  id: number;
  public_id: string;
  provider: ProviderName;
  token_hash: Buffer;
  secret_hash: Buffer | null;
}

/** The SQL that registers one device or a thousand. */
@Injectable()
export class RegistrationRepository {
  constructor(private readonly topics: TopicsRepository) {}

  /**
   * Inserts or refreshes devices and sets their topics. Safe against others who register or remove the same devices meanwhile.
   *
   * @param db            an open transaction: the topics are only right under the locks that the first statements take
   * @param registrations no two with the same provider and token
   * @returns in the order of `registrations`
   */
  async register(
    db: Database,
    applicationId: string,
    registrant: Registrant,
    registrations: readonly Registration[],
  ): Promise<Registered[]> {
    const inserted: StoredRow[] = await db.query(INSERT_NEW, [applicationId, ...columnsOf(registrations)]);
    const isNew = new Set(inserted.map(keyOf));
    const known = registrations.filter((each) => !isNew.has(keyOfRegistration(each)));
    const refreshed = known.length > 0 ? await this.refresh(db, applicationId, registrant, known) : [];
    const rows = new Map([...inserted, ...refreshed].map((row) => [keyOf(row), row]));
    const registered = registrations.map((registration) => {
      const key = keyOfRegistration(registration);
      const row = rows.get(key);
      if (!row) throw repeat('a device was removed while it was registered');
      return outcomeOf(row, isNew.has(key), registration, registrant);
    });
    await this.topics.set(db, applicationId, topicChanges(registrations, registered));
    return registered;
  }

  private async refresh(
    db: Database,
    applicationId: string,
    registrant: Registrant,
    known: readonly Registration[],
  ): Promise<StoredRow[]> {
    return db.query(REFRESH_KNOWN, [
      applicationId,
      ...columnsOf(known),
      registrant.isTrusted,
      registrant.isTrusted ? null : (registrant.secretHash ?? null),
      ...givenFieldsOf(known),
    ]);
  }
}

function topicChanges(registrations: readonly Registration[], registered: readonly Registered[]): TopicChange[] {
  return registrations.flatMap(({ profile }, index) => {
    const device = registered[index];
    if (!device || (profile.topics === undefined && !device.isReset)) return [];
    return [{ deviceId: device.id, topics: profile.topics ?? [], isNew: device.isNew }];
  });
}

/** Which of the fields that can be kept each registration mentions. */
function givenFieldsOf(group: readonly Registration[]): boolean[][] {
  const fields = ['userId', 'locale', 'timeZone', 'appVersion', 'tags'] as const;
  return fields.map((field) => group.map(({ profile }) => profile[field] !== undefined));
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

function outcomeOf(row: StoredRow, isNew: boolean, registration: Registration, registrant: Registrant): Registered {
  const hasFreshSecret = registration.secretHash !== null && row.secret_hash?.equals(registration.secretHash) === true;
  return {
    id: row.id,
    publicId: row.public_id,
    isNew,
    isReset: !registrant.isTrusted && hasFreshSecret && !isNew,
    hasFreshSecret,
  };
}

function keyOf(row: { provider: ProviderName; token_hash: Buffer }): string {
  return `${row.provider}:${row.token_hash.toString('latin1')}`;
}

function keyOfRegistration({ provider, stored }: Registration): string {
  return keyOf({ provider, token_hash: stored.tokenHash });
}
