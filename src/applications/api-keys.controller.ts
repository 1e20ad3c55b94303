import { Body, Controller, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { decodeCursor, makePage, type Page, pageOf } from '../http/pagination.js';
import { Route } from '../http/route.js';
import type { ApiKey } from './api-key.js';
import { ApiKeysService } from './api-keys.service.js';
import {
  apiKeyParams,
  apiKeySchema,
  applicationParams,
  createApiKeyBody,
  createdApiKeySchema,
  listQuery,
} from './applications.dto.js';
import { ApplicationsService } from './applications.service.js';
import { type Caller, CurrentCaller } from './caller.js';

const TAG = 'API keys';
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const cursorSchema = z.tuple([z.uuid()]);

type ShownKey = Omit<ApiKey, 'applicationId'>;

@Controller()
export class ApiKeysController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly keys: ApiKeysService,
  ) {}

  @Route('POST', '/v1/applications/:id/keys', {
    summary: 'Make an API key; it is shown this once',
    tag: TAG,
    access: ['admin'],
    params: applicationParams,
    body: createApiKeyBody,
    responses: { 201: { description: 'Made.', schema: createdApiKeySchema } },
  })
  async create(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof applicationParams>,
    @Body() body: z.infer<typeof createApiKeyBody>,
  ): Promise<ShownKey & { key: string }> {
    await this.applications.administer(caller, id);
    const { record, key } = await this.keys.create(caller, id, body);
    return { ...shown(record), key };
  }

  @Route('GET', '/v1/applications/:id/keys', {
    summary: 'List API keys, without the keys themselves',
    tag: TAG,
    access: ['admin'],
    params: applicationParams,
    query: listQuery,
    responses: { 200: { description: 'In the order of creation.', schema: pageOf(apiKeySchema) } },
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof applicationParams>,
    @Query() { cursor, limit }: z.infer<typeof listQuery>,
  ): Promise<Page<ShownKey>> {
    await this.applications.administer(caller, id);
    const [afterId] = cursor ? decodeCursor(cursor, cursorSchema) : [NIL_UUID];
    const rows = await this.keys.list(id, afterId, limit + 1);
    return makePage(rows, limit, (key) => [key.id], shown);
  }

  @Route('DELETE', '/v1/applications/:id/keys/:keyId', {
    summary: 'Revoke an API key; in force within five seconds',
    tag: TAG,
    access: ['admin'],
    params: apiKeyParams,
    responses: { 204: { description: 'Revoked.' } },
  })
  async revoke(@CurrentCaller() caller: Caller, @Param() { id, keyId }: z.infer<typeof apiKeyParams>): Promise<void> {
    await this.applications.administer(caller, id);
    await this.keys.revoke(caller, id, keyId);
  }
}

function shown({ applicationId: _, ...rest }: ApiKey): ShownKey {
  return rest;
}
