import { Controller, Param } from '@nestjs/common';
import type { z } from 'zod';
import { ApplicationsService } from '../applications/applications.service.js';
import { type Caller, CurrentCaller } from '../applications/caller.js';
import { Route } from '../http/route.js';
import { type Overview, overviewParams, overviewSchema, overviewStreamSchema } from './overview.dto.js';
import { OverviewService } from './overview.service.js';
import { OverviewPublisher } from './overview-publisher.js';

const TAG = 'Administration';

/** Is it working now? */
@Controller()
export class OverviewController {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly overview: OverviewService,
    private readonly publisher: OverviewPublisher,
  ) {}

  @Route('GET', '/v1/applications/:id/overview', {
    summary: 'Show whether an application works, and what stands in its way',
    tag: TAG,
    access: ['admin'],
    params: overviewParams,
    responses: { 200: { description: 'The last hour, and this moment.', schema: overviewSchema } },
  })
  async read(@CurrentCaller() caller: Caller, @Param() { id }: z.infer<typeof overviewParams>): Promise<Overview> {
    await this.applications.administer(caller, id);
    return this.overview.read(id);
  }

  @Route('POST', '/v1/applications/:id/overview/stream', {
    summary: 'Let somebody watch the overview: it comes every second over realtime',
    tag: TAG,
    access: ['admin'],
    console: 'viewer',
    params: overviewParams,
    responses: {
      200: { description: 'The channel carries `overview` messages.', schema: overviewStreamSchema },
    },
  })
  async watch(
    @CurrentCaller() caller: Caller,
    @Param() { id }: z.infer<typeof overviewParams>,
  ): Promise<z.infer<typeof overviewStreamSchema>> {
    await this.applications.administer(caller, id);
    return this.publisher.watch(id);
  }
}
