import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Connection } from './connection.js';

/** Bytes of a request that are kept; what goes beyond is counted, not stored. Far above every provider's limit. */
const MAX_KEPT_BODY_BYTES = 65_536;

/** What a push service says back. */
export interface Reply {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

/** One request and the ways to end it; the same for HTTP/1.1 and HTTP/2. */
export interface Exchange {
  readonly connection: Connection;
  /** HTTP/2 stream id; on HTTP/1.1 the ordinal of the request on its connection. */
  readonly streamId: number;
  readonly method: string;
  /** With its query string. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Name, value, name, value… as received, so that repeated headers can be seen. */
  readonly rawHeaders: readonly string[];
  /** At most 64 KB of it. */
  readonly body: Buffer;
  /** Its whole size. */
  readonly bodyBytes: number;
  /** `performance.now()` when the headers arrived. */
  readonly startedAt: number;
  /** False once it was answered, reset or abandoned by the peer. */
  isOpen(): boolean;
  reply(reply: Reply): void;
  /** Says the status and half of the body, then breaks off. */
  truncate(reply: Reply): void;
  /** Ends this request alone with an HTTP/2 error code; HTTP/1.1 has no such thing and loses its connection. */
  abort(code: number): void;
}

/** Collects a request body, keeping its first 64 KB. */
export class BodyCollector {
  private readonly chunks: Buffer[] = [];
  private keptBytes = 0;
  bytes = 0;

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.keptBytes >= MAX_KEPT_BODY_BYTES) return;
    const kept = chunk.subarray(0, MAX_KEPT_BODY_BYTES - this.keptBytes);
    this.keptBytes += kept.length;
    this.chunks.push(kept);
  }

  take(): Buffer {
    const [only] = this.chunks;
    return this.chunks.length === 1 && only ? only : Buffer.concat(this.chunks);
  }
}

interface Received {
  body: Buffer;
  bodyBytes: number;
  startedAt: number;
}

/** An exchange on one HTTP/2 stream. */
export class StreamExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
  readonly bodyBytes: number;
  readonly startedAt: number;
  readonly headers: Readonly<Record<string, string | undefined>>;

  constructor(
    readonly connection: Connection,
    private readonly stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    readonly rawHeaders: readonly string[],
    received: Received,
  ) {
    // Only set-cookie is ever an array, and nobody sends that to a push service.
    this.headers = headers as Record<string, string | undefined>;
    this.method = this.headers[':method'] ?? '';
    this.path = this.headers[':path'] ?? '';
    this.body = received.body;
    this.bodyBytes = received.bodyBytes;
    this.startedAt = received.startedAt;
  }

  get streamId(): number {
    return this.stream.id ?? 0;
  }

  isOpen(): boolean {
    return !this.stream.destroyed && !this.stream.closed && !this.stream.headersSent;
  }

  reply(reply: Reply): void {
    if (!this.isOpen()) return;
    const body = reply.body ?? '';
    this.stream.respond({ ':status': reply.status, ...reply.headers }, {
      endStream: body === '',
      sendDate: false,
    } as Parameters<ServerHttp2Stream['respond']>[1]);
    if (body !== '') this.stream.end(body);
  }

  truncate(reply: Reply): void {
    if (!this.isOpen()) return;
    const body = Buffer.from(reply.body ?? ' ');
    this.stream.respond({ ':status': reply.status, ...reply.headers, 'content-length': String(body.length) });
    this.stream.write(body.subarray(0, body.length >> 1), () => this.stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  }

  abort(code: number): void {
    if (!this.stream.destroyed) this.stream.close(code);
  }
}

/** An exchange on an HTTP/1.1 connection. */
export class RequestExchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly bodyBytes: number;
  readonly startedAt: number;

  constructor(
    readonly connection: Connection,
    readonly streamId: number,
    request: IncomingMessage,
    private readonly response: ServerResponse,
    received: Received,
  ) {
    this.method = request.method ?? '';
    this.path = request.url ?? '';
    this.rawHeaders = request.rawHeaders;
    this.headers = request.headers as Record<string, string | undefined>;
    this.body = received.body;
    this.bodyBytes = received.bodyBytes;
    this.startedAt = received.startedAt;
  }

  isOpen(): boolean {
    return !this.response.headersSent && !this.response.destroyed;
  }

  reply(reply: Reply): void {
    if (!this.isOpen()) return;
    const body = reply.body ?? '';
    this.response.writeHead(reply.status, { ...reply.headers, 'content-length': String(Buffer.byteLength(body)) });
    this.response.end(body);
  }

  truncate(reply: Reply): void {
    if (!this.isOpen()) return;
    const body = Buffer.from(reply.body ?? ' ');
    this.response.writeHead(reply.status, { ...reply.headers, 'content-length': String(body.length) });
    this.response.write(body.subarray(0, body.length >> 1), () => this.connection.reset());
  }

  abort(): void {
    this.connection.reset();
  }
}
