import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Config } from './config/config.js';
import { mergeExpositions } from './http/exposition.js';
import type { JsonLogger } from './http/logger.js';
import { mayReadMetrics } from './http/metrics-token.js';
import { PROBLEM_MEDIA_TYPE, transportProblem } from './http/problem.js';
import { requestIdOf } from './http/request-id.js';
import { followTls, readTls } from './http/tls.js';
import type { ProcessFleet } from './process-fleet.js';

interface Answer {
  status: number;
  type: string;
  body: string;
}

/**
 * The health port of a worker that is several processes: `/livez`, `/readyz` and `/metrics`, ready when all of them are, with the
 * metrics of each. Plain servers, since the process that supervises loads no framework.
 */
export class WorkerHealth {
  private isStopping = false;

  constructor(
    private readonly config: Config,
    private readonly fleet: ProcessFleet,
    private readonly logger: JsonLogger,
  ) {}

  /** Returns the port. */
  async listen(): Promise<number> {
    const { config } = this;
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.answer(request, response);
    const tls = readTls(config);
    const server = tls ? createTlsServer(tls, handle) : createServer(handle);
    followTls(config, server, (error) => {
      this.logger.log({ event: error ? 'tls.reload_failed' : 'tls.reloaded', err: error });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(config.WORKER_HEALTH_PORT, config.HOST, resolve);
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Not ready from now on. The port stays: who asks while the workers drain gets an answer. */
  drain(): void {
    this.isStopping = true;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.answerTo(request);
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  private async answerTo(request: IncomingMessage): Promise<Answer> {
    const problem = (status: number, detail?: string) =>
      json(status, transportProblem(status, requestIdOf(request.headers), detail).document, PROBLEM_MEDIA_TYPE);
    if (request.method !== 'GET' && request.method !== 'HEAD') return problem(405);
    switch (new URL(request.url ?? '/', 'http://worker').pathname) {
      case '/livez':
        return json(200, { status: 'ok' });
      case '/readyz': {
        const missing = this.isStopping ? { draining: 'the process is shutting down' } : await this.fleet.missing();
        const isReady = Object.keys(missing).length === 0;
        return json(isReady ? 200 : 503, { status: isReady ? 'ok' : 'not_ready', missing });
      }
      case '/metrics': {
        if (!mayReadMetrics(this.config, request.headers.authorization)) {
          return problem(401, 'The metrics token is needed.');
        }
        const body = mergeExpositions('', await this.fleet.expositions());
        return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body };
      }
      default:
        return problem(404);
    }
  }
}

function json(status: number, body: object, type = 'application/json; charset=utf-8'): Answer {
  return { status, type, body: JSON.stringify(body) };
}
