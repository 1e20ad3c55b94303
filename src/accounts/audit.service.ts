import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import type { Actor, AuditEntry, AuditFact, AuditFilter } from './audit.js';
import { AuditRepository } from './audit.repository.js';

/** Who changed what. */
@Injectable()
export class AuditService {
  constructor(
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly audit: AuditRepository,
  ) {}

  /** For changes that other features make; part of their transaction. */
  append(database: Database, actor: Actor, fact: AuditFact): Promise<void> {
    return this.audit.append(database, actor, fact);
  }

  /** For what has happened already. */
  note(actor: Actor, fact: AuditFact): Promise<void> {
    return this.audit.append(this.dataSource, actor, fact);
  }

  list(filter: AuditFilter, beforeId: number, limit: number): Promise<AuditEntry[]> {
    return this.audit.list(this.dataSource, filter, beforeId, limit);
  }
}
