import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AuditService } from '../accounts/audit.service.js';
import type { AuthenticatedRequest } from './caller.guard.js';

/** Names of what an operation was about, the most telling first. A token is never among them. */
const SUBJECTS = ['id', 'jti', 'userId', 'channel'];

/**
 * Writes down what people do in the console, before they are told that it is done: of operations that keys are free to use
 * unrecorded, such as sending and cancelling.
 */
@Injectable()
export class ConsoleAudit implements OnModuleInit {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    const instance = this.adapterHost.httpAdapter.getInstance<FastifyInstance>();
    instance.addHook('onSend', (request: FastifyRequest & Partial<AuthenticatedRequest>, reply, payload, done) => {
      const { consoleAction, caller } = request;
      if (consoleAction === undefined || caller === undefined || reply.statusCode >= 400) return done(null, payload);
      const answer =
        typeof payload === 'string' && isJson(reply.getHeader('content-type')) ? fieldsOf(JSON.parse(payload)) : {};
      // A dry run has done nothing.
      if (answer['dryRun'] !== undefined) return done(null, payload);
      const subject = subjectOf([fieldsOf(request.params), answer, fieldsOf(request.body)]);
      const fact = { applicationId: caller.applicationId || null, action: consoleAction, subject };
      this.audit.note(caller, fact).then(() => done(null, payload), done);
    });
  }
}

function isJson(mediaType: unknown): boolean {
  return typeof mediaType === 'string' && mediaType.startsWith('application/json');
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return { ...Object(value) };
}

function subjectOf(places: readonly Record<string, unknown>[]): string {
  for (const place of places) {
    for (const name of SUBJECTS) {
      const value = place[name];
      if (typeof value === 'string') return value;
    }
  }
  return '';
}
