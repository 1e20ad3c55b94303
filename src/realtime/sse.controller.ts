import { Controller, Headers, Inject, Logger, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { AuthenticatedRequest } from '../applications/caller.guard.js';
import { Cors } from '../applications/cors.js';
import { Route } from '../http/route.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { Connections, type Place } from './connections.js';
import type { Grant } from './grant.js';
import { Hub } from './hub.js';
import { eventsHeaders, eventsQuery } from './realtime.dto.js';
import { bearerOf, type Credentials, RealtimeAccess } from './realtime-access.js';
import { SseConnection } from './sse-connection.js';
import { RealtimeStream } from './stream.js';

/** Server-sent events. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
@Controller()
export class SseController {
  private readonly logger = new Logger('realtime');

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly cors: Cors,
    private readonly access: RealtimeAccess,
    private readonly connections: Connections,
    private readonly hub: Hub,
    private readonly stream: RealtimeStream,
  ) {}

  @Route('GET', '/v1/realtime/events', {
    summary: 'Follow channels as server-sent events; needs a realtime token or a ticket',
    tag: 'Realtime',
    access: 'public',
    cors: true,
    query: eventsQuery,
    headers: eventsHeaders,
    responses: {
      200: { description: '`text/event-stream`; the id of an event is the cursor for Last-Event-ID.' },
      204: { description: 'The ticket has expired: get another one.' },
    },
  })
  async events(
    @Req() request: FastifyRequest & Partial<AuthenticatedRequest>,
    @Res() reply: FastifyReply,
    @Query() { channels, ticket, after }: z.infer<typeof eventsQuery>,
    @Headers() headers: z.infer<typeof eventsHeaders>,
  ): Promise<void> {
    const credentials = { token: bearerOf(request.headers.authorization), ticket };
    const grant = await this.admit(request, credentials, channels);
    if (grant === undefined) {
      reply.status(204).header('cache-control', 'no-store').send();
      return;
    }
    // Fastify serves HEAD wherever it serves GET; there is no stream to follow then.
    if (request.method === 'HEAD') {
      reply.type('text/event-stream').header('cache-control', 'no-store').send();
      return;
    }
    const corsHeaders = request.headers.origin === undefined ? {} : await this.cors.headersFor(request);
    if (reply.raw.destroyed) {
      reply.hijack();
      return;
    }
    const connection = new SseConnection(grant, reply.raw, this.hub, this.stream);
    let place: Place;
    try {
      place = this.connections.add(connection, request.ip);
    } catch (error) {
      connection.end();
      throw error;
    }
    // Whatever ends it, on either side or between them, ends with this.
    reply.raw.once('close', () => {
      place.giveBack();
      connection.end();
    });
    reply.raw.on('error', (error) => this.logger.debug({ event: 'realtime.stream_broken', err: error }));
    reply.hijack();
    const common = { ...corsHeaders, 'x-request-id': request.id, 'x-content-type-options': 'nosniff' };
    connection.start(common, channels, headers['last-event-id'] ?? after ?? new Map(), this.clock.now());
    // A stream lives for hours and needs nothing of this again, its token least of all.
    request.raw.headers = {};
    request.raw.rawHeaders = [];
    request.query = undefined;
  }

  /** @returns undefined when a ticket has expired: an `EventSource` stops at 204, and would try a refusal's like for ever */
  private async admit(
    request: FastifyRequest,
    credentials: Credentials,
    channels: readonly string[],
  ): Promise<Grant | undefined> {
    try {
      return await this.access.admit(request, credentials, channels);
    } catch (error) {
      const isExpiredTicket =
        credentials.token === undefined && error instanceof DomainError && error.code === 'realtime_token_expired';
      if (isExpiredTicket) return undefined;
      throw error;
    }
  }
}
