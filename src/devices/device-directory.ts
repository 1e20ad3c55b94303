import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import { DomainError } from '../lib/errors.js';
import { DeviceHistoryRepository, type HistoryEntry } from './device-history.repository.js';
import { DevicesRepository } from './devices.repository.js';
import { type UserDevices, UsersRepository } from './users.repository.js';

/** What an admin looks up about devices: whose they are, and what happened to one. */
@Injectable()
export class DeviceDirectory {
  constructor(
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly devices: DevicesRepository,
    private readonly histories: DeviceHistoryRepository,
    private readonly userIds: UsersRepository,
  ) {}

  /** Users that have devices, in the order of their ids' bytes; `after`: the last one of the page before. */
  users(applicationId: string, prefix: string, after: string, limit: number): Promise<UserDevices[]> {
    return this.userIds.list(applicationId, prefix, after, limit);
  }

  /**
   * What happened to a device, newest first, entries before the id `before`; also to one that was removed.
   *
   * @throws DomainError `device_not_found` when nothing is known of it
   */
  async history(applicationId: string, publicId: string, before: number, limit: number): Promise<HistoryEntry[]> {
    const entries = await this.histories.list(applicationId, publicId, before, limit);
    if (entries.length === 0 && !(await this.devices.find(this.dataSource, applicationId, publicId))) {
      throw new DomainError('not_found', 'device_not_found', `Nothing is known of a device ${publicId}.`);
    }
    return entries;
  }

  /** Forgets what is older; returns how many entries. */
  purgeHistory(days: number): Promise<number> {
    return this.histories.purge(days);
  }
}
