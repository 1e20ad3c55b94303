import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { z } from 'zod';
import { CONFIG, type Config } from '../config/config.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { Credential, SharedToken, SharedTokenStore } from '../providers/provider.js';
import { seal, unseal } from './sealing.js';
import { type SharedTokenRow, SharedTokensRepository } from './shared-tokens.repository.js';

/** Tokens minted at the same time: each holds a database connection while a provider's token endpoint answers. */
const MAX_MINTING = 2;

const valueSchema = z.string();

type Accept = (token: SharedToken, now: Date) => boolean;

/** Shared tokens in Postgres, sealed; a fleet mints each of them once. */
@Injectable()
export class StoredSharedTokens implements SharedTokenStore {
  /** By credential: the last request in line. Within a process they go one after the other, without connections. */
  private readonly lines = new Map<string, Promise<unknown>>();
  private minting = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly tokens: SharedTokensRepository,
  ) {}

  async obtain(
    credential: Credential,
    accept: Accept,
    mint: (now: Date) => Promise<SharedToken>,
  ): Promise<SharedToken> {
    const before = this.lines.get(credential.id) ?? Promise.resolve();
    const mine = before.then(() => this.obtainNow(credential, accept, mint));
    const settled = mine.catch(() => undefined);
    this.lines.set(credential.id, settled);
    try {
      return await mine;
    } finally {
      if (this.lines.get(credential.id) === settled) this.lines.delete(credential.id);
    }
  }

  private async obtainNow(
    credential: Credential,
    accept: Accept,
    mint: (now: Date) => Promise<SharedToken>,
  ): Promise<SharedToken> {
    const stored = await this.read(this.dataSource, credential, accept);
    if (stored.token) return stored.token;
    await this.takeSlot();
    try {
      return await this.dataSource.transaction(async (tx) => {
        await this.tokens.lock(tx, credential.id);
        const present = await this.read(tx, credential, accept);
        if (present.token) return present.token;
        const minted = await mint(present.now);
        await this.tokens.store(tx, credential.id, {
          sealed: seal(this.config.CARILLON_MASTER_KEY, contextOf(credential), minted.value),
          issuedAt: minted.issuedAt,
          expiresAt: minted.expiresAt,
        });
        return minted;
      });
    } finally {
      this.giveSlotBack();
    }
  }

  private async read(
    database: Database,
    credential: Credential,
    accept: Accept,
  ): Promise<{ now: Date; token: SharedToken | undefined }> {
    const { now, stored } = await this.tokens.find(database, credential.id);
    const token = stored && this.opened(credential, stored);
    return { now, token: token && accept(token, now) ? token : undefined };
  }

  private opened(credential: Credential, { sealed, issuedAt, expiresAt }: SharedTokenRow): SharedToken {
    const value = valueSchema.parse(unseal(this.config.CARILLON_MASTER_KEY, contextOf(credential), sealed));
    return { value, issuedAt, expiresAt };
  }

  private async takeSlot(): Promise<void> {
    if (this.minting < MAX_MINTING) {
      this.minting += 1;
      return;
    }
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private giveSlotBack(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.minting -= 1;
  }
}

function contextOf(credential: Credential): string[] {
  return ['provider_token', credential.id];
}
