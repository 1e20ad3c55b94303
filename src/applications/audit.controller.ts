import { Controller, Query } from '@nestjs/common';
import { z } from 'zod';
import type { AuditEntry } from '../accounts/audit.js';
import { AuditService } from '../accounts/audit.service.js';
import { decodeCursor, makePage, type Page, pageOf } from '../http/pagination.js';
import { Route } from '../http/route.js';
import { DomainError } from '../lib/errors.js';
import { auditEntrySchema, auditQuery } from './applications.dto.js';
import { type Caller, CurrentCaller } from './caller.js';

const cursorSchema = z.tuple([z.number().int().positive()]);

@Controller()
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Route('GET', '/v1/audit', {
    summary: 'Administrative changes: who changed what, and when',
    tag: 'Audit',
    access: ['admin'],
    query: auditQuery,
    responses: { 200: { description: 'Newest first.', schema: pageOf(auditEntrySchema) } },
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Query() { cursor, limit, ...filter }: z.infer<typeof auditQuery>,
  ): Promise<Page<AuditEntry>> {
    const { applicationId = caller.applicationId } = filter;
    if (caller.applicationId !== '' && applicationId !== caller.applicationId) {
      throw new DomainError('forbidden', 'wrong_application', 'This key belongs to another application.');
    }
    const [beforeId] = cursor ? decodeCursor(cursor, cursorSchema) : [Number.MAX_SAFE_INTEGER];
    const rows = await this.audit.list({ ...filter, applicationId: applicationId || undefined }, beforeId, limit + 1);
    return makePage(
      rows,
      limit,
      ({ id }) => [id],
      (row) => row,
    );
  }
}
