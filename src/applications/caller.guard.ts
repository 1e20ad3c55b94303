import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SignedIn } from '../accounts/sessions.service.js';
import { CONFIG, type Config } from '../config/config.js';
import { RateLimiter } from '../http/rate-limit.js';
import { ROUTE_METADATA, type Role, type RouteSpec } from '../http/route.js';
import { invalidRequest, validateRequest } from '../http/validation.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import type { ValidKey } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApplicationsService } from './applications.service.js';
import type { Caller } from './caller.js';
import { ConsoleCallers } from './console-callers.js';
import { takeApplicationId } from './named-application.js';

/** Wrong keys that one address may try at once, and how many more per second. */
const FAILED_AUTH_BURST = 20;
const FAILED_AUTH_PER_SECOND = 1;

/** What the guard leaves on the request. */
export interface AuthenticatedRequest extends FastifyRequest {
  caller: Caller;
  /** Whoever is signed in to the console with this request; undefined with a key. */
  session?: SignedIn;
  /** What the audit log calls this operation, when such a person does it. */
  consoleAction?: string;
  /** Origins whose pages may read the answer: those of the key's application. */
  corsOrigins?: readonly string[];
}

/** Before every handler: who is calling, may they, how often, and is the request what the route declares. */
@Injectable()
export class CallerGuard implements CanActivate {
  private readonly requests: RateLimiter;
  private readonly failures: RateLimiter;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(CLOCK) clock: Clock,
    private readonly reflector: Reflector,
    private readonly keys: ApiKeysService,
    private readonly applications: ApplicationsService,
    private readonly console: ConsoleCallers,
  ) {
    this.requests = new RateLimiter(clock, config.RATE_LIMIT_PER_SECOND);
    this.failures = new RateLimiter(clock, FAILED_AUTH_PER_SECOND, FAILED_AUTH_BURST);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const spec = this.reflector.get<RouteSpec | undefined>(ROUTE_METADATA, context.getHandler());
    if (!spec) throw new Error(`${context.getClass().name}.${context.getHandler().name} is not declared with @Route`);
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (spec.access === 'public') {
      if (spec.tag !== 'Health') this.requests.take(`ip:${request.ip}`);
      validateRequest(spec, request);
      return true;
    }
    const { authorization } = request.headers;
    // Programs bring keys: the cookie is looked at only where there is none.
    if (authorization === undefined) return this.withoutKey(spec, spec.access, request, context);
    const secret = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1];
    const known = secret === undefined ? undefined : this.keys.known(secret);
    // Most requests bring a key that is known by heart, and then nothing has to be waited for.
    if (known === undefined || known.applicationId === null) return this.ask(spec, spec.access, request, secret);
    request.caller = this.admit(known, spec.access, request);
    validateRequest(spec, request);
    return true;
  }

  private async withoutKey(
    spec: RouteSpec,
    access: readonly Role[],
    request: AuthenticatedRequest,
    context: ExecutionContext,
  ): Promise<boolean> {
    const secret = this.console.secretFor(spec, request);
    if (secret === undefined) return this.ask(spec, access, request, undefined);
    const from = `ip:${request.ip}`;
    if (this.failures.isExhausted(from) && !this.console.wasValid(secret)) this.failures.take(from);
    const session = await this.console.recognise(secret);
    if (!session) {
      this.failures.take(from);
      throw sessionMissing();
    }
    this.requests.take(`account:${session.account.id}`);
    // What a person may read stays out of what the browser keeps, and is no other origin's business.
    context.switchToHttp().getResponse<FastifyReply>().header('cache-control', 'no-store');
    request.corsOrigins = [];
    request.session = session;
    request.caller = this.console.admit(session, spec, access, request);
    if (request.caller.applicationId !== '') await this.applications.get(request.caller.applicationId);
    validateRequest(spec, request);
    if (spec.audit !== undefined) request.consoleAction = spec.audit;
    return true;
  }

  private async ask(
    spec: RouteSpec,
    access: readonly Role[],
    request: AuthenticatedRequest,
    secret: string | undefined,
  ): Promise<boolean> {
    if (access.length === 0 && secret === undefined) throw sessionMissing();
    const key = await this.authenticate(request, secret);
    const caller = this.admit(key, access, request);
    if (key.applicationId === null && caller.applicationId !== '') await this.applications.get(caller.applicationId);
    request.caller = caller;
    validateRequest(spec, request);
    return true;
  }

  private async authenticate(request: FastifyRequest, secret: string | undefined): Promise<ValidKey> {
    const from = `ip:${request.ip}`;
    // Keys that were good a while ago never wait for what others at the same address try.
    if (this.failures.isExhausted(from) && !(secret !== undefined && this.keys.wasValid(secret)))
      this.failures.take(from);
    const key = secret === undefined ? undefined : await this.keys.recognise(secret);
    if (key) return key;
    this.failures.take(from);
    throw new DomainError(
      'unauthorized',
      secret === undefined ? 'api_key_missing' : 'api_key_invalid',
      secret === undefined
        ? 'This operation needs an API key: Authorization: Bearer <key>.'
        : 'The API key is unknown, revoked or expired.',
    );
  }

  /** May this key do that, now? That an application named by an admin key exists is still to be seen. */
  private admit(key: ValidKey, access: readonly Role[], request: AuthenticatedRequest): Caller {
    request.corsOrigins = key.corsOrigins;
    // Every installation of an app holds the same client key: one address must not use up the share of all others.
    this.requests.take(key.role === 'client' ? `key:${key.id}:${request.ip}` : `key:${key.id}`);
    const isAllowed = access.includes(key.role) || (key.role === 'admin' && access.includes('server'));
    if (!isAllowed) {
      const message =
        access.length === 0
          ? 'This operation takes no key: it is for whoever is signed in to the console.'
          : `This operation needs a key of role ${[...access].join(' or ')}; this one is ${key.role}.`;
      throw new DomainError('forbidden', 'role_not_allowed', message);
    }
    const named = access.includes('server') ? takeApplicationId(request) : undefined;
    if (key.applicationId !== null) {
      if (named !== undefined && named !== key.applicationId) {
        throw new DomainError('forbidden', 'wrong_application', 'This key belongs to another application.');
      }
      return keyCaller(key, key.applicationId);
    }
    if (named === undefined && !access.includes('admin')) {
      throw invalidRequest([{ path: 'query.applicationId', message: 'is needed with an admin key' }]);
    }
    return keyCaller(key, named ?? '');
  }
}

function keyCaller({ id, role }: ValidKey, applicationId: string): Caller {
  return { keyId: id, role, applicationId, accountId: null, accountRole: null, accountEmail: null };
}

function sessionMissing(): DomainError {
  return new DomainError('unauthorized', 'session_missing', 'Nobody is signed in, or the session has ended.');
}
