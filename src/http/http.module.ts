import { Module } from '@nestjs/common';
import { APP_FILTER, DiscoveryModule } from '@nestjs/core';
import { BaseReadiness } from './base-readiness.js';
import { ErrorFilter } from './error.filter.js';
import { HealthController } from './health.controller.js';
import { Metrics } from './metrics.js';
import { Readiness } from './readiness.js';
import { RequestObserver } from './request-observer.js';
import { RouteTable } from './route-table.js';

/**
 * What every role serves: health, metrics and readable errors.
 *
 * To add an operation: write a `@Controller()` without a path, declare each method with `@Route(method, path, spec)`,
 * read the parsed parts with Nest's `@Param()`, `@Query()`, `@Headers()` and `@Body()` and the caller with
 * `@CurrentCaller()`, throw `DomainError` for what cannot be done, and put the class into `api.module.ts`.
 * The OpenAPI document, 405, CORS for client keys, validation and access follow from the declaration.
 */
@Module({
  imports: [DiscoveryModule],
  controllers: [HealthController],
  providers: [
    Readiness,
    BaseReadiness,
    Metrics,
    RequestObserver,
    RouteTable,
    { provide: APP_FILTER, useClass: ErrorFilter },
  ],
  exports: [Readiness, Metrics, RouteTable],
})
export class HttpModule {}
