import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { uuidV7 } from '../lib/ids.js';
import type { Account } from './account.js';
import { CONSOLE_KEY_ID } from './audit.js';
import { AuditService } from './audit.service.js';
import { csrfTokenOf, newSecret, secretHash } from './session-cookie.js';
import { SessionsRepository } from './sessions.repository.js';

/** Who is signed in with a request, as the guard found out from the cookie. */
export interface SignedIn {
  sessionId: string;
  account: Account;
  csrfToken: string;
  /** At the latest; sooner when the session is idle. */
  expiresAt: Date;
}

const DAY_SECONDS = 86_400;
const MAX_REMEMBERED = 10_000;

/** Begins, recognises and ends sessions. */
@Injectable()
export class SessionsService {
  /** Hashes of secrets that were good when last looked up. */
  private readonly good = new Set<string>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly sessions: SessionsRepository,
    private readonly audit: AuditService,
  ) {}

  /** Seconds for which a browser keeps the cookie. */
  get maxAgeSeconds(): number {
    return this.config.CONSOLE_SESSION_DAYS * DAY_SECONDS;
  }

  /** A session under a secret that nobody knew before; part of the caller's transaction. @returns the secret */
  async begin(tx: Database, accountId: string): Promise<string> {
    const secret = newSecret();
    const id = uuidV7(this.clock.now());
    const days = this.config.CONSOLE_SESSION_DAYS;
    await this.sessions.insert(tx, { id, accountId, secretHash: secretHash(secret), days });
    return secret;
  }

  /** Whose session this is; asks the database every time, so that what has ended has ended everywhere. */
  async recognise(secret: string): Promise<SignedIn | undefined> {
    const hash = secretHash(secret);
    const found = await this.sessions.find(this.dataSource, hash, this.config.CONSOLE_SESSION_IDLE_HOURS);
    const name = hash.toString('base64');
    if (!found) {
      this.good.delete(name);
      return undefined;
    }
    if (this.good.size < MAX_REMEMBERED) this.good.add(name);
    const { id, account, expiresAt } = found;
    return { sessionId: id, account, csrfToken: csrfTokenOf(secret), expiresAt };
  }

  /** Whether this secret was good when it was last asked for in this process; costs no database. */
  wasValid(secret: string): boolean {
    return this.good.has(secretHash(secret).toString('base64'));
  }

  /** Signs out. */
  async end({ sessionId, account }: SignedIn): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await this.sessions.delete(tx, sessionId);
      const fact = { applicationId: null, action: 'account.sign_out', subject: account.id };
      await this.audit.append(tx, { keyId: CONSOLE_KEY_ID, accountId: account.id }, fact);
    });
  }

  /** What a browser had before it signed in anew is of no use to anybody any more. */
  forget(tx: Database, secret: string): Promise<void> {
    return this.sessions.deleteBySecret(tx, secretHash(secret));
  }

  /** Ends the sessions of an account, but for `exceptId`. */
  endAll(tx: Database, accountId: string, exceptId: string | null): Promise<void> {
    return this.sessions.deleteOf(tx, accountId, exceptId);
  }
}
