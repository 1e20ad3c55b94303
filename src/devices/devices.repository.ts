import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { DomainError } from '../lib/errors.js';
import { PROVIDER_NAMES, type ProviderName } from '../lib/names.js';
import type { Environment } from '../providers/provider.js';
import type { Device, DeviceProfile, DeviceStatus } from './device.js';
import { CHANGED_COLUMNS, COLUMNS_BEFORE, noteChanges, noteDeleted } from './device-history.repository.js';

/** The address of a device as it is stored. */
export interface StoredToken {
  token: string;
  tokenHash: Buffer;
  environment: Environment | null;
  vapidPublicKey: string | null;
}

export interface DeviceFilter {
  userId?: string | undefined;
  topic?: string | undefined;
  provider?: ProviderName | undefined;
  status?: DeviceStatus | undefined;
  /** The beginning of one, hex. */
  tokenFingerprint?: string | undefined;
}

/** A device with what its installation proves itself by. */
export interface DeviceWithSecret {
  device: Device;
  secretHash: Buffer | null;
}

interface DeviceRow {
  id: number;
  public_id: string;
  provider: ProviderName;
  status: DeviceStatus;
  token_hash: Buffer;
  environment: Environment | null;
  vapid_public_key: string | null;
  user_id: string | null;
  topics: string[];
  tags: Record<string, string>;
  locale: string | null;
  time_zone: string | null;
  app_version: string | null;
  registered_at: Date;
  invalid_at: Date | null;
  invalid_reason: string | null;
}

const COLUMNS = `d.id, d.public_id, d.provider, d.status, d.token_hash, d.environment, d.vapid_public_key, d.user_id, d.tags,
  d.locale, d.time_zone, d.app_version, d.registered_at, d.invalid_at, d.invalid_reason,
  array(select m.topic from topic_member m where m.device_id = d.id order by m.topic) as topics`;

/** Two writers met: a deadlock between two batches, or the same new token in two changes. Both end well when repeated. */
const REPEATABLE = new Set(['40P01', '40001', '23505']);
const MAX_TRIES = 4;

/** SQL over single devices. Registration is in `registration.repository.ts`, the walk over audiences in `audience.repository.ts`. */
@Injectable()
export class DevicesRepository {
  constructor(@Inject(DATA_SOURCE) private readonly dataSource: DataSource) {}

  /**
   * Runs `work` in a transaction, again from the start when it met another writer.
   *
   * @throws DomainError `application_not_found` when the application is no more; its keys are believed a little longer
   */
  async inTransaction<T>(work: (db: Database) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.dataSource.transaction((manager) => work(manager));
      } catch (error) {
        if (isApplicationGone(error)) {
          throw new DomainError('not_found', 'application_not_found', 'The application has been removed.');
        }
        if (attempt === MAX_TRIES || !REPEATABLE.has(sqlState(error))) throw error;
      }
    }
  }

  async find(db: Database, applicationId: string, publicId: string): Promise<Device | undefined> {
    return (await this.findWithSecret(db, applicationId, publicId))?.device;
  }

  /** With `lock` nobody else changes the device until the transaction ends. */
  async findWithSecret(
    db: Database,
    applicationId: string,
    publicId: string,
    { lock } = { lock: false },
  ): Promise<DeviceWithSecret | undefined> {
    const rows: (DeviceRow & { secret_hash: Buffer | null })[] = await db.query(
      `select ${COLUMNS}, d.secret_hash from device d where d.public_id = $2 and d.application_id = $1 ${lock ? 'for update of d' : ''}`,
      [applicationId, publicId],
    );
    return rows[0] && { device: toDevice(rows[0]), secretHash: rows[0].secret_hash };
  }

  /** In the order of registration, after the id `afterId`. */
  async list(applicationId: string, filter: DeviceFilter, afterId: number, limit: number): Promise<Device[]> {
    const values: unknown[] = [applicationId, afterId, limit];
    const bind = (value: unknown) => `$${values.push(value)}`;
    const conditions = ['d.application_id = $1', 'd.id > $2'];
    if (filter.userId !== undefined) conditions.push(`d.user_id = ${bind(filter.userId)}`);
    if (filter.provider !== undefined) conditions.push(`d.provider = ${bind(filter.provider)}`);
    if (filter.status !== undefined) conditions.push(`d.status = ${bind(filter.status)}`);
    if (filter.tokenFingerprint !== undefined) {
      const [from, to] = ['0', 'f'].map((digit) => bind(filter.tokenFingerprint?.padEnd(64, digit)));
      // The index by token begins with the provider.
      if (filter.provider === undefined) conditions.push(`d.provider = any(${bind(PROVIDER_NAMES)})`);
      conditions.push(`d.token_hash between decode(${from}, 'hex') and decode(${to}, 'hex')`);
    }
    const rows: DeviceRow[] = await this.dataSource.query(
      filter.topic === undefined
        ? `select ${COLUMNS} from device d where ${conditions.join(' and ')} order by d.id limit $3`
        : withinTopic(filter, bind(filter.topic), conditions.join(' and ')),
      values,
    );
    return rows.map(toDevice);
  }

  /** Applies the fields that are given, topics aside; a new token also counts as a registration. */
  async update(db: Database, id: number, token: StoredToken | undefined, profile: DeviceProfile): Promise<void> {
    await db.query(
      `with before as (select ${COLUMNS_BEFORE} from device d where d.id = $1),
       changed as (
         update device d set
           user_id = case when $2 then $3 else d.user_id end,
           locale = case when $4 then $5 else d.locale end,
           time_zone = case when $6 then $7 else d.time_zone end,
           app_version = case when $8 then $9 else d.app_version end,
           tags = coalesce($10::jsonb, d.tags),
           token = coalesce($11, d.token),
           token_hash = coalesce($12, d.token_hash),
           environment = case when $11::text is null then d.environment else $13 end,
           vapid_public_key = case when $11::text is null then d.vapid_public_key else $14 end,
           status = case when $11::text is null then d.status else 'active' end,
           registered_at = case when $11::text is null then d.registered_at else (select carillon_now()) end,
           invalid_at = case when $11::text is null then d.invalid_at end,
           invalid_reason = case when $11::text is null then d.invalid_reason end
         from before where d.id = before.id
         returning ${CHANGED_COLUMNS})
       ${noteChanges('changed')}`,
      [
        id,
        ...[profile.userId !== undefined, profile.userId ?? null],
        ...[profile.locale !== undefined, profile.locale ?? null],
        ...[profile.timeZone !== undefined, profile.timeZone ?? null],
        ...[profile.appVersion !== undefined, profile.appVersion ?? null],
        profile.tags === undefined ? null : JSON.stringify(profile.tags),
        token?.token ?? null,
        token?.tokenHash ?? null,
        token?.environment ?? null,
        token?.vapidPublicKey ?? null,
      ],
    );
  }

  /** One change of a device to this token at a time: they would find each other only by the unique index, and then too late. */
  async lockToken(db: Database, applicationId: string, provider: ProviderName, tokenHash: Buffer): Promise<void> {
    await db.query(`select pg_advisory_xact_lock(hashtextextended($1 || $2 || encode($3, 'hex'), 0))`, [
      applicationId,
      provider,
      tokenHash,
    ]);
  }

  /** Removes the row, other than `exceptId`, that holds this token. */
  async deleteByToken(
    db: Database,
    applicationId: string,
    provider: ProviderName,
    tokenHash: Buffer,
    exceptId: number,
  ): Promise<void> {
    await db.query(
      `with gone as (
         delete from device where application_id = $1 and provider = $2 and token_hash = $3 and id <> $4
         returning application_id, public_id, created_at)
       ${noteDeleted('gone', 'replaced')}`,
      [applicationId, provider, tokenHash, exceptId],
    );
  }

  /**
   * @param secretHash the device's secret as presented; undefined when the caller needs none
   * @returns whether there was such a device
   */
  async delete(applicationId: string, publicId: string, secretHash: Buffer | undefined): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(
      `with gone as (
         delete from device where public_id = $2 and application_id = $1 and ($3::bytea is null or secret_hash = $3)
         returning application_id, public_id, created_at),
       noted as (${noteDeleted('gone', 'requested')})
       select 1 from gone`,
      [applicationId, publicId, secretHash ?? null],
    );
    return rows.length > 0;
  }

  /** With their history: who asks to be forgotten is. */
  async deleteByUser(applicationId: string, userId: string): Promise<void> {
    await this.dataSource.query(
      `with gone as (delete from device where application_id = $1 and user_id = $2 returning public_id)
       delete from device_history h using gone where h.public_id = gone.public_id`,
      [applicationId, userId],
    );
  }
}

function toDevice(row: DeviceRow): Device {
  return {
    id: row.id,
    publicId: row.public_id,
    provider: row.provider,
    status: row.status,
    tokenFingerprint: row.token_hash.toString('hex'),
    environment: row.environment,
    vapidPublicKey: row.vapid_public_key,
    userId: row.user_id,
    topics: row.topics,
    tags: row.tags,
    locale: row.locale,
    timeZone: row.time_zone,
    appVersion: row.app_version,
    registeredAt: row.registered_at,
    invalidAt: row.invalid_at,
    invalidReason: row.invalid_reason,
  };
}

/** Makes `inTransaction` start over: another writer was in between. */
export function repeat(reason: string): Error {
  return Object.assign(new Error(reason), { code: '40001' });
}

function isApplicationGone(error: unknown): boolean {
  return error instanceof Error && 'constraint' in error && error.constraint === 'device_application_id_fkey';
}

function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/**
 * Both ways look up one by one, and are fenced off: the planner, while it has no statistics of a new topic, would compare
 * each of its members with each device.
 */
function withinTopic({ userId, status, tokenFingerprint }: DeviceFilter, topic: string, conditions: string): string {
  const isRare = userId !== undefined || tokenFingerprint !== undefined || (status ?? 'active') !== 'active';
  if (isRare) {
    const isMember = `select from topic_member t where t.application_id = $1 and t.topic = ${topic} and t.device_id = d.id`;
    return `select ${COLUMNS} from device d where ${conditions} and exists (${isMember} offset 0) order by d.id limit $3`;
  }
  return `
    select ${COLUMNS} from topic_member t
    cross join lateral (select * from device d where d.id = t.device_id and ${conditions} offset 0) d
    where t.application_id = $1 and t.topic = ${topic} and t.device_id > $2
    order by t.device_id limit $3`;
}
