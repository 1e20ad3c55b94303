import { Body, Controller, Headers, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { actorOf, type Caller, CurrentCaller } from '../applications/caller.js';
import { decodeCursor, encodeCursor, makePage, type Page, pageOf } from '../http/pagination.js';
import { Route } from '../http/route.js';
import { uuidV7Floor } from '../lib/ids.js';
import { AcceptService } from './accept.service.js';
import { summaryOf } from './notification-view.js';
import {
  type Accepted,
  acceptedSchema,
  acceptHeaders,
  listQuery,
  type NotificationSummary,
  type NotificationView,
  notificationBody,
  notificationParams,
  notificationSummarySchema,
  notificationViewSchema,
  previewBody,
  previewSchema,
} from './notifications.dto.js';
import { NotificationsService } from './notifications.service.js';

const TAG = 'Notifications';
const access = ['server'] as const;
const byId = { tag: TAG, access, params: notificationParams };
const viewed = { 200: { description: 'The notification as it is now', schema: notificationViewSchema } };
const cursorSchema = z.tuple([z.uuid()]);

@Controller()
export class NotificationsController {
  constructor(
    private readonly acceptance: AcceptService,
    private readonly notifications: NotificationsService,
  ) {}

  @Route('POST', '/v1/notifications', {
    summary: 'Accept a notification',
    tag: TAG,
    access,
    audit: 'notification.send',
    headers: acceptHeaders,
    body: notificationBody,
    responses: {
      202: { description: 'Stored: it will go out, or be on record with a reason', schema: acceptedSchema },
    },
  })
  async accept(
    @CurrentCaller() caller: Caller,
    @Headers('idempotency-key') key: string | undefined,
    @Body() body: z.infer<typeof notificationBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Accepted> {
    const { accepted, isReplay } = await this.acceptance.accept(caller.applicationId, body, key);
    if (isReplay) reply.header('Idempotent-Replayed', 'true');
    return accepted;
  }

  @Route('POST', '/v1/notifications/preview', {
    summary: 'Show the exact request for each provider',
    tag: TAG,
    access,
    console: 'viewer',
    body: previewBody,
    responses: {
      200: { description: 'Headers and body without secrets; nothing is sent or stored', schema: previewSchema },
    },
  })
  preview(@CurrentCaller() caller: Caller, @Body() body: z.infer<typeof previewBody>) {
    return this.acceptance.preview(caller.applicationId, { audience: { all: true }, ...body });
  }

  @Route('GET', '/v1/notifications', {
    summary: 'List notifications, newest first',
    tag: TAG,
    access,
    query: listQuery,
    responses: {
      200: {
        description: 'One page. It may be short or empty and still have a next one.',
        schema: pageOf(notificationSummarySchema),
      },
    },
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Query() query: z.infer<typeof listQuery>,
  ): Promise<Page<NotificationSummary>> {
    const filter = {
      status: query.status,
      lane: query.lane,
      text: query.text,
      fromId: query.from && uuidV7Floor(new Date(query.from)),
      toId: query.to && uuidV7Floor(new Date(query.to)),
      beforeId: query.cursor && decodeCursor(query.cursor, cursorSchema)[0],
    };
    const { rows, next } = await this.notifications.list(caller.applicationId, filter, query.limit + 1);
    const page = makePage(rows, query.limit, (row) => [row.id], summaryOf);
    return next === undefined ? page : { ...page, nextCursor: encodeCursor([next]) };
  }

  @Route('GET', '/v1/notifications/:id', { ...byId, summary: 'Read a notification', responses: viewed })
  get(@CurrentCaller() caller: Caller, @Param() { id }: z.infer<typeof notificationParams>): Promise<NotificationView> {
    return this.notifications.view(caller.applicationId, id);
  }

  @Route('POST', '/v1/notifications/:id/cancel', {
    ...byId,
    audit: 'notification.cancel',
    summary: 'End what is not sent yet',
    responses: viewed,
  })
  async cancel(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof notificationParams>,
  ): Promise<NotificationView> {
    await this.notifications.cancel(caller.applicationId, id, actorOf(caller));
    return this.notifications.view(caller.applicationId, id);
  }

  @Route('POST', '/v1/notifications/:id/pause', {
    ...byId,
    audit: 'notification.pause',
    summary: 'Hold back what is not sent yet; its TTL runs on',
    responses: viewed,
  })
  async pause(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof notificationParams>,
  ): Promise<NotificationView> {
    await this.notifications.pause(caller.applicationId, id, actorOf(caller));
    return this.notifications.view(caller.applicationId, id);
  }

  @Route('POST', '/v1/notifications/:id/resume', {
    ...byId,
    audit: 'notification.resume',
    summary: 'Go on after a pause',
    responses: viewed,
  })
  async resume(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof notificationParams>,
  ): Promise<NotificationView> {
    await this.notifications.resume(caller.applicationId, id, actorOf(caller));
    return this.notifications.view(caller.applicationId, id);
  }
}
