import { Body, Controller, Headers, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { AuthenticatedRequest } from '../applications/caller.guard.js';
import { Route } from '../http/route.js';
import { Acknowledgements } from './acknowledgements.js';
import { acknowledgedSchema, acknowledgementBody } from './realtime.dto.js';
import { bearerOf, RealtimeAccess } from './realtime-access.js';

@Controller()
export class AcknowledgementsController {
  constructor(
    private readonly access: RealtimeAccess,
    private readonly acknowledgements: Acknowledgements,
  ) {}

  @Route('POST', '/v1/realtime/acknowledgements', {
    summary: 'Say that notifications were shown on an open screen; needs a realtime token',
    tag: 'Realtime',
    access: 'public',
    cors: true,
    body: acknowledgementBody,
    responses: {
      200: { description: 'Counted, now or before, and what became of the push.', schema: acknowledgedSchema },
    },
  })
  async acknowledge(
    @Req() request: FastifyRequest & Partial<AuthenticatedRequest>,
    @Headers('authorization') authorization: string | undefined,
    @Body() notificationIds: z.infer<typeof acknowledgementBody>,
  ): Promise<z.infer<typeof acknowledgedSchema>> {
    const grant = await this.access.admit(request, { token: bearerOf(authorization) });
    return this.acknowledgements.acknowledge(grant, notificationIds);
  }
}
