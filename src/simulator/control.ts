import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { findRoute } from './control-routes.js';
import type { Simulator } from './simulator.js';

const MAX_BODY_BYTES = 1_048_576;

/** What a control route answers: JSON unless it names another type. */
export interface ControlAnswer {
  status?: number;
  type?: string;
  body: unknown;
}

export interface ControlRequest {
  /** The part of the path after the route, decoded. */
  rest: string;
  query: URLSearchParams;
  body: unknown;
}

/** The tests' side door: plain HTTP on the loopback address, never reachable through a provider's port. */
export class ControlServer {
  private readonly server: Server;

  constructor(
    private readonly simulator: Simulator,
    private readonly host: string,
  ) {
    this.server = createServer((request, response) => {
      this.serve(request).then(
        (answer) => send(response, answer),
        (error: unknown) => send(response, errorAnswer(error)),
      );
    });
  }

  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, this.host, () => {
        this.server.off('error', reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => {
      if (this.server.listening) this.server.close(() => resolve());
      else resolve();
    });
  }

  private async serve(request: IncomingMessage): Promise<ControlAnswer> {
    const url = new URL(request.url ?? '/', 'http://control');
    const route = findRoute(request.method ?? '', url.pathname);
    if (!route) return { status: 404, body: { error: `no route ${request.method} ${url.pathname}` } };
    const body = await readJson(request);
    return route.run(this.simulator, { rest: decodeURIComponent(route.rest), query: url.searchParams, body });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new SyntaxError('body is larger than 1 MiB');
    chunks.push(chunk);
  }
  return bytes === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown);
}

function errorAnswer(error: unknown): ControlAnswer {
  if (error instanceof z.ZodError) return { status: 400, body: { error: z.prettifyError(error) } };
  if (error instanceof SyntaxError) return { status: 400, body: { error: error.message } };
  return { status: 500, body: { error: error instanceof Error ? error.message : String(error) } };
}

function send(response: ServerResponse, { status = 200, type = 'application/json', body }: ControlAnswer): void {
  response.writeHead(status, { 'content-type': type });
  response.end(type === 'application/json' ? JSON.stringify(body) : String(body));
}
