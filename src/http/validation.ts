import { UnsupportedMediaTypeException } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DomainError, type Problem } from '../lib/errors.js';
import type { RouteSpec } from './route.js';
import { unstorableParts } from './storable.js';

const NOTHING = z.strictObject({});
const ANYTHING = z.looseObject({});
/** Without a schema a body is neither needed nor wanted; clients that always send `{}` are let through. */
const NO_BODY = NOTHING.nullish();
const MAX_PROBLEMS = 50;
const JSON_MEDIA_TYPE = 'application/json';

/**
 * Checks a request against its route and replaces `params`, `query`, `headers` and `body` by what their schemas parsed to.
 *
 * @throws DomainError `invalid_request` with everything that is wrong, each by its path
 */
export function validateRequest(spec: RouteSpec, request: FastifyRequest): void {
  checkMediaType(spec, request);
  const problems: Problem[] = [];
  const params = parse(spec.params ?? ANYTHING, request.params ?? {}, 'params', problems);
  const querySchema = spec.query ?? (spec.access === 'public' ? ANYTHING : NOTHING);
  const query = parse(querySchema, request.query ?? {}, 'query', problems);
  const headers = spec.headers && parse(spec.headers, pick(request.headers, spec.headers), 'headers', problems);
  const body = spec.bodyMediaType ? request.body : parse(spec.body ?? NO_BODY, request.body, '', problems);
  if (problems.length > 0) throw invalidRequest(problems);
  request.params = params;
  request.query = query;
  if (headers) request.headers = headers as typeof request.headers;
  request.body = body;
}

/** What the schema makes of a part of the request; what is wrong with it goes to `problems`. */
function parse(schema: z.ZodType, value: unknown, prefix: string, problems: Problem[]): unknown {
  if ((schema === ANYTHING || schema === NOTHING) && isEmpty(value)) return value;
  const unstorable = unstorableParts(value, prefix);
  if (unstorable.length > 0) {
    problems.push(...unstorable);
    return undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  problems.push(...problemsOf(parsed.error.issues, prefix ? [prefix] : []));
  return undefined;
}

function isEmpty(value: unknown): boolean {
  for (const _ in Object(value)) return false;
  return true;
}

/** A refused request with the fields that are wrong; the first ones are also in the sentence. */
export function invalidRequest(problems: readonly Problem[]): DomainError {
  const shown = problems.slice(0, 3).map(({ path, message }) => (path ? `${path}: ${message}` : message));
  const more = problems.length > 3 ? ` (and ${problems.length - 3} more)` : '';
  return new DomainError('invalid', 'invalid_request', shown.join('; ') + more, problems.slice(0, MAX_PROBLEMS));
}

/** zod's issues as problems: one for each unknown field, and of a union those of the branch that came closest. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[] = []): Problem[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: joined([...path, key]), message: 'is not a known field' }));
    }
    if (issue.code === 'invalid_union') {
      const closest = issue.errors.toSorted((one, other) => one.length - other.length)[0];
      if (closest && closest.length > 0) return problemsOf(closest, path);
    }
    if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
      return issue.issues.map((inner) => ({ path: joined(path), message: inner.message }));
    }
    return [{ path: joined(path), message: issue.message }];
  });
}

function pick(headers: FastifyRequest['headers'], schema: z.ZodObject): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const name of Object.keys(schema.shape)) {
    if (headers[name] !== undefined) picked[name] = headers[name];
  }
  return picked;
}

/** Fastify parses every media type it knows for every route; each route takes only its own. */
function checkMediaType(spec: RouteSpec, request: FastifyRequest): void {
  if (request.body === undefined) return;
  const given = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const wanted = spec.bodyMediaType ?? JSON_MEDIA_TYPE;
  if (given !== undefined && given !== wanted && !(wanted === JSON_MEDIA_TYPE && given.endsWith('+json'))) {
    throw new UnsupportedMediaTypeException(`This operation takes ${wanted}.`);
  }
}

function joined(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}
