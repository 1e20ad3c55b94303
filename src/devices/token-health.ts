import { Injectable, Logger } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { ProviderName } from '../lib/names.js';
import type { TokenVerdict } from './device.js';
import { TokenHealthRepository } from './token-health.repository.js';

/** Fewer results than this say nothing about a project. */
const MIN_RESULTS = 500;
const MAX_REFUSED_SHARE = 0.4;

/** Takes dead tokens out of the audience, and keeps a wrong project or environment from taking out everybody. */
@Injectable()
export class TokenHealth {
  private readonly logger = new Logger(TokenHealth.name);

  constructor(private readonly repository: TokenHealthRepository) {}

  /** Prunes devices whose token is dead; returns their ids. Part of the caller's transaction. */
  invalidate(db: Database, verdicts: readonly TokenVerdict[]): Promise<number[]> {
    return verdicts.length === 0 ? Promise.resolve([]) : this.repository.invalidate(db, verdicts);
  }

  /** Sets devices aside whose token was refused; returns their ids. Part of the caller's transaction. */
  setAside(db: Database, verdicts: readonly TokenVerdict[]): Promise<number[]> {
    return verdicts.length === 0 ? Promise.resolve([]) : this.repository.setAside(db, verdicts);
  }

  /**
   * The mass guard, to be asked after every commit that set devices aside: when 40 % of at least 500 results within ten minutes
   * refused the token, the fault is a project, key or environment, not the devices. Then they are all active again, and for the
   * next ten minutes none is set aside.
   */
  async guard(applicationId: string, provider: ProviderName): Promise<boolean> {
    const { refused, total } = await this.repository.recentRefusals(applicationId, provider);
    if (total < MIN_RESULTS || refused < total * MAX_REFUSED_SHARE) return false;
    const restored = await this.repository.tripGuard(applicationId, provider);
    this.logger.error({ event: 'mass_guard.tripped', applicationId, provider, refused, total, restored });
    return true;
  }
}
