import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../lib/errors.js';
import { sendProblem } from './fastify.js';
import { bugProblem, domainProblem, isDatabaseAway, type ProblemAnswer, transportProblem } from './problem.js';
import { RouteTable } from './route-table.js';

/** Every error of the HTTP side becomes `application/problem+json` here, and a bug is logged here, once. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  constructor(private readonly routes: RouteTable) {}

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const answer = this.answerTo(error, request);
    if (reply.sent || reply.raw.headersSent) {
      this.logger.warn({ event: 'http.answer_interrupted', requestId: request.id, err: error });
      reply.raw.destroy();
      return;
    }
    sendProblem(reply, answer);
  }

  private answerTo(error: unknown, request: FastifyRequest): ProblemAnswer {
    if (error instanceof DomainError) return domainProblem(error, request.id);
    if (error instanceof HttpException && error.getStatus() < 500) return this.refusal(error, request);
    const where = { requestId: request.id, method: request.method, route: request.routeOptions?.url };
    if (isDatabaseAway(error)) {
      this.logger.warn({ event: 'http.database_away', ...where, err: error });
      return domainProblem(new DomainError('unavailable', 'database_unavailable', 'The database is away.'), request.id);
    }
    this.logger.error({ event: 'http.bug', ...where, err: error });
    return bugProblem(request.id);
  }

  private refusal(error: HttpException, request: FastifyRequest): ProblemAnswer {
    if (!request.is404) return transportProblem(error.getStatus(), request.id, error.message);
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = this.routes.at(path).map(({ method }) => method);
    if (allowed.length === 0) return transportProblem(404, request.id);
    const { document } = transportProblem(405, request.id);
    return { document, headers: { allow: allowed.join(', ') } };
  }
}
