import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { AuditEntry } from './application.js';
import { AuditRepository } from './audit.repository.js';

/** Who changed what. */
@Injectable()
export class AuditService {
  constructor(
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly audit: AuditRepository,
  ) {}

  /** For changes that other features make; part of the caller's transaction. */
  append(database: Database, entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void> {
    return this.audit.append(database, entry);
  }

  list(applicationId: string | null, beforeId: number, limit: number): Promise<AuditEntry[]> {
    return this.audit.list(this.dataSource, applicationId, beforeId, limit);
  }
}
