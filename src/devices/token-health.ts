import { Injectable, Logger } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { Fact } from '../events/event.js';
import { EventLog } from '../events/event-log.js';
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

  constructor(
    private readonly repository: TokenHealthRepository,
    private readonly events: EventLog,
  ) {}

  /** Prunes devices whose token is dead, and tells of it; returns their ids. Part of the caller's transaction. */
  async invalidate(db: Database, verdicts: readonly TokenVerdict[]): Promise<number[]> {
    if (verdicts.length === 0) return [];
    const marked = await this.repository.invalidate(db, verdicts);
    const facts = marked.map(({ id, applicationId, provider, code }): Fact => {
      return { type: 'device.invalidated', applicationId, device: id, data: { provider, code } };
    });
    await this.events.append(db, await this.events.wanted(facts, db));
    return marked.map(({ id }) => id);
  }

  /** Sets devices aside whose token was refused; returns their ids. Part of the caller's transaction. */
  async setAside(db: Database, verdicts: readonly TokenVerdict[]): Promise<number[]> {
    if (verdicts.length === 0) return [];
    return (await this.repository.setAside(db, verdicts)).map(({ id }) => id);
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
