import { Body, Controller, Headers, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import type { AudienceSize } from '../devices/audience-size.js';
import { Route } from '../http/route.js';
import { type Accepted, acceptedSchema, acceptHeaders, notificationParams } from './notifications.dto.js';
import { audienceBody, audienceSizeSchema, retryFailedBody, timelineSchema } from './operations.dto.js';
import { OperationsService } from './operations.service.js';

const TAG = 'Notifications';
const access = ['server'] as const;
const byId = { tag: TAG, access, params: notificationParams };

/** What somebody in charge asks of a notification, and does about it. */
@Controller()
export class OperationsController {
  constructor(private readonly operations: OperationsService) {}

  @Route('POST', '/v1/notifications/audience', {
    summary: 'Measure an audience before sending to it',
    tag: TAG,
    access,
    console: 'viewer',
    body: audienceBody,
    responses: { 200: { description: 'Its active devices at this moment', schema: audienceSizeSchema } },
  })
  measure(@CurrentCaller() caller: Caller, @Body() { audience }: z.infer<typeof audienceBody>): Promise<AudienceSize> {
    return this.operations.audienceSize(caller.applicationId, audience);
  }

  @Route('POST', '/v1/notifications/:id/retry-failed', {
    ...byId,
    summary: 'Send it again to those whom it failed to reach',
    audit: 'notification.retry_failed',
    headers: acceptHeaders,
    body: retryFailedBody,
    responses: { 202: { description: 'A new notification with the same content', schema: acceptedSchema } },
  })
  async retryFailed(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof notificationParams>,
    @Headers('idempotency-key') key: string | undefined,
    @Body() body: z.infer<typeof retryFailedBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Accepted> {
    const { accepted, isReplay } = await this.operations.retryFailed(caller.applicationId, id, body?.codes, key);
    if (isReplay) reply.header('Idempotent-Replayed', 'true');
    return accepted;
  }

  @Route('GET', '/v1/notifications/:id/timeline', {
    ...byId,
    summary: 'Tell what happened to a notification as a whole',
    responses: { 200: { description: 'In order', schema: timelineSchema } },
  })
  async timeline(@CurrentCaller() caller: Caller, @Param() { id }: z.infer<typeof notificationParams>) {
    return { items: await this.operations.course(caller.applicationId, id) };
  }
}
