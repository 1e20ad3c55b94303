import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { RateLimiter } from '../http/rate-limit.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { normalEmail } from './account.js';
import { AccountsRepository } from './accounts.repository.js';
import { CONSOLE_KEY_ID } from './audit.js';
import { AuditService } from './audit.service.js';
import { LockOuts } from './lock-outs.js';
import { assertHashingIsFree, isPassword } from './password.js';
import { secretHash } from './session-cookie.js';
import { SessionsService, type SignedIn } from './sessions.service.js';

/** Links that one address may try at once, and how many more per second. */
const LINK_BURST = 20;
const LINKS_PER_SECOND = 0.2;

/** Where an attempt to sign in comes from. */
export interface Visitor {
  ip: string;
  /** Of the session that the browser has so far. */
  secretBefore: string | undefined;
}

/** A new session, and the secret that goes into the cookie. */
export type NewSession = SignedIn & { secret: string };

/** Lets people in, by password or by link. */
@Injectable()
export class SignInService {
  private readonly links: RateLimiter;

  constructor(
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    @Inject(CLOCK) clock: Clock,
    private readonly accounts: AccountsRepository,
    private readonly sessions: SessionsService,
    private readonly lockOuts: LockOuts,
    private readonly audit: AuditService,
  ) {
    this.links = new RateLimiter(clock, LINKS_PER_SECOND, LINK_BURST);
  }

  /**
   * An email that nobody has, a wrong password and a disabled account are answered alike, after the same work.
   *
   * @throws DomainError `sign_in_failed`, `locked_out`, `sign_in_busy`
   */
  async withPassword(given: { email: string; password: string }, visitor: Visitor): Promise<NewSession> {
    const email = normalEmail(given.email);
    assertHashingIsFree();
    const attempt = await this.lockOuts.attempt(email, visitor.ip);
    const found = await this.accounts.findByEmail(this.dataSource, email);
    const isRight = await isPassword(found?.passwordHash ?? null, given.password);
    const session = await this.dataSource.transaction(async (tx) => {
      if (!found || !isRight) return undefined;
      // The password may have been changed, or the account disabled, while the hash was computed.
      const now = await this.accounts.lockOne(tx, found.account.id);
      if (!now || now.account.isDisabled || now.passwordHash !== found.passwordHash) return undefined;
      await attempt.succeed(tx);
      return this.begin(tx, found.account.id, visitor, 'account.sign_in');
    });
    if (session) return this.recognised(session);
    await this.noteFailure(found?.account.id, attempt.isLocking);
    throw new DomainError('unauthorized', 'sign_in_failed', 'The email or the password is wrong.');
  }

  /** @throws DomainError `sign_in_link_invalid` when it was used, has ended, or never was */
  async withLink(token: string, visitor: Visitor): Promise<NewSession> {
    this.links.take(visitor.ip);
    const session = await this.dataSource.transaction(async (tx) => {
      const accountId = await this.accounts.takeLink(tx, secretHash(token));
      const now = accountId === undefined ? undefined : await this.accounts.lockOne(tx, accountId);
      if (!now || now.account.isDisabled) return undefined;
      return this.begin(tx, now.account.id, visitor, 'account.sign_in_by_link');
    });
    if (session) return this.recognised(session);
    const message = 'This sign-in link has been used or has ended: ask an owner for another one.';
    throw new DomainError('unauthorized', 'sign_in_link_invalid', message);
  }

  /** Always under a new secret: one that somebody planted in the browser stays without a session. */
  private async begin(tx: Database, accountId: string, visitor: Visitor, action: string): Promise<string> {
    if (visitor.secretBefore !== undefined) await this.sessions.forget(tx, visitor.secretBefore);
    const secret = await this.sessions.begin(tx, accountId);
    await this.audit.append(
      tx,
      { keyId: CONSOLE_KEY_ID, accountId },
      { applicationId: null, action, subject: accountId },
    );
    return secret;
  }

  private async recognised(secret: string): Promise<NewSession> {
    const session = await this.sessions.recognise(secret);
    if (!session) throw new DomainError('unauthorized', 'sign_in_failed', 'The session has ended already.');
    return { ...session, secret };
  }

  /** The email is not kept when nobody has it: it may be a password in the wrong field. */
  private async noteFailure(accountId: string | undefined, isLocking: boolean): Promise<void> {
    const actor = { keyId: CONSOLE_KEY_ID, accountId: null };
    const subject = accountId ?? 'unknown';
    await this.audit.note(actor, { applicationId: null, action: 'account.sign_in_failed', subject });
    if (isLocking) await this.audit.note(actor, { applicationId: null, action: 'account.lock_out', subject });
  }
}
