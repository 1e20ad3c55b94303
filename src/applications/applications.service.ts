import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { AuditService } from '../accounts/audit.service.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { uuidV7 } from '../lib/ids.js';
import { ApiKeysService } from './api-keys.service.js';
import type { Application, ApplicationChanges } from './application.js';
import { ApplicationsRepository } from './applications.repository.js';
import type { Caller } from './caller.js';

/** Milliseconds that settings of an application are believed without asking the database. */
const CACHE_MS = 2_000;

/** The tenants and their settings. */
@Injectable()
export class ApplicationsService {
  private readonly cache = new Map<string, { application: Promise<Application>; untilMs: number }>();

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly applications: ApplicationsRepository,
    private readonly keys: ApiKeysService,
    private readonly audit: AuditService,
  ) {}

  /** @throws DomainError `wrong_application` for an admin of one application */
  async create(caller: Caller, input: { name: string } & ApplicationChanges): Promise<Application> {
    if (caller.applicationId !== '') {
      throw new DomainError('forbidden', 'wrong_application', 'An admin of one application cannot make others.');
    }
    const id = uuidV7(this.clock.now());
    return this.dataSource.transaction(async (tx) => {
      const application = await this.applications.insert(tx, { ...input, id });
      await this.audit.append(tx, caller, { applicationId: id, action: 'application.create', subject: id });
      return application;
    });
  }

  list(caller: Caller, afterId: string, limit: number): Promise<Application[]> {
    return this.applications.list(this.dataSource, afterId, limit, caller.applicationId || null);
  }

  /**
   * For hot paths: at most {@link CACHE_MS} old.
   *
   * @throws DomainError `application_not_found`
   */
  get(id: string): Promise<Application> {
    const nowMs = this.clock.monotonicMs();
    const known = this.cache.get(id);
    if (known && known.untilMs > nowMs) return known.application;
    const application = this.read(id);
    this.cache.set(id, { application, untilMs: nowMs + CACHE_MS });
    application.catch(() => this.cache.delete(id));
    return application;
  }

  /**
   * The application as it is now, for its administrators.
   *
   * @throws DomainError `application_not_found`, also for an admin of another application
   */
  async administer(caller: Caller, id: string): Promise<Application> {
    if (caller.applicationId !== '' && caller.applicationId !== id) throw notFound(id);
    return this.read(id);
  }

  async update(caller: Caller, id: string, changes: ApplicationChanges): Promise<Application> {
    await this.administer(caller, id);
    const changed = await this.dataSource.transaction(async (tx) => {
      const application = await this.applications.update(tx, id, changes);
      if (!application) throw notFound(id);
      await this.audit.append(tx, caller, {
        applicationId: id,
        action: `application.update:${Object.keys(changes).toSorted().join(',')}`,
        subject: id,
      });
      return application;
    });
    this.forgetCached(id);
    return changed;
  }

  /** Removes the application with its keys, credentials and devices. Its keys stop first; devices go in portions. */
  async delete(caller: Caller, id: string): Promise<void> {
    await this.administer(caller, id);
    let removed = 0;
    do {
      removed = await this.applications.deleteSomeDevices(this.dataSource, id);
    } while (removed > 0);
    await this.dataSource.transaction(async (tx) => {
      await this.applications.delete(tx, id);
      await this.audit.append(tx, caller, { applicationId: id, action: 'application.delete', subject: id });
    });
    this.forgetCached(id);
  }

  /** The origins that any application lists. */
  async corsOrigins(): Promise<ReadonlySet<string>> {
    return new Set(await this.applications.corsOrigins(this.dataSource));
  }

  private forgetCached(id: string): void {
    this.cache.delete(id);
    this.keys.forgetCached();
  }

  private async read(id: string): Promise<Application> {
    const application = await this.applications.find(this.dataSource, id);
    if (!application) throw notFound(id);
    return application;
  }
}

function notFound(id: string): DomainError {
  return new DomainError('not_found', 'application_not_found', `There is no application ${id}.`);
}
