import { Body, Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Route } from '../http/route.js';
import { DomainError } from '../lib/errors.js';
import type { Account } from './account.js';
import { linkBody, passwordBody, sessionSchema, signInBody } from './accounts.dto.js';
import { AccountsService } from './accounts.service.js';
import { isFromOwnPage } from './same-origin.js';
import { EXPIRED_SESSION_COOKIE, sessionCookie, sessionSecretOf } from './session-cookie.js';
import { SessionsService, type SignedIn } from './sessions.service.js';
import { type NewSession, SignInService, type Visitor } from './sign-in.service.js';
import { CurrentSession } from './signed-in.js';

const tag = 'Session';
/** No key, any role. */
const forAccounts = { tag, access: [], console: 'viewer' } as const;
const began = { 200: { description: 'Signed in; the cookie is set.', schema: sessionSchema } };

interface ShownSession {
  account: Account;
  csrfToken: string;
  expiresAt: Date;
}

/** The session of whoever sits before the console. */
@Controller()
export class SessionController {
  constructor(
    private readonly signIn: SignInService,
    private readonly sessions: SessionsService,
    private readonly accounts: AccountsService,
  ) {}

  @Route('POST', '/v1/session', {
    summary: 'Sign in to the console',
    tag,
    access: 'public',
    body: signInBody,
    responses: began,
  })
  async create(
    @Req() request: FastifyRequest,
    @Body() body: z.infer<typeof signInBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownSession> {
    return this.begun(await this.signIn.withPassword(body, visitorOf(request)), reply);
  }

  @Route('POST', '/v1/session/link', {
    summary: 'Sign in to the console with a link, once',
    tag,
    access: 'public',
    body: linkBody,
    responses: began,
  })
  async createByLink(
    @Req() request: FastifyRequest,
    @Body() { token }: z.infer<typeof linkBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShownSession> {
    return this.begun(await this.signIn.withLink(token, visitorOf(request)), reply);
  }

  @Route('GET', '/v1/session', {
    ...forAccounts,
    summary: 'Who is signed in',
    responses: { 200: { description: 'The session.', schema: sessionSchema } },
  })
  read(@CurrentSession() session: SignedIn): ShownSession {
    return shown(session);
  }

  @Route('DELETE', '/v1/session', {
    ...forAccounts,
    summary: 'Sign out',
    responses: { 204: { description: 'The session has ended.' } },
  })
  async delete(@CurrentSession() session: SignedIn, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await this.sessions.end(session);
    reply.header('set-cookie', EXPIRED_SESSION_COOKIE);
  }

  @Route('PUT', '/v1/session/password', {
    ...forAccounts,
    summary: 'Set the own password; the other sessions of the account end',
    body: passwordBody,
    responses: { 204: { description: 'It is in force.' } },
  })
  async setPassword(
    @CurrentSession() session: SignedIn,
    @Body() body: z.infer<typeof passwordBody>,
    @Req() { ip }: FastifyRequest,
  ): Promise<void> {
    await this.accounts.changePassword(session, body, ip);
  }

  private begun(session: NewSession, reply: FastifyReply): ShownSession {
    reply
      .header('set-cookie', sessionCookie(session.secret, this.sessions.maxAgeSeconds))
      .header('cache-control', 'no-store');
    return shown(session);
  }
}

/** @throws DomainError `csrf_rejected`: another page must not sign people in as somebody else */
function visitorOf({ protocol, host, headers, ip }: FastifyRequest): Visitor {
  if (!isFromOwnPage({ protocol, host, headers })) {
    throw new DomainError('forbidden', 'csrf_rejected', 'Only pages of this service may sign in to it.');
  }
  return { ip, secretBefore: sessionSecretOf(headers.cookie) };
}

function shown({ account, csrfToken, expiresAt }: SignedIn): ShownSession {
  return { account, csrfToken, expiresAt };
}
