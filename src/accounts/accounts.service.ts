import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { uuidV7 } from '../lib/ids.js';
import { type Account, normalEmail } from './account.js';
import { type AccountChanges, AccountsRepository } from './accounts.repository.js';
import { type Actor, CONSOLE_KEY_ID } from './audit.js';
import { AuditService } from './audit.service.js';
import { LockOuts } from './lock-outs.js';
import { hashPassword, isPassword } from './password.js';
import { newSecret, secretHash } from './session-cookie.js';
import { SessionsService, type SignedIn } from './sessions.service.js';

/** What an owner may change of an account; `password: null` takes it away. */
export type AccountUpdate = AccountChanges & { password?: null };

/** Who may sign in, and as what. */
@Injectable()
export class AccountsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly accounts: AccountsRepository,
    private readonly sessions: SessionsService,
    private readonly lockOuts: LockOuts,
    private readonly audit: AuditService,
  ) {}

  list(afterId: string, limit: number): Promise<Account[]> {
    return this.accounts.list(this.dataSource, afterId, limit);
  }

  /** @throws DomainError `account_exists` naming `email` */
  async create(
    actor: Actor,
    input: Pick<Account, 'email' | 'name' | 'role'> & { password?: string | undefined },
  ): Promise<Account> {
    const { password, ...given } = input;
    const passwordHash = password === undefined ? null : await hashPassword(password);
    const id = uuidV7(this.clock.now());
    return this.dataSource.transaction(async (tx) => {
      const made = await this.accounts.insert(tx, { ...given, email: normalEmail(given.email), id, passwordHash });
      if (!made) throw emailTaken();
      await this.note(tx, actor, `account.create:${given.role}`, id);
      return made;
    });
  }

  /**
   * Whoever is disabled, gets another role or loses the password is signed out everywhere.
   *
   * @throws DomainError `account_not_found`, `account_exists`, `last_owner`
   */
  async update(actor: Actor, id: string, { password, ...changes }: AccountUpdate): Promise<Account> {
    return this.dataSource.transaction(async (tx) => {
      const before = await this.locked(tx, id, (account) => {
        return (changes.role ?? account.role) === 'owner' && !(changes.isDisabled ?? account.isDisabled);
      });
      const email = changes.email === undefined ? undefined : normalEmail(changes.email);
      const changed = await this.accounts.update(tx, id, { ...changes, ...(email === undefined ? {} : { email }) });
      if (changed === 'taken') throw emailTaken();
      if (password === null) await this.accounts.setPassword(tx, id, null);
      if (password === null || changed.isDisabled || changed.role !== before.role) await this.signOut(tx, id, null);
      const what = Object.keys({ ...changes, ...(password === undefined ? {} : { password }) }).toSorted();
      await this.note(tx, actor, `account.update:${what.join(',')}`, id);
      return { ...changed, hasPassword: changed.hasPassword && password !== null };
    });
  }

  /** @throws DomainError `account_not_found`, `last_owner` */
  async delete(actor: Actor, id: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      await this.locked(tx, id, () => false);
      // Before it is gone: an owner may remove the own account.
      await this.note(tx, actor, 'account.delete', id);
      await this.accounts.delete(tx, id);
    });
  }

  /** A token that signs in once, in place of any before. @throws DomainError `account_not_found`, `account_disabled` */
  async createLink(actor: Actor, id: string): Promise<{ token: string; expiresAt: Date }> {
    const token = newSecret();
    const expiresAt = await this.dataSource.transaction(async (tx) => {
      const found = await this.accounts.lockOne(tx, id);
      if (!found) throw notFound(id);
      if (found.account.isDisabled) {
        throw new DomainError('conflict', 'account_disabled', 'A disabled account cannot sign in: enable it first.');
      }
      await this.note(tx, actor, 'account.create_sign_in_link', id);
      return this.accounts.putLink(tx, id, secretHash(token), this.config.CONSOLE_LINK_HOURS);
    });
    return { token, expiresAt };
  }

  /**
   * The own password. All other sessions of the account end, and its link. Guessing the current one counts as signing in.
   *
   * @throws DomainError `current_password_wrong` naming `currentPassword`, which is needed unless there is none; `locked_out`
   */
  async changePassword(
    { account: { id, email }, sessionId }: SignedIn,
    { currentPassword, newPassword }: { currentPassword?: string | undefined; newPassword: string },
    ip: string,
  ): Promise<void> {
    const before = await this.accounts.passwordHash(this.dataSource, id);
    const attempt = before === null ? undefined : await this.lockOuts.attempt(email, ip);
    if (attempt && !(await isPassword(before, currentPassword ?? ''))) throw wrongPassword();
    const passwordHash = await hashPassword(newPassword);
    await this.dataSource.transaction(async (tx) => {
      // Somebody else may have changed it while the hashes were computed.
      if ((await this.accounts.lockOne(tx, id))?.passwordHash !== before) throw wrongPassword();
      await attempt?.succeed(tx);
      await this.accounts.setPassword(tx, id, passwordHash);
      await this.signOut(tx, id, sessionId);
      await this.note(tx, { keyId: CONSOLE_KEY_ID, accountId: id }, 'account.change_password', id);
    });
  }

  private async signOut(tx: Database, id: string, exceptSessionId: string | null): Promise<void> {
    await this.sessions.endAll(tx, id, exceptSessionId);
    await this.accounts.deleteLink(tx, id);
  }

  private async locked(tx: Database, id: string, staysOwner: (account: Account) => boolean): Promise<Account> {
    const { account, otherOwners } = await this.accounts.lock(tx, id);
    if (!account) throw notFound(id);
    const isActiveOwner = account.role === 'owner' && !account.isDisabled;
    if (isActiveOwner && otherOwners === 0 && !staysOwner(account)) {
      const message = 'This is the last owner who can sign in: make another one first.';
      throw new DomainError('conflict', 'last_owner', message);
    }
    return account;
  }

  private note(tx: Database, actor: Actor, action: string, subject: string): Promise<void> {
    return this.audit.append(tx, actor, { applicationId: null, action, subject });
  }
}

function notFound(id: string): DomainError {
  return new DomainError('not_found', 'account_not_found', `There is no account ${id}.`);
}

function emailTaken(): DomainError {
  const problem = { path: 'email', message: 'belongs to another account' };
  return new DomainError('conflict', 'account_exists', 'Another account has this email.', [problem]);
}

function wrongPassword(): DomainError {
  const problem = { path: 'currentPassword', message: 'is not the password of this account' };
  return new DomainError('forbidden', 'current_password_wrong', 'The current password is wrong.', [problem]);
}
