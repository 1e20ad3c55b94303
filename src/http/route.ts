import { applyDecorators, HttpCode, RequestMapping, RequestMethod, SetMetadata } from '@nestjs/common';
import type { z } from 'zod';

export const ROLES = ['client', 'server', 'admin'] as const;
/** What an API key may do: `client` ships in an app and is public by nature, `server` is a backend's, `admin` configures. */
export type Role = (typeof ROLES)[number];

export const ACCOUNT_ROLES = ['viewer', 'operator', 'owner'] as const;
/** What a person may do in the console: look, operate what is there, or change everything. Each may what those before may. */
export type AccountRole = (typeof ACCOUNT_ROLES)[number];

/** One HTTP operation. The same schemas validate the request and describe it in `/openapi.json`. */
export interface RouteSpec {
  summary: string;
  tag: string;
  /**
   * Which keys may call; an admin key may call every `server` route with `?applicationId=`. Empty: no key, only who is
   * signed in to the console.
   */
  access: readonly Role[] | 'public';
  /**
   * The least role with which people who are signed in to the console may call what `server` or `admin` keys may; `none`:
   * nobody. Default: `viewer` to read, `operator` to change what `server` keys may change, else `owner`.
   */
  console?: AccountRole | 'none';
  /** Action in the audit log when somebody did this in the console; for operations that do not write there themselves. */
  audit?: string;
  /** A public operation that pages of an application's `corsOrigins` may call; those open to client keys always are. */
  cors?: true;
  params?: z.ZodObject;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** Default `application/json`. Other types reach the handler as they are and are not validated. */
  bodyMediaType?: string;
  /** The success answer; the first status is the default one. */
  responses: Readonly<Record<number, { description: string; schema?: z.ZodType }>>;
}

export const ROUTE_METADATA = 'carillon:route';

/** The least account role for an operation; undefined: it takes keys alone, or is for everybody. */
export function consoleRoleOf(method: string, { access, console }: RouteSpec): AccountRole | undefined {
  if (access === 'public' || console === 'none') return undefined;
  if (console !== undefined) return console;
  const isForServers = access.includes('server');
  if (!isForServers && !access.includes('admin')) return undefined;
  if (method === 'GET' || method === 'HEAD') return 'viewer';
  return isForServers ? 'operator' : 'owner';
}

/**
 * Declares an operation: `@Route('POST', '/v1/devices', { … })`.
 *
 * Before the handler runs, the caller is authenticated and `params`, `query`, `headers` and `body` are replaced by what
 * their schemas parsed to; use strict objects, so that unknown fields are refused by name.
 */
export function Route(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, spec: RouteSpec) {
  const status = Number(Object.keys(spec.responses)[0] ?? 200);
  return applyDecorators(
    SetMetadata(ROUTE_METADATA, spec),
    RequestMapping({ method: RequestMethod[method], path }),
    HttpCode(status),
  );
}
