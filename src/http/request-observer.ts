import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Histogram } from 'prom-client';
import { CONFIG, type Config } from '../config/config.js';
import { Metrics } from './metrics.js';

const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Counts and times every request by its route as declared: paths hold ids of users and devices, and queries hold more. */
@Injectable()
export class RequestObserver implements OnModuleInit {
  private readonly logger = new Logger('http');

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    const durations = new Histogram({
      name: 'carillon_http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: BUCKETS_SECONDS,
      registers: [this.metrics.registry],
    });
    const isLogged = ['debug', 'trace'].includes(this.config.LOG_LEVEL);
    const instance = this.adapterHost.httpAdapter.getInstance<FastifyInstance>();
    instance.addHook('onResponse', (request, reply, done) => {
      const { method } = request;
      const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
      const status = reply.statusCode;
      durations.observe({ method, route, status }, reply.elapsedTime / 1_000);
      if (!isLogged) return done();
      const durationMs = Math.round(reply.elapsedTime);
      this.logger.debug({ event: 'http.request', requestId: request.id, method, route, status, durationMs });
      done();
    });
  }
}
