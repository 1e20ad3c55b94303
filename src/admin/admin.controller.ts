import { Controller, Param, Query } from '@nestjs/common';
import type { z } from 'zod';
import { ApplicationsService } from '../applications/applications.service.js';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { Route } from '../http/route.js';
import { DomainError } from '../lib/errors.js';
import { statsParams, statsQuery, statsSchema, systemSchema } from './admin.dto.js';
import { queuesSchema } from './queues.dto.js';
import { QueuesService, type QueuesState } from './queues.service.js';
import { type Stats, StatsService } from './stats.service.js';
import { SystemService, type SystemState } from './system.service.js';

const TAG = 'Administration';

/** What happened, and how things stand. */
@Controller()
export class AdminController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly stats: StatsService,
    private readonly system: SystemService,
    private readonly queues: QueuesService,
  ) {}

  @Route('GET', '/v1/applications/:id/stats', {
    summary: 'Count the provider calls of an application over time',
    tag: TAG,
    access: ['admin'],
    params: statsParams,
    query: statsQuery,
    responses: { 200: { description: 'By outcome, code and provider, with latencies.', schema: statsSchema } },
  })
  async readStats(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof statsParams>,
    @Query() query: z.infer<typeof statsQuery>,
  ): Promise<Stats> {
    await this.applications.administer(caller, id);
    return this.stats.read(id, query);
  }

  @Route('GET', '/v1/system', {
    summary: 'Show what waits, what is held back and who works',
    tag: TAG,
    access: ['admin'],
    responses: { 200: { description: 'At this moment.', schema: systemSchema } },
  })
  readSystem(@CurrentCaller() caller: Caller): Promise<SystemState> {
    checkInstallation(caller);
    return this.system.read();
  }

  @Route('GET', '/v1/system/queues', {
    summary: 'Show what lies on the queues between Postgres and the workers',
    tag: TAG,
    access: ['admin'],
    responses: { 200: { description: 'At this moment.', schema: queuesSchema } },
  })
  readQueues(@CurrentCaller() caller: Caller): Promise<QueuesState> {
    checkInstallation(caller);
    return this.queues.read();
  }
}

function checkInstallation({ applicationId }: Caller): void {
  if (applicationId === '') return;
  throw new DomainError('forbidden', 'wrong_application', 'An admin of one application cannot see the installation.');
}
