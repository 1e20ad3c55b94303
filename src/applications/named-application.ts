import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { invalidRequest } from '../http/validation.js';

const uuid = z.uuid();

/** Takes `?applicationId=` out of the query, so that the route's own schema does not meet it. */
export function takeApplicationId(request: FastifyRequest): string | undefined {
  if (!('applicationId' in Object(request.query))) return undefined;
  const { applicationId, ...rest } = Object(request.query);
  const parsed = uuid.safeParse(applicationId);
  if (!parsed.success) throw invalidRequest([{ path: 'query.applicationId', message: 'is not an application id' }]);
  request.query = rest;
  return parsed.data.toLowerCase();
}
