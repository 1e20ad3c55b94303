import { hash, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { AuditService } from '../accounts/audit.service.js';
import { CONFIG, type Config } from '../config/config.js';
import { DATA_SOURCE } from '../database/transaction.js';
import type { Role } from '../http/route.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { uuidV7 } from '../lib/ids.js';
import { type ApiKey, generateKey, hashOf, prefixOf } from './api-key.js';
import { ApiKeysRepository, type ValidKey } from './api-keys.repository.js';
import type { Caller } from './caller.js';

/** Milliseconds that a key is believed without asking the database: the longest time a revoked one still works elsewhere. */
const CACHE_MS = 3_000;
const MAX_CACHED = 10_000;

/** Milliseconds between two notes of a key's use. */
const LAST_USED_INTERVAL_MS = 30_000;

/** `keyId` of CARILLON_ADMIN_KEY, which is no row. */
export const BOOTSTRAP_KEY_ID = 'bootstrap';

interface CachedKey {
  key: Promise<ValidKey | undefined>;
  /** What the promise came to. */
  value: ValidKey | undefined;
  untilMs: number;
  usedMs: number;
}

/** Makes, revokes and recognises API keys. */
@Injectable()
export class ApiKeysService implements OnApplicationShutdown {
  private readonly logger = new Logger('api-keys');
  private readonly cache = new Map<string, CachedKey>();
  /** Hashes of keys that were valid when last looked up; outlives the cache. */
  private readonly good = new Set<string>();
  private readonly bootstrapHash: Buffer | undefined;
  private unnoted: Promise<void> = Promise.resolve();

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly keys: ApiKeysRepository,
    private readonly audit: AuditService,
  ) {
    this.bootstrapHash = config.CARILLON_ADMIN_KEY === undefined ? undefined : hashOf(config.CARILLON_ADMIN_KEY);
    if (this.bootstrapHash) this.good.add(this.bootstrapHash.toString('base64'));
  }

  /** @returns the key's record and, this once, the key itself */
  async create(
    caller: Caller,
    applicationId: string,
    input: { role: Role; name: string; expiresAt: Date | null },
  ): Promise<{ record: ApiKey; key: string }> {
    const key = generateKey(input.role);
    const id = uuidV7(this.clock.now());
    const record = await this.dataSource.transaction(async (tx) => {
      const made = await this.keys.insert(tx, {
        ...input,
        id,
        applicationId,
        prefix: prefixOf(key),
        hash: hashOf(key),
      });
      await this.audit.append(tx, caller, { applicationId, action: 'api_key.create', subject: id });
      return made;
    });
    return { record, key };
  }

  list(applicationId: string, afterId: string, limit: number): Promise<ApiKey[]> {
    return this.keys.list(this.dataSource, applicationId, afterId, limit);
  }

  /** In force at once in this process, in others within {@link CACHE_MS}. Revoking twice changes nothing. */
  async revoke(caller: Caller, applicationId: string, id: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      if (!(await this.keys.revoke(tx, applicationId, id))) {
        throw new DomainError('not_found', 'api_key_not_found', `There is no API key ${id}.`);
      }
      await this.audit.append(tx, caller, { applicationId, action: 'api_key.revoke', subject: id });
    });
    this.forgetCached();
  }

  /** Empties the cache: after a revocation, or when an application changed. */
  forgetCached(): void {
    this.cache.clear();
  }

  /** Whether this key was good when it was last asked for in this process; costs no database. */
  wasValid(key: string): boolean {
    return this.good.has(nameOf(key));
  }

  /** As {@link recognise}, but only what needs no look into the database. */
  known(key: string): ValidKey | undefined {
    const entry = this.cache.get(nameOf(key));
    const nowMs = this.clock.monotonicMs();
    if (entry?.value === undefined || entry.untilMs <= nowMs) return undefined;
    this.use(entry, nowMs);
    return entry.value;
  }

  /** The key that this secret belongs to, unless it is unknown, revoked or expired. */
  async recognise(key: string): Promise<ValidKey | undefined> {
    if (this.bootstrapHash && timingSafeEqual(hashOf(key), this.bootstrapHash)) {
      return { id: BOOTSTRAP_KEY_ID, applicationId: null, role: 'admin', remainingMs: null, corsOrigins: [] };
    }
    const nowMs = this.clock.monotonicMs();
    const entry = this.cachedOrAsked(key, nowMs);
    await entry.key;
    this.use(entry, nowMs);
    return entry.value;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.unnoted;
  }

  private cachedOrAsked(secret: string, nowMs: number): CachedKey {
    const name = nameOf(secret);
    const known = this.cache.get(name);
    if (known && known.untilMs > nowMs) return known;
    if (this.cache.size >= MAX_CACHED) this.cache.clear();
    const entry: CachedKey = {
      key: this.keys.findValid(this.dataSource, hashOf(secret)),
      value: undefined,
      untilMs: nowMs + CACHE_MS,
      usedMs: known?.usedMs ?? Number.NEGATIVE_INFINITY,
    };
    this.cache.set(name, entry);
    entry.key.then(
      (key) => {
        entry.value = key;
        this.remember(name, key !== undefined);
        if (key?.remainingMs != null) entry.untilMs = Math.min(entry.untilMs, nowMs + key.remainingMs);
      },
      () => this.cache.delete(name),
    );
    return entry;
  }

  private use(entry: CachedKey, nowMs: number): void {
    if (!entry.value || nowMs - entry.usedMs <= LAST_USED_INTERVAL_MS) return;
    entry.usedMs = nowMs;
    this.noteUse(entry.value.id);
  }

  private remember(name: string, isValid: boolean): void {
    if (!isValid) this.good.delete(name);
    else if (this.good.size < MAX_CACHED) this.good.add(name);
  }

  /** Best effort: knowing when a key was used is not worth failing a request. */
  private noteUse(id: string): void {
    this.unnoted = this.unnoted
      .then(() => this.keys.markUsed(this.dataSource, id))
      .catch((error: unknown) => this.logger.debug({ event: 'api_key.use_not_noted', err: error }));
  }
}

/** Under which a key is remembered: secrets themselves are not kept. */
function nameOf(key: string): string {
  return hash('sha256', key, 'base64');
}
