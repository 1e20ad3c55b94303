import { Body, Controller, Headers, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { AuthenticatedRequest } from '../applications/caller.guard.js';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { Route } from '../http/route.js';
import { invalidRequest } from '../http/validation.js';
import { formatId } from './position.js';
import {
  issuedTicketSchema,
  issuedTokenSchema,
  issueTokenBody,
  publishBody,
  publishedSchema,
  publishParams,
  revokeTokensBody,
} from './realtime.dto.js';
import { bearerOf, RealtimeAccess } from './realtime-access.js';
import { RealtimeTokensService } from './realtime-tokens.service.js';
import { RealtimeStream } from './stream.js';

const tag = 'Realtime';

@Controller()
export class RealtimeController {
  constructor(
    private readonly tokens: RealtimeTokensService,
    private readonly access: RealtimeAccess,
    private readonly stream: RealtimeStream,
  ) {}

  @Route('POST', '/v1/realtime/tokens', {
    summary: 'Let a user follow channels',
    tag,
    access: ['server'],
    console: 'owner',
    audit: 'realtime_token.issue',
    body: issueTokenBody,
    responses: { 201: { description: 'A token for the client.', schema: issuedTokenSchema } },
  })
  async issue(
    @CurrentCaller() { applicationId }: Caller,
    @Body() body: z.infer<typeof issueTokenBody>,
  ): Promise<z.infer<typeof issuedTokenSchema>> {
    const { token, grant } = await this.tokens.issue(applicationId, body);
    return { token, jti: grant.tokenId, expiresAt: grant.expiresAt.toISOString() };
  }

  @Route('DELETE', '/v1/realtime/tokens', {
    summary: 'Revoke one realtime token, or all of a user',
    tag,
    access: ['server'],
    audit: 'realtime_token.revoke',
    body: revokeTokensBody,
    responses: { 204: { description: 'Nobody gets in with it again; connections end within two seconds.' } },
  })
  async revoke(
    @CurrentCaller() { applicationId }: Caller,
    @Body() { userId, token, jti }: z.infer<typeof revokeTokensBody>,
  ): Promise<void> {
    if (userId !== undefined) return this.tokens.revoke(applicationId, { userId });
    if (token !== undefined) return this.tokens.revoke(applicationId, { token });
    if (jti !== undefined) return this.tokens.revoke(applicationId, { jti });
    throw invalidRequest([{ path: '', message: 'exactly one of userId, token and jti is needed' }]);
  }

  @Route('POST', '/v1/realtime/channels/:channel/messages', {
    summary: 'Publish a message to a channel',
    tag,
    access: ['server'],
    audit: 'realtime.publish',
    params: publishParams,
    body: publishBody,
    responses: { 201: { description: 'It has its place in the log.', schema: publishedSchema } },
  })
  async publish(
    @CurrentCaller() { applicationId }: Caller,
    @Param() { channel: name }: z.infer<typeof publishParams>,
    @Body() { event, data }: z.infer<typeof publishBody>,
  ): Promise<z.infer<typeof publishedSchema>> {
    const position = await this.stream.publish({ applicationId, name }, { event, data: JSON.stringify(data) });
    return { id: formatId(position) };
  }

  @Route('POST', '/v1/realtime/tickets', {
    summary: 'Get a ticket for an EventSource; needs a realtime token',
    tag,
    access: 'public',
    cors: true,
    responses: { 201: { description: 'It opens streams for ten minutes.', schema: issuedTicketSchema } },
  })
  async ticket(
    @Req() request: FastifyRequest & Partial<AuthenticatedRequest>,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<z.infer<typeof issuedTicketSchema>> {
    const grant = await this.access.admit(request, { token: bearerOf(authorization) });
    const { ticket, expiresAt } = await this.tokens.ticketFor(grant);
    return { ticket, expiresAt: expiresAt.toISOString() };
  }
}
