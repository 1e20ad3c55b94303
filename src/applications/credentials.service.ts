import { Inject, Injectable, Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { AuditService } from '../accounts/audit.service.js';
import { CONFIG, type Config } from '../config/config.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { EventLog } from '../events/event-log.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { uuidV7 } from '../lib/ids.js';
import type { ProviderName } from '../lib/names.js';
import { type Credential, PROVIDERS, type Provider } from '../providers/provider.js';
import type { Caller } from './caller.js';
import { type SealedCredential, type StoredCredential, sealingContext } from './credential.js';
import { CredentialsRepository } from './credentials.repository.js';
import { seal, unseal } from './sealing.js';

/** Milliseconds that opened credentials are used without asking the database: how soon a new one is in force. */
const CACHE_MS = 2_000;
/** Applications whose credentials are kept open. */
const MAX_CACHED = 10_000;

/** What trying a credential against its provider showed. */
export interface Verification {
  state: 'ok' | 'broken';
  ok: boolean;
  code: string;
  detail: string | null;
}

const secretSchema = z.record(z.string(), z.unknown());

/** Keeps the providers' secrets sealed, and opens them for those who send. */
@Injectable()
export class CredentialsService {
  private readonly logger = new Logger('credentials');
  private readonly cache = new Map<string, { opened: Promise<readonly Credential[]>; untilMs: number }>();
  private readonly current = new Map<
    string,
    { opened: Promise<ReadonlyMap<ProviderName, Credential>>; untilMs: number }
  >();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    @Inject(PROVIDERS) private readonly providers: ReadonlyMap<ProviderName, Provider>,
    private readonly credentials: CredentialsRepository,
    private readonly audit: AuditService,
    private readonly events: EventLog,
  ) {}

  /**
   * The credentials to send with, the current one first; then, for Web Push, older key pairs that devices may still use.
   * Empty: there is none. At most {@link CACHE_MS} old.
   *
   * @throws Error when the master key is not the one they were sealed with
   */
  open(applicationId: string, provider: ProviderName): Promise<readonly Credential[]> {
    const name = `${applicationId} ${provider}`;
    const nowMs = this.clock.monotonicMs();
    const known = this.cache.get(name);
    if (known && known.untilMs > nowMs) return known.opened;
    const opened = this.credentials
      .list(this.dataSource, applicationId, provider)
      .then((stored) => stored.map((credential) => this.unsealed(credential)));
    this.cache.set(name, { opened, untilMs: nowMs + CACHE_MS });
    opened.catch(() => this.cache.delete(name));
    return opened;
  }

  /** The current credential of each provider that the application has one of; at most {@link CACHE_MS} old. */
  openCurrent(applicationId: string): Promise<ReadonlyMap<ProviderName, Credential>> {
    const nowMs = this.clock.monotonicMs();
    const known = this.current.get(applicationId);
    if (known && known.untilMs > nowMs) return known.opened;
    if (this.current.size >= MAX_CACHED) this.current.clear();
    const opened = this.credentials.list(this.dataSource, applicationId, null).then((stored) => {
      const map = new Map<ProviderName, Credential>();
      for (const one of stored) if (!map.has(one.provider)) map.set(one.provider, this.unsealed(one));
      return map;
    });
    this.current.set(applicationId, { opened, untilMs: nowMs + CACHE_MS });
    opened.catch(() => this.current.delete(applicationId));
    return opened;
  }

  /** Without secrets: the current one of each provider. */
  async list(applicationId: string): Promise<StoredCredential[]> {
    const all = await this.credentials.list(this.dataSource, applicationId, null);
    return all.filter(({ provider }, index) => all.findIndex((other) => other.provider === provider) === index);
  }

  /** @throws DomainError `credential_not_found` */
  async get(applicationId: string, provider: ProviderName): Promise<SealedCredential> {
    const [current] = await this.credentials.list(this.dataSource, applicationId, provider);
    if (!current) {
      throw new DomainError('not_found', 'credential_not_found', `The application has no ${provider} credential.`);
    }
    return current;
  }

  /**
   * Stores a credential as the next version and lets sending go on that had stopped for want of a good one.
   *
   * @throws DomainError `invalid_credential` with each wrong field
   */
  async put(
    caller: Caller,
    applicationId: string,
    provider: ProviderName,
    input: Record<string, unknown>,
    simulated: boolean,
  ): Promise<StoredCredential> {
    if (simulated && !this.hasSimulator(provider)) {
      throw new DomainError('invalid', 'invalid_credential', 'simulated: no simulator is configured', [
        { path: 'simulated', message: 'is only possible where a simulator of this provider is configured' },
      ]);
    }
    const parsed = this.adapter(provider).parseCredential(input, this.clock.now());
    await this.dataSource.transaction(async (tx) => {
      if (!(await this.credentials.lockApplication(tx, applicationId))) {
        throw new DomainError('not_found', 'application_not_found', `There is no application ${applicationId}.`);
      }
      const version = await this.credentials.nextVersion(tx, applicationId, provider);
      const key = { applicationId, provider, version };
      const sealed = seal(this.config.CARILLON_MASTER_KEY, sealingContext(key), parsed.secret);
      const { fingerprint, publicParts } = parsed;
      await this.credentials.insert(tx, {
        ...key,
        id: uuidV7(this.clock.now()),
        sealed,
        fingerprint,
        publicParts,
        simulated,
      });
      await this.credentials.deleteReplaced(tx, key);
      await this.credentials.openGates(tx, applicationId, provider);
      await this.audit.append(tx, caller, { applicationId, action: 'credential.put', subject: provider });
    });
    this.forget(applicationId, provider);
    return this.get(applicationId, provider);
  }

  async delete(caller: Caller, applicationId: string, provider: ProviderName): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      if (!(await this.credentials.delete(tx, applicationId, provider))) {
        throw new DomainError('not_found', 'credential_not_found', `The application has no ${provider} credential.`);
      }
      await this.audit.append(tx, caller, { applicationId, action: 'credential.delete', subject: provider });
    });
    this.forget(applicationId, provider);
  }

  /** Tries the current credential against its provider, without sending anything to anybody. */
  async verify(caller: Caller, applicationId: string, provider: ProviderName): Promise<Verification> {
    const stored = await this.get(applicationId, provider);
    const outcome = await this.adapter(provider).verifyCredential(this.unsealed(stored));
    await this.audit.append(this.dataSource, caller, { applicationId, action: 'credential.verify', subject: provider });
    const facts = { code: outcome.code, detail: outcome.detail ?? null };
    if (outcome.kind === 'accepted') {
      await this.markWorking(applicationId, provider, stored.version);
      return { state: 'ok', ok: true, ...facts };
    }
    if (outcome.kind === 'credential_invalid') {
      await this.markBroken(applicationId, provider, stored.version, outcome.code);
      return { state: 'broken', ok: false, ...facts };
    }
    return { state: stored.state, ok: false, ...facts };
  }

  /**
   * The provider refused this very credential; a version that replaced it meanwhile stays as it is.
   *
   * @returns true when it was in order until now
   */
  async markBroken(applicationId: string, provider: ProviderName, version: number, reason: string): Promise<boolean> {
    const key = { applicationId, provider, version };
    const isNews = await this.dataSource.transaction(async (tx) => {
      const isChanged = await this.credentials.setState(tx, { ...key, state: 'broken', stateReason: reason });
      const data = { provider, version, code: reason };
      if (isChanged) await this.events.append(tx, [{ type: 'credential.broken', applicationId, data }]);
      return isChanged;
    });
    if (isNews) this.logger.error({ event: 'credential.broken', ...key, reason });
    return isNews;
  }

  /** A push or a verification with this very credential went well: what had stopped because of it goes on. */
  async markWorking(applicationId: string, provider: ProviderName, version: number): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await this.credentials.setState(tx, { applicationId, provider, version, state: 'ok', stateReason: null });
      await this.credentials.openGates(tx, applicationId, provider);
    });
  }

  /** For readiness: why stored credentials cannot be opened; undefined when they can, or there are none. */
  async masterKeyProblem(): Promise<string | undefined> {
    const newest = await this.credentials.newest(this.dataSource);
    if (!newest) return undefined;
    try {
      this.unsealed(newest);
      return undefined;
    } catch {
      return 'CARILLON_MASTER_KEY does not open the stored credentials';
    }
  }

  private forget(applicationId: string, provider: ProviderName): void {
    this.cache.delete(`${applicationId} ${provider}`);
    this.current.delete(applicationId);
  }

  private unsealed(stored: SealedCredential): Credential {
    const secret = secretSchema.parse(unseal(this.config.CARILLON_MASTER_KEY, sealingContext(stored), stored.sealed));
    const { id, applicationId, provider, version, publicParts, simulated } = stored;
    return { id, applicationId, provider, version, publicParts, secret, simulated };
  }

  private adapter(provider: ProviderName): Provider {
    const adapter = this.providers.get(provider);
    if (!adapter) throw new Error(`there is no adapter for ${provider}`);
    return adapter;
  }

  private hasSimulator(provider: ProviderName): boolean {
    const urls = {
      fcm: this.config.SIMULATOR_FCM_URL,
      apns: this.config.SIMULATOR_APNS_URL,
      webpush: this.config.SIMULATOR_WEBPUSH_URLS[0],
    };
    return urls[provider] !== undefined;
  }
}
