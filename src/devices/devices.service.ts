import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { Caller } from '../applications/caller.js';
import type { StatementPart } from '../database/prepared.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { DomainError } from '../lib/errors.js';
import type { Audience, NamedAudience } from './audience.js';
import { type AudienceGroup, type AudiencePage, AudienceRepository, MAX_GROUP_SIZE } from './audience.repository.js';
import { type Device, type DeviceProfile, type DispatchTarget, hashDeviceSecret, isDeviceSecret } from './device.js';
import { DeviceTokens, type GivenToken } from './device-tokens.js';
import { type DeviceFilter, DevicesRepository, type DeviceWithSecret, type StoredToken } from './devices.repository.js';
import { groupsOf, type NamedGroup, namedPart } from './named-audiences.repository.js';
import { TopicsRepository } from './topics.repository.js';
import { type UserClaim, UserClaims } from './user-claims.js';

export type { NamedGroup };

/** What is to change on a device; absent fields stay. Environment and VAPID key belong to a new token. */
export interface DeviceChanges extends Partial<GivenToken>, UserClaim, Omit<DeviceProfile, 'userId'> {}

/** Devices after their registration: reading, changing, removing, and finding those that are meant. */
@Injectable()
export class DevicesService {
  private readonly forgetting: ((applicationId: string, userId: string) => Promise<void>)[] = [];

  constructor(
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly devices: DevicesRepository,
    private readonly topics: TopicsRepository,
    private readonly audiences: AudienceRepository,
    private readonly tokens: DeviceTokens,
    private readonly claims: UserClaims,
  ) {}

  /** @throws DomainError `device_not_found` */
  async get(applicationId: string, publicId: string): Promise<Device> {
    const device = await this.devices.find(this.dataSource, applicationId, publicId);
    if (!device) throw deviceNotFound(publicId);
    return device;
  }

  /** In the order of registration, after the internal id `afterId`. */
  list(applicationId: string, filter: DeviceFilter, afterId: number, limit: number): Promise<Device[]> {
    return this.devices.list(applicationId, filter, afterId, limit);
  }

  /**
   * Changes a device. A new token is a registration: it revives the device. If another device of the application already has
   * that token, it is this installation's double, and it is removed with its user and topics.
   *
   * @throws DomainError `device_not_found`, `device_secret_required`, `device_secret_invalid`, `invalid_token`, and those of user claims
   */
  async update(
    caller: Caller,
    publicId: string,
    changes: DeviceChanges,
    presentedSecret: string | undefined,
  ): Promise<Device> {
    const { applicationId } = caller;
    const known = authorised(
      caller,
      publicId,
      await this.devices.findWithSecret(this.dataSource, applicationId, publicId),
      presentedSecret,
    );
    const userId = await this.claims.userIdOf(caller, changes);
    const stored = changes.token === undefined ? undefined : await this.newToken(applicationId, known, changes);
    return this.devices.inTransaction(async (db) => {
      if (stored) await this.devices.lockToken(db, applicationId, known.provider, stored.tokenHash);
      const locked = await this.devices.findWithSecret(db, applicationId, publicId, { lock: true });
      const { id, provider } = authorised(caller, publicId, locked, presentedSecret);
      if (stored) await this.devices.deleteByToken(db, applicationId, provider, stored.tokenHash, id);
      await this.devices.update(db, id, stored, { ...changes, userId });
      if (changes.topics)
        await this.topics.set(db, applicationId, [{ deviceId: id, topics: changes.topics, isNew: false }]);
      const device = await this.devices.find(db, applicationId, publicId);
      if (!device) throw deviceNotFound(publicId);
      return device;
    });
  }

  /** @throws DomainError `device_not_found`, `device_secret_required`, `device_secret_invalid` */
  async remove(caller: Caller, publicId: string, presentedSecret: string | undefined): Promise<void> {
    if (caller.role !== 'client') {
      if (await this.devices.delete(caller.applicationId, publicId, undefined)) return;
      throw deviceNotFound(publicId);
    }
    const secretHash = presentedHash(presentedSecret);
    if (!(await this.devices.delete(caller.applicationId, publicId, secretHash))) throw secretInvalid();
  }

  /**
   * Removes all devices of a person, with topics and tags, and what {@link onForgetUser} adds. What was sent to them stays in
   * the log under ids that lead nowhere.
   */
  async forgetUser(applicationId: string, userId: string): Promise<void> {
    await this.devices.deleteByUser(applicationId, userId);
    for (const forget of this.forgetting) await forget(applicationId, userId);
  }

  /** For features above this one that keep something of people. */
  onForgetUser(forget: (applicationId: string, userId: string) => Promise<void>): void {
    this.forgetting.push(forget);
  }

  /**
   * The internal id of the device that a client proves to be.
   *
   * @throws DomainError `device_secret_required`, `device_secret_invalid`, the latter also for a device that does not exist
   */
  async authenticate(applicationId: string, publicId: string, presentedSecret: string | undefined): Promise<number> {
    const hash = presentedHash(presentedSecret);
    const found = await this.devices.findWithSecret(this.dataSource, applicationId, publicId);
    if (!found || !isDeviceSecret(hash, found.secretHash)) throw secretInvalid();
    return found.device.id;
  }

  /**
   * One page of the walk over the active devices of an audience with `afterId < id <= boundId`. Start with 0, go on with
   * `lastId`, stop when `seen < limit`.
   */
  async audiencePage(
    db: Database,
    applicationId: string,
    audience: Audience,
    afterId: number,
    boundId: number,
    limit: number,
  ): Promise<AudiencePage> {
    const walk = { applicationId, afterId, boundId, limit };
    if (!('tags' in audience)) return this.audiences.page(db, audience, walk);
    if (afterId === 0) {
      const few = await this.audiences.someByTags(db, audience.tags, walk);
      if (few.seen < limit) return few;
    }
    // Many devices in all, but none on this stretch: an empty page would look like the end.
    for (let from = afterId; ; ) {
      const page = await this.audiences.page(db, audience, { ...walk, afterId: from });
      if (page.groups.length > 0 || page.seen < limit) return page;
      from = page.lastId;
    }
  }

  /** The active devices of the whole audience, a group per provider; undefined when there are more than 1,000. */
  async smallAudience(applicationId: string, audience: Audience): Promise<AudienceGroup[] | undefined> {
    const limit = MAX_GROUP_SIZE + 1;
    const page = await this.audiencePage(this.dataSource, applicationId, audience, 0, Number.MAX_SAFE_INTEGER, limit);
    return page.seen < limit ? page.groups : undefined;
  }

  /** A query for the devices of several audiences, as a part of a statement; what it returns goes into {@link groupsOf}. */
  namedPart(audiences: readonly ({ applicationId: string; audience: NamedAudience } | undefined)[]): StatementPart {
    return namedPart(audiences);
  }

  /** As {@link smallAudience}, for each of the audiences that were given to {@link namedPart}. */
  groupsOf(rows: readonly NamedGroup[], audiences: number): (AudienceGroup[] | undefined)[] {
    return groupsOf(rows, audiences);
  }

  /** The highest device id that an audience resolved now may contain; 0 without devices. */
  upperBound(db: Database, applicationId: string): Promise<number> {
    return this.audiences.upperBound(db, applicationId);
  }

  /** What dispatching needs, by internal id; removed devices are missing. */
  async loadTargets(db: Database, ids: readonly number[]): Promise<Map<number, DispatchTarget>> {
    const targets = await this.audiences.loadTargets(db, ids);
    return new Map(targets.map((target) => [target.id, target]));
  }

  /** Internal ids by public id; those of other applications and removed ones are missing. */
  async deviceIdsByPublicId(
    db: Database,
    applicationId: string,
    publicIds: readonly string[],
  ): Promise<Map<string, number>> {
    const rows = await this.audiences.idsByPublicId(db, applicationId, publicIds);
    return new Map(rows.map(({ id, publicId }) => [publicId, id]));
  }

  /** What the log shows of devices, by internal id; removed ones are missing. */
  async publicIds(
    db: Database,
    ids: readonly number[],
  ): Promise<Map<number, { publicId: string; userId: string | null }>> {
    const rows = await this.audiences.publicIds(db, ids);
    return new Map(rows.map(({ id, publicId, userId }) => [id, { publicId, userId }]));
  }

  private async newToken(applicationId: string, device: Device, changes: DeviceChanges): Promise<StoredToken> {
    const defaults = await this.tokens.defaults(applicationId, device.provider);
    // The same build of the app: a rotated APNs token stays in the environment of the old one.
    const environment = device.environment ?? defaults.environment;
    return this.tokens.parse(device.provider, { ...changes, token: changes.token }, { ...defaults, environment });
  }
}

/** The device, if this caller may change it. For clients an unknown id and a wrong secret look the same. */
function authorised(
  caller: Caller,
  publicId: string,
  found: DeviceWithSecret | undefined,
  presentedSecret: string | undefined,
): Device {
  if (caller.role !== 'client') {
    if (found) return found.device;
    throw deviceNotFound(publicId);
  }
  const hash = presentedHash(presentedSecret);
  if (found && isDeviceSecret(hash, found.secretHash)) return found.device;
  throw secretInvalid();
}

/** @throws DomainError when the header is missing or cannot be a secret */
function presentedHash(secret: string | undefined): Buffer {
  if (secret === undefined) {
    throw new DomainError('forbidden', 'device_secret_required', 'A client key needs the header x-device-secret here.');
  }
  const hash = hashDeviceSecret(secret);
  if (!hash) throw secretInvalid();
  return hash;
}

function deviceNotFound(publicId: string): DomainError {
  return new DomainError('not_found', 'device_not_found', `There is no device ${publicId}.`);
}

function secretInvalid(): DomainError {
  return new DomainError('forbidden', 'device_secret_invalid', 'There is no such device with this secret.');
}
