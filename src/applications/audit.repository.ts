import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { AuditEntry } from './application.js';

@Injectable()
export class AuditRepository {
  async append(database: Database, entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void> {
    await database.query('insert into audit_log (key_id, application_id, action, subject) values ($1, $2, $3, $4)', [
      entry.keyId,
      entry.applicationId,
      entry.action,
      entry.subject,
    ]);
  }

  /** Newest first, before the id `beforeId`; `applicationId` null = of all. */
  async list(database: Database, applicationId: string | null, beforeId: number, limit: number): Promise<AuditEntry[]> {
    const rows: {
      id: number;
      at: Date;
      key_id: string;
      application_id: string | null;
      action: string;
      subject: string;
    }[] = await database.query(
      `select id, at, key_id, application_id, action, subject from audit_log
       where id < $1 and ($2::uuid is null or application_id = $2) order by id desc limit $3`,
      [beforeId, applicationId, limit],
    );
    return rows.map((row) => ({
      id: row.id,
      at: row.at,
      keyId: row.key_id,
      applicationId: row.application_id,
      action: row.action,
      subject: row.subject,
    }));
  }
}
