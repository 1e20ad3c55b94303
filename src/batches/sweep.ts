import { Inject, Injectable, Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import { BatchesRepository } from './batches.repository.js';
import { BatchesService } from './batches.service.js';

/** Notifications per round whose unsent batches are ended because their time has passed. */
const EXPIRED_PER_ROUND = 100;

/** Takes back what Bull lost and what dead workers held, and ends what came too late. Any node, every second. */
@Injectable()
export class Sweep {
  private readonly logger = new Logger(Sweep.name);

  constructor(
    private readonly repository: BatchesRepository,
    private readonly service: BatchesService,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
  ) {}

  /** One round. Returns the notifications whose batches it ended. */
  async sweep(): Promise<string[]> {
    const { queued, leased } = await this.repository.sweepLeases();
    if (queued + leased > 0) this.logger.warn({ event: 'sweep.returned', queued, leased });
    const expired = await this.repository.expired(EXPIRED_PER_ROUND);
    for (const id of expired) await this.service.endSomePending(this.db, id, 'expired', 'ttl_expired');
    return expired;
  }
}
