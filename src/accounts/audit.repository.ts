import { Injectable } from '@nestjs/common';
import type { Database } from '../database/transaction.js';
import type { Actor, AuditEntry, AuditFact, AuditFilter } from './audit.js';

/** `$` stands for the number of the parameter. */
const CONDITIONS = {
  applicationId: 'application_id = $',
  accountId: 'account_id = $',
  subject: 'subject = $',
  by: '(key_id = $ or account_id::text = $ or account_email = lower($))',
  action: "(action = $ or starts_with(action, $ || '.'))",
} as const satisfies Record<keyof AuditFilter, string>;

@Injectable()
export class AuditRepository {
  async append(database: Database, { keyId, accountId }: Actor, fact: AuditFact): Promise<void> {
    await database.query(
      `insert into audit_log (key_id, account_id, account_email, application_id, action, subject)
       values ($1, $2, (select email from account where id = $2), $3, $4, $5)`,
      [keyId, accountId, fact.applicationId, fact.action, fact.subject],
    );
  }

  /** Newest first, before the id `beforeId`. */
  async list(database: Database, filter: AuditFilter, beforeId: number, limit: number): Promise<AuditEntry[]> {
    const given = Object.entries(CONDITIONS).flatMap(([name, condition]) => {
      const value = filter[name as keyof AuditFilter];
      return value === undefined ? [] : [{ condition, value }];
    });
    const conditions = given.map(({ condition }, index) => `and ${condition.replaceAll('$', () => `$${index + 3}`)}`);
    const rows: {
      id: number;
      at: Date;
      key_id: string;
      account_id: string | null;
      account_email: string | null;
      application_id: string | null;
      action: string;
      subject: string;
    }[] = await database.query(
      `select id, at, key_id, account_id, account_email, application_id, action, subject from audit_log
       where id < $1 ${conditions.join(' ')} order by id desc limit $2`,
      [beforeId, limit, ...given.map(({ value }) => value)],
    );
    return rows.map((row) => ({
      id: row.id,
      at: row.at,
      keyId: row.key_id,
      accountId: row.account_id,
      accountEmail: row.account_email,
      applicationId: row.application_id,
      action: row.action,
      subject: row.subject,
    }));
  }
}
