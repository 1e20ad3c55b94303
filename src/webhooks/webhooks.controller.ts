import { Body, Controller, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { decodeCursor, makePage, type Page, pageOf } from '../http/pagination.js';
import { Route } from '../http/route.js';
import { HistoryService } from './history.service.js';
import type { Webhook, WebhookAttempt } from './webhook.js';
import {
  attemptSchema,
  attemptsQuery,
  createWebhookBody,
  listWebhooksQuery,
  replayBody,
  replayedSchema,
  testedSchema,
  updateWebhookBody,
  webhookParams,
  webhookSchema,
  webhookWithSecretSchema,
} from './webhooks.dto.js';
import { WebhooksService, type WithSecret } from './webhooks.service.js';

const TAG = 'Webhooks';
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const idCursor = z.tuple([z.uuid()]);
const rowCursor = z.tuple([z.number().int().positive()]);

type Shown<T extends Webhook> = Omit<T, 'applicationId'>;
type Params = z.infer<typeof webhookParams>;

@Controller()
export class WebhooksController {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly history: HistoryService,
  ) {}

  @Route('POST', '/v1/webhooks', {
    summary: 'Have events sent to a URL; the secret is shown this once',
    tag: TAG,
    access: ['server'],
    console: 'owner',
    body: createWebhookBody,
    responses: { 201: { description: 'Made.', schema: webhookWithSecretSchema } },
  })
  async create(@CurrentCaller() caller: Caller, @Body() body: z.infer<typeof createWebhookBody>) {
    return shown<WithSecret>(await this.webhooks.create(caller, body));
  }

  @Route('GET', '/v1/webhooks', {
    summary: 'List webhooks',
    tag: TAG,
    access: ['server'],
    query: listWebhooksQuery,
    responses: { 200: { description: 'In the order of creation.', schema: pageOf(webhookSchema) } },
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Query() { cursor, limit }: z.infer<typeof listWebhooksQuery>,
  ): Promise<Page<Shown<Webhook>>> {
    const [afterId] = cursor ? decodeCursor(cursor, idCursor) : [NIL_UUID];
    const rows = await this.webhooks.list(caller.applicationId, afterId, limit + 1);
    return makePage(rows, limit, ({ id }) => [id], shown);
  }

  @Route('GET', '/v1/webhooks/:id', {
    summary: 'Read a webhook',
    tag: TAG,
    access: ['server'],
    params: webhookParams,
    responses: { 200: { description: 'The webhook, without its secret.', schema: webhookSchema } },
  })
  async read(@CurrentCaller() caller: Caller, @Param() { id }: Params): Promise<Shown<Webhook>> {
    return shown(await this.webhooks.get(caller.applicationId, id));
  }

  @Route('PATCH', '/v1/webhooks/:id', {
    summary: 'Change a webhook, disable or enable it',
    tag: TAG,
    access: ['server'],
    params: webhookParams,
    body: updateWebhookBody,
    responses: { 200: { description: 'As it is now.', schema: webhookSchema } },
  })
  async update(
    @CurrentCaller() caller: Caller,
    @Param() { id }: Params,
    @Body() body: z.infer<typeof updateWebhookBody>,
  ): Promise<Shown<Webhook>> {
    return shown(await this.webhooks.update(caller, id, body));
  }

  @Route('DELETE', '/v1/webhooks/:id', {
    summary: 'Remove a webhook with everything it is still owed',
    tag: TAG,
    access: ['server'],
    params: webhookParams,
    responses: { 204: { description: 'Removed.' } },
  })
  delete(@CurrentCaller() caller: Caller, @Param() { id }: Params): Promise<void> {
    return this.history.delete(caller, id);
  }

  @Route('POST', '/v1/webhooks/:id/rotate-secret', {
    summary: 'Give a webhook a new secret; for 24 hours the old one signs beside it',
    tag: TAG,
    access: ['server'],
    console: 'owner',
    params: webhookParams,
    responses: { 200: { description: 'With the new secret, this once.', schema: webhookWithSecretSchema } },
  })
  async rotateSecret(@CurrentCaller() caller: Caller, @Param() { id }: Params) {
    return shown<WithSecret>(await this.webhooks.rotateSecret(caller, id));
  }

  @Route('GET', '/v1/webhooks/:id/attempts', {
    summary: 'List the calls of a webhook in the last 30 days',
    tag: TAG,
    access: ['server'],
    params: webhookParams,
    query: attemptsQuery,
    responses: { 200: { description: 'Newest first.', schema: pageOf(attemptSchema) } },
  })
  async attempts(
    @CurrentCaller() caller: Caller,
    @Param() { id }: Params,
    @Query() { cursor, limit }: z.infer<typeof attemptsQuery>,
  ): Promise<Page<Omit<WebhookAttempt, 'id'>>> {
    const [beforeId] = cursor ? decodeCursor(cursor, rowCursor) : [Number.MAX_SAFE_INTEGER];
    const rows = await this.history.attempts(caller.applicationId, id, beforeId, limit + 1);
    return makePage(
      rows,
      limit,
      (row) => [row.id],
      ({ id: _, ...attempt }) => attempt,
    );
  }

  @Route('POST', '/v1/webhooks/:id/replay', {
    summary: 'Send an event, or those of a time range, again',
    tag: TAG,
    access: ['server'],
    audit: 'webhook.replay',
    params: webhookParams,
    body: replayBody,
    responses: { 202: { description: 'They are due; with the same `webhook-id` as before.', schema: replayedSchema } },
  })
  async replay(
    @CurrentCaller() caller: Caller,
    @Param() { id }: Params,
    @Body() body: z.infer<typeof replayBody>,
  ): Promise<{ replayed: number }> {
    return { replayed: await this.history.replay(caller.applicationId, id, body) };
  }

  @Route('POST', '/v1/webhooks/:id/test', {
    summary: 'Send a `webhook.test` event, once',
    tag: TAG,
    access: ['server'],
    audit: 'webhook.test',
    params: webhookParams,
    responses: { 202: { description: 'It is due; the attempts show what came of it.', schema: testedSchema } },
  })
  async test(@CurrentCaller() caller: Caller, @Param() { id }: Params): Promise<{ eventId: string }> {
    return { eventId: await this.history.test(caller.applicationId, id) };
  }
}

function shown<T extends Webhook>({ applicationId: _, ...rest }: T): Shown<T> {
  return rest;
}
