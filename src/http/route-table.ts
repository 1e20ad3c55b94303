import { Injectable, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { ROUTE_METADATA, type RouteSpec } from './route.js';

/** One operation that this process serves. */
export interface ServedRoute {
  method: string;
  /** As declared: `/v1/devices/:id`. */
  path: string;
  spec: RouteSpec;
}

/** Everything that was declared with `@Route` in this process, for OpenAPI, CORS and 405. */
@Injectable()
export class RouteTable {
  private known: readonly (ServedRoute & { pattern: RegExp })[] | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  all(): readonly ServedRoute[] {
    return this.entries();
  }

  /** The operations at a request's path, whatever their method. */
  at(requestPath: string): readonly ServedRoute[] {
    return this.entries().filter(({ pattern }) => pattern.test(requestPath));
  }

  private entries(): readonly (ServedRoute & { pattern: RegExp })[] {
    this.known ??= this.discovery.getControllers().flatMap(({ metatype }) => {
      const prototype: object | undefined = metatype?.prototype;
      return prototype === undefined ? [] : this.routesOf(prototype);
    });
    return this.known;
  }

  private routesOf(prototype: object): (ServedRoute & { pattern: RegExp })[] {
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const handler: unknown = Reflect.get(prototype, name);
      if (typeof handler !== 'function') return [];
      const spec: RouteSpec | undefined = Reflect.getMetadata(ROUTE_METADATA, handler);
      if (!spec) return [];
      const path: string = Reflect.getMetadata(PATH_METADATA, handler);
      const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler)] ?? 'GET';
      return [{ method, path, spec, pattern: patternOf(path) }];
    });
  }
}

function patternOf(path: string): RegExp {
  const segments = path
    .split('/')
    .map((segment) =>
      /^[:*]/.test(segment) ? (segment.startsWith('*') ? '.+' : '[^/]+') : segment.replaceAll('.', '\\.'),
    );
  return new RegExp(`^${segments.join('/')}$`);
}
