import { Controller, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { AuthenticatedRequest } from '../applications/caller.guard.js';
import { Route } from '../http/route.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { Connections } from './connections.js';
import { Hub } from './hub.js';
import { LongPoll, type PollResult } from './long-poll.js';
import { polledSchema, pollQuery } from './realtime.dto.js';
import { bearerOf, RealtimeAccess } from './realtime-access.js';
import { refused } from './realtime-tokens.service.js';
import { RealtimeStream } from './stream.js';

/** Up to a tenth of the wait is left out by chance, so that clients that began together do not all come back together. */
const JITTER = 0.1;

/** Long polling, for clients that can do nothing else. */
@Controller()
export class LongPollController {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly access: RealtimeAccess,
    private readonly connections: Connections,
    private readonly hub: Hub,
    private readonly stream: RealtimeStream,
  ) {}

  @Route('GET', '/v1/realtime/poll', {
    summary: 'Wait for messages of channels; needs a realtime token',
    tag: 'Realtime',
    access: 'public',
    cors: true,
    query: pollQuery,
    responses: {
      200: { description: 'Messages, in the order of each channel.', schema: polledSchema },
      204: { description: 'Nothing came in time; the header `x-cursor` has the cursor for the next poll.' },
    },
  })
  async poll(
    @Req() request: FastifyRequest & Partial<AuthenticatedRequest>,
    @Res() reply: FastifyReply,
    @Query() { channels, after, waitSeconds }: z.infer<typeof pollQuery>,
  ): Promise<void> {
    const grant = await this.access.admit(request, { token: bearerOf(request.headers.authorization) }, channels);
    const poll = new LongPoll(grant, this.hub, this.stream);
    const place = this.connections.add(poll, request.ip);
    const gone = new Promise<undefined>((resolve) => reply.raw.once('close', () => resolve(undefined)));
    try {
      const waitMs = waitSeconds * 1_000 * (1 - Math.random() * JITTER);
      const result = await Promise.race([poll.run(channels, after ?? new Map(), waitMs, this.clock.now()), gone]);
      if (result === undefined) reply.hijack();
      else answer(reply, result);
    } finally {
      place.giveBack();
      poll.end();
    }
  }
}

function answer(reply: FastifyReply, result: PollResult): void {
  if (result.kind === 'closed') {
    const isExpired = result.reason === 'token_expired';
    throw refused(
      isExpired ? 'expired' : 'revoked',
      `The realtime token ${isExpired ? 'has expired' : 'was revoked'}.`,
    );
  }
  reply.headers({ 'cache-control': 'no-store', 'x-cursor': result.cursor });
  if (result.kind === 'nothing') {
    reply.status(204).send();
    return;
  }
  const messages = result.messages.map(({ json }) => json).join(',');
  const body = `{"messages":[${messages}],"cursor":${JSON.stringify(result.cursor)}}`;
  reply.status(200).type('application/json; charset=utf-8').send(body);
}
