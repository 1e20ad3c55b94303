import { Controller, Headers, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../lib/errors.js';
import { Metrics } from './metrics.js';
import { mayReadMetrics } from './metrics-token.js';
import { Readiness } from './readiness.js';
import { Route } from './route.js';

const statusSchema = z.object({ status: z.string() });
const readinessSchema = z.object({
  status: z.string(),
  missing: z.record(z.string(), z.string()),
  others: z.record(z.string(), z.string()).optional(),
});

/** What orchestrators and Prometheus ask, in every role. */
@Controller()
export class HealthController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly readiness: Readiness,
    private readonly metrics: Metrics,
  ) {}

  @Route('GET', '/livez', {
    summary: 'The process runs',
    tag: 'Health',
    access: 'public',
    responses: { 200: { description: 'It does.', schema: statusSchema } },
  })
  live(): z.infer<typeof statusSchema> {
    return { status: 'ok' };
  }

  @Route('GET', '/readyz', {
    summary: 'Whether the process should get work, and what is missing',
    tag: 'Health',
    access: 'public',
    responses: {
      200: {
        description: 'Ready. `others` names processes that share the port and are not, and what they lack.',
        schema: readinessSchema,
      },
      503: { description: 'Not ready; `missing` names what.', schema: readinessSchema },
    },
  })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<z.infer<typeof readinessSchema>> {
    const { missing, others } = await this.readiness.whole();
    const isReady = Object.keys(missing).length === 0;
    reply.status(isReady ? 200 : 503).header('cache-control', 'no-store');
    const isAlone = Object.keys(others).length === 0;
    return { status: isReady ? 'ok' : 'not_ready', missing, ...(!isAlone && { others }) };
  }

  @Route('GET', '/metrics', {
    summary: 'Prometheus metrics; with METRICS_TOKEN set, that bearer is needed',
    tag: 'Health',
    access: 'public',
    responses: { 200: { description: 'The text exposition format.' } },
  })
  async expose(
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    if (!mayReadMetrics(this.config, authorization)) {
      throw new DomainError('unauthorized', 'unauthorized', 'The metrics token is needed.');
    }
    reply.type(this.metrics.contentType);
    return this.metrics.expose();
  }
}
