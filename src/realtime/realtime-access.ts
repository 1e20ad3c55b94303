import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AuthenticatedRequest } from '../applications/caller.guard.js';
import type { Grant } from './grant.js';
import { RealtimeTokensService } from './realtime-tokens.service.js';

/** What a client shows: a token, or, to open a stream, the ticket that it got for one. */
export interface Credentials {
  token: string | undefined;
  ticket?: string | undefined;
}

/** The one way in for clients of every transport: token, revocation, origin and channels, in this order. */
@Injectable()
export class RealtimeAccess {
  constructor(private readonly tokens: RealtimeTokensService) {}

  /**
   * Who is asking, and may they. Answers are then readable from the application's own origins alone.
   *
   * @param channels what they want to follow
   * @throws DomainError as `RealtimeTokensService` has them
   */
  async admit(
    request: FastifyRequest & Partial<AuthenticatedRequest>,
    { token, ticket }: Credentials,
    channels: readonly string[] = [],
  ): Promise<Grant> {
    const grant =
      token === undefined && ticket !== undefined
        ? await this.tokens.authenticate(ticket, 'ticket')
        : await this.tokens.authenticate(token, 'token');
    request.corsOrigins = [];
    request.corsOrigins = await this.tokens.checkOrigin(grant, request.headers.origin, request.headers.host);
    this.tokens.authorise(grant, channels);
    return grant;
  }

  /**
   * The same for a connection that names its channels later.
   *
   * @param headers of the request that opened it
   * @throws DomainError as `RealtimeTokensService` has them
   */
  async admitSocket(headers: IncomingHttpHeaders, token: string): Promise<Grant> {
    const grant = await this.tokens.authenticate(token, 'token');
    await this.tokens.checkOrigin(grant, headers.origin, headers.host);
    return grant;
  }
}

/** The token of an `Authorization: Bearer` header; another scheme is none. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
}
