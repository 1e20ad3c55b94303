import { Body, Controller, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { decodeCursor, makePage, type Page, pageOf } from '../http/pagination.js';
import { Route } from '../http/route.js';
import type { Application } from './application.js';
import {
  applicationParams,
  applicationSchema,
  createApplicationBody,
  listQuery,
  updateApplicationBody,
} from './applications.dto.js';
import { ApplicationsService } from './applications.service.js';
import { type Caller, CurrentCaller } from './caller.js';

const TAG = 'Applications';
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const cursorSchema = z.tuple([z.uuid()]);

@Controller()
export class ApplicationsController {
  constructor(private readonly applications: ApplicationsService) {}

  @Route('POST', '/v1/applications', {
    summary: 'Make an application',
    tag: TAG,
    access: ['admin'],
    body: createApplicationBody,
    responses: { 201: { description: 'Made.', schema: applicationSchema } },
  })
  create(@CurrentCaller() caller: Caller, @Body() body: z.infer<typeof createApplicationBody>): Promise<Application> {
    return this.applications.create(caller, body);
  }

  @Route('GET', '/v1/applications', {
    summary: 'List applications',
    tag: TAG,
    access: ['admin'],
    query: listQuery,
    responses: { 200: { description: 'In the order of creation.', schema: pageOf(applicationSchema) } },
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Query() { cursor, limit }: z.infer<typeof listQuery>,
  ): Promise<Page<Application>> {
    const [afterId] = cursor ? decodeCursor(cursor, cursorSchema) : [NIL_UUID];
    const rows = await this.applications.list(caller, afterId, limit + 1);
    return makePage(
      rows,
      limit,
      ({ id }) => [id],
      (row) => row,
    );
  }

  @Route('GET', '/v1/applications/:id', {
    summary: 'Read an application',
    tag: TAG,
    access: ['admin'],
    params: applicationParams,
    responses: { 200: { description: 'The application.', schema: applicationSchema } },
  })
  read(@CurrentCaller() caller: Caller, @Param() { id }: z.infer<typeof applicationParams>): Promise<Application> {
    return this.applications.administer(caller, id);
  }

  @Route('PATCH', '/v1/applications/:id', {
    summary: 'Change the settings of an application',
    tag: TAG,
    access: ['admin'],
    params: applicationParams,
    body: updateApplicationBody,
    responses: { 200: { description: 'As it is now.', schema: applicationSchema } },
  })
  update(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof applicationParams>,
    @Body() body: z.infer<typeof updateApplicationBody>,
  ): Promise<Application> {
    return this.applications.update(caller, id, body);
  }

  @Route('DELETE', '/v1/applications/:id', {
    summary: 'Remove an application with its keys, credentials and devices',
    tag: TAG,
    access: ['admin'],
    params: applicationParams,
    responses: { 204: { description: 'Removed.' } },
  })
  delete(@CurrentCaller() caller: Caller, @Param() { id }: z.infer<typeof applicationParams>): Promise<void> {
    return this.applications.delete(caller, id);
  }
}
