import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE } from '../database/transaction.js';
import type { Accepted } from './notifications.dto.js';

/** Hours for which a key's first response is kept. */
export const IDEMPOTENCY_KEY_HOURS = 72;
const PURGE_PAGE = 5_000;

/** What a caller's `Idempotency-Key` stands for; another application's equal key is another one. */
export interface IdempotentRequest {
  applicationId: string;
  key: string;
  /** SHA-256 of the canonical body. */
  requestHash: Buffer;
}

/** A request that was answered before. */
export interface StoredResponse {
  requestHash: Buffer;
  response: Accepted;
}

/** SQL over `idempotency_key`, beside what `accept.repository.ts` does with it. */
@Injectable()
export class IdempotencyRepository {
  constructor(@Inject(DATA_SOURCE) private readonly db: DataSource) {}

  /** Forgets up to 5,000 keys that are too old; returns how many. */
  async purge(): Promise<number> {
    const [, purged] = await this.db.query(
      `delete from idempotency_key where ctid = any(array(
         select ctid from idempotency_key where created_at <= carillon_now() - interval '${IDEMPOTENCY_KEY_HOURS} hours'
         order by created_at limit ${PURGE_PAGE}))`,
    );
    return purged;
  }
}
