import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RouteSpec } from '../http/route.js';
import { RouteTable } from '../http/route-table.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { ApplicationsService } from './applications.service.js';
import type { AuthenticatedRequest } from './caller.guard.js';

/** Milliseconds for which the origins of all applications are remembered. */
const ORIGINS_CACHE_MS = 2_000;
const PREFLIGHT_MAX_AGE_SECONDS = 600;
const ALLOWED_HEADERS = 'authorization, content-type, idempotency-key, last-event-id, x-device-secret, x-request-id';
const EXPOSED_HEADERS = 'x-request-id, retry-after, x-cursor';

/**
 * Lets pages of an application's exact origins call what client keys may call, and nothing else. A preflight carries no
 * key, so it passes when any application lists the origin; the answer itself is readable only when the key's own does.
 */
@Injectable()
export class Cors implements OnModuleInit {
  private origins: { of: Promise<ReadonlySet<string>>; untilMs: number } | undefined;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly adapterHost: HttpAdapterHost,
    private readonly routes: RouteTable,
    private readonly applications: ApplicationsService,
  ) {}

  onModuleInit(): void {
    const instance = this.adapterHost.httpAdapter.getInstance<FastifyInstance>();
    // Requests without an origin, which is what servers send, pass without waiting for anything.
    instance.addHook('onRequest', (request, reply, done) => {
      const method = request.headers['access-control-request-method'];
      if (request.method !== 'OPTIONS' || request.headers.origin === undefined || method === undefined) return done();
      this.isPreflightAllowed(request, method).then((isAllowed) => {
        if (isAllowed) this.answerPreflight(request, reply, method);
        else done();
      }, done);
    });
    instance.addHook('onSend', (request, reply, payload, done) => {
      if (request.headers.origin === undefined || request.method === 'OPTIONS') return done(null, payload);
      this.headersFor(request).then((headers) => {
        reply.headers(headers);
        done(null, payload);
      }, done);
    });
  }

  /** The headers that an answer to this request needs; for those who write to the socket themselves. */
  async headersFor(request: FastifyRequest & Partial<AuthenticatedRequest>): Promise<Record<string, string>> {
    const route = this.routeAt(request, request.method);
    if (!route) return {};
    const { origin = '' } = request.headers;
    const isAllowed = request.corsOrigins
      ? request.corsOrigins.includes(origin)
      : route.access === 'public' && (await this.allOrigins()).has(origin);
    if (!isAllowed) return { vary: 'Origin' };
    return { vary: 'Origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED_HEADERS };
  }

  private async isPreflightAllowed(request: FastifyRequest, method: string): Promise<boolean> {
    return this.routeAt(request, method) !== undefined && (await this.allOrigins()).has(request.headers.origin ?? '');
  }

  private answerPreflight(request: FastifyRequest, reply: FastifyReply, method: string): FastifyReply {
    return reply
      .status(204)
      .headers({
        vary: 'Origin, Access-Control-Request-Method',
        'access-control-allow-origin': request.headers.origin ?? '',
        'access-control-allow-methods': method,
        'access-control-allow-headers': ALLOWED_HEADERS,
        'access-control-max-age': String(PREFLIGHT_MAX_AGE_SECONDS),
      })
      .send();
  }

  private routeAt(request: FastifyRequest, method: string): RouteSpec | undefined {
    const path = request.url.split('?', 1)[0] ?? '';
    const spec = this.routes.at(path).find((route) => route.method === method)?.spec;
    return spec && (spec.access === 'public' ? spec.cors : spec.access.includes('client')) ? spec : undefined;
  }

  private allOrigins(): Promise<ReadonlySet<string>> {
    const nowMs = this.clock.monotonicMs();
    if (!this.origins || this.origins.untilMs <= nowMs) {
      const of = this.applications.corsOrigins();
      this.origins = { of, untilMs: nowMs + ORIGINS_CACHE_MS };
      of.catch(() => {
        this.origins = undefined;
      });
    }
    return this.origins.of;
  }
}
