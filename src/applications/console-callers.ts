import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isRoleEnough } from '../accounts/account.js';
import { CONSOLE_KEY_ID } from '../accounts/audit.js';
import { isFromOwnPage, mayReadFrom } from '../accounts/same-origin.js';
import { isCsrfToken, sessionSecretOf } from '../accounts/session-cookie.js';
import { SessionsService, type SignedIn } from '../accounts/sessions.service.js';
import { CSRF_HEADER } from '../http/openapi.js';
import { consoleRoleOf, type Role, type RouteSpec } from '../http/route.js';
import { invalidRequest } from '../http/validation.js';
import { DomainError } from '../lib/errors.js';
import type { Caller } from './caller.js';
import { takeApplicationId } from './named-application.js';

/** What people who are signed in to the console may call: by their role, and from pages of this service alone. */
@Injectable()
export class ConsoleCallers {
  constructor(private readonly sessions: SessionsService) {}

  /** The secret in the cookie, where the operation takes one. */
  secretFor(spec: RouteSpec, { method, headers }: FastifyRequest): string | undefined {
    if (headers.cookie === undefined || consoleRoleOf(method, spec) === undefined) return undefined;
    return sessionSecretOf(headers.cookie);
  }

  wasValid(secret: string): boolean {
    return this.sessions.wasValid(secret);
  }

  recognise(secret: string): Promise<SignedIn | undefined> {
    return this.sessions.recognise(secret);
  }

  /** @throws DomainError `csrf_rejected`, `account_role_not_allowed`, `invalid_request` */
  admit(session: SignedIn, spec: RouteSpec, access: readonly Role[], request: FastifyRequest): Caller {
    assertOwnPage(session, request);
    const needed = consoleRoleOf(request.method, spec);
    const { id, email, role } = session.account;
    if (needed === undefined || !isRoleEnough(role, needed)) {
      const message = `This operation needs the role ${needed}; this account has the role ${role}.`;
      throw new DomainError('forbidden', 'account_role_not_allowed', message);
    }
    const named = access.includes('server') ? takeApplicationId(request) : undefined;
    if (named === undefined && access.includes('server') && !access.includes('admin')) {
      throw invalidRequest([{ path: 'query.applicationId', message: 'is needed in the console' }]);
    }
    return {
      keyId: CONSOLE_KEY_ID,
      accountId: id,
      role: 'admin',
      accountRole: role,
      accountEmail: email,
      applicationId: named ?? '',
    };
  }
}

/** A cookie goes along with whatever a browser is made to send: it alone is not enough. */
function assertOwnPage({ csrfToken }: SignedIn, { method, protocol, host, headers }: FastifyRequest): void {
  const source = { protocol, host, headers };
  if (method === 'GET' || method === 'HEAD') {
    if (mayReadFrom(source)) return;
  } else if (isFromOwnPage(source) && isCsrfToken(headers[CSRF_HEADER], csrfToken)) return;
  const message = 'This request does not come from a page of the console: it needs the x-csrf-token of its session.';
  throw new DomainError('forbidden', 'csrf_rejected', message);
}
