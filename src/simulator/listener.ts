import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import type { Identity } from './ca.js';
import { type ClientCertificate, Connection, ENHANCE_YOUR_CALM, NO_ERROR } from './connection.js';
import { BodyCollector, type Exchange, RequestExchange, StreamExchange } from './exchange.js';
import type { ListenerStats } from './stats.js';

export interface ListenerOptions {
  host: string;
  identity: Identity;
  /** APNs speaks nothing but HTTP/2, also to clients that offer no ALPN. */
  requireHttp2: boolean;
  /** Asks for client certificates and trusts those of this authority, PEM; nobody has to have one. */
  clientCa?: string | undefined;
  /** SETTINGS_MAX_CONCURRENT_STREAMS that a connection starts with. */
  maxConcurrentStreams(connection: Connection): number;
  stats: ListenerStats;
  /** When an HTTP/2 connection is ended for its age, its idleness or its PINGs; 0 = never. Asked at each connect. */
  limits(): ConnectionLimits;
  handle(exchange: Exchange): void;
}

export interface ConnectionLimits {
  idleMs: number;
  maxAgeMs: number;
  maxPings: number;
}

let connectionCount = 0;

/** One TLS port that speaks HTTP/2 and, where allowed, HTTP/1.1. */
export class Listener {
  readonly connections = new Set<Connection>();
  private readonly tls: TlsServer;
  private readonly http1: Server;
  private readonly http1Connections = new WeakMap<Socket, Connection>();
  /** The TCP sockets by remote address: only they can send a RST, and TLS sockets do not lead back to them. */
  private readonly rawSockets = new Map<string, Socket>();

  constructor(private readonly options: ListenerOptions) {
    const { cert, key } = options.identity;
    this.tls = createServer({
      cert,
      key,
      minVersion: 'TLSv1.2',
      ALPNProtocols: options.requireHttp2 ? ['h2'] : ['h2', 'http/1.1'],
      ...(options.clientCa !== undefined && { requestCert: true, rejectUnauthorized: false, ca: options.clientCa }),
    });
    this.tls.on('connection', (raw: Socket) => this.remember(raw));
    this.tls.on('secureConnection', (socket) => this.accept(socket));
    this.tls.on('tlsClientError', () => {
      options.stats.tlsErrors += 1;
    });
    this.http1 = createHttpServer({ keepAliveTimeout: 120_000 }, (request, response) =>
      this.onRequest(request, response),
    );
  }

  /** @returns the port, once it listens; rejects with EADDRINUSE when it is taken */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.tls.once('error', reject);
      this.tls.listen(port, this.options.host, () => {
        this.tls.off('error', reject);
        resolve((this.tls.address() as AddressInfo).port);
      });
    });
  }

  close(): Promise<void> {
    for (const connection of this.connections) connection.reset();
    for (const raw of this.rawSockets.values()) raw.destroy();
    return new Promise((resolve) => {
      if (this.tls.listening) this.tls.close(() => resolve());
      else resolve();
    });
  }

  private remember(raw: Socket): void {
    const peer = peerOf(raw);
    raw.setNoDelay(true);
    this.rawSockets.set(peer, raw);
    raw.once('close', () => {
      if (this.rawSockets.get(peer) === raw) this.rawSockets.delete(peer);
    });
  }

  private accept(socket: TLSSocket): void {
    const raw = this.rawSockets.get(peerOf(socket));
    if (!raw) return void socket.destroy();
    const isHttp2 = socket.alpnProtocol === 'h2' || this.options.requireHttp2;
    connectionCount += 1;
    const connection = new Connection(
      connectionCount,
      isHttp2 ? 'h2' : 'http/1.1',
      socket.remoteAddress ?? '',
      this.options.clientCa === undefined ? undefined : certificateOf(socket),
      socket,
      raw,
    );
    this.connections.add(connection);
    this.options.stats.connectionsOpened += 1;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.connections.delete(connection);
      this.options.stats.connectionsClosed += 1;
    });
    if (isHttp2) this.openSession(connection, socket);
    else {
      this.http1Connections.set(socket, connection);
      this.http1.emit('connection', socket);
    }
  }

  private openSession(connection: Connection, socket: TLSSocket): void {
    const session = performServerHandshake(socket, {
      settings: { maxConcurrentStreams: this.options.maxConcurrentStreams(connection) },
    });
    connection.session = session;
    // A peer that breaks the protocol or vanishes ends its own connection only.
    session.on('error', () => session.destroy());
    this.limit(connection, session);
    session.on('stream', (stream, headers, _flags, rawHeaders) =>
      this.onStream(connection, stream, headers, rawHeaders as unknown as string[]),
    );
  }

  /** What Google's front end does to connections that are idle, old or impatient. */
  private limit(connection: Connection, session: ServerHttp2Session): void {
    const { idleMs, maxAgeMs, maxPings } = this.options.limits();
    if (idleMs > 0) {
      session.setTimeout(idleMs, () => {
        connection.goaway(NO_ERROR, undefined, 'session_timeout');
        connection.closeWhenIdle();
      });
    }
    if (maxAgeMs > 0) {
      const timer = setTimeout(() => {
        connection.goaway(NO_ERROR, undefined, 'max_age');
        connection.closeWhenIdle();
      }, maxAgeMs);
      session.once('close', () => clearTimeout(timer));
    }
    session.on('ping', () => {
      connection.pings += 1;
      if (maxPings === 0 || connection.pings < maxPings) return;
      connection.goaway(ENHANCE_YOUR_CALM, undefined, 'too_many_pings');
      connection.closeWhenIdle();
    });
  }

  private onStream(
    connection: Connection,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: string[],
  ): void {
    const startedAt = performance.now();
    const collector = new BodyCollector();
    connection.lastStreamId = Math.max(connection.lastStreamId, stream.id ?? 0);
    this.opened(connection);
    stream.on('error', () => undefined);
    stream.once('close', () => this.closed(connection));
    stream.on('data', (chunk: Buffer) => collector.add(chunk));
    stream.once('end', () => {
      if (connection.isStalled || (stream.id ?? 0) > connection.refuseAbove || stream.aborted) return;
      const received = { body: collector.take(), bodyBytes: collector.bytes, startedAt };
      this.options.handle(new StreamExchange(connection, stream, headers, rawHeaders, received));
    });
  }

  private onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.http1Connections.get(request.socket);
    if (!connection) return void request.socket.destroy();
    const startedAt = performance.now();
    const collector = new BodyCollector();
    connection.lastStreamId += 1;
    const streamId = connection.lastStreamId;
    this.opened(connection);
    response.once('close', () => this.closed(connection));
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => collector.add(chunk));
    request.once('end', () => {
      if (connection.isStalled) return;
      const received = { body: collector.take(), bodyBytes: collector.bytes, startedAt };
      this.options.handle(new RequestExchange(connection, streamId, request, response, received));
    });
  }

  private opened(connection: Connection): void {
    connection.requests += 1;
    connection.pings = 0;
    connection.openStreams += 1;
    connection.maxOpenStreams = Math.max(connection.maxOpenStreams, connection.openStreams);
    this.options.stats.opened(connection.openStreams);
  }

  private closed(connection: Connection): void {
    connection.openStreams -= 1;
    this.options.stats.inFlight -= 1;
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function certificateOf(socket: TLSSocket): ClientCertificate | undefined {
  const { subject, fingerprint256, valid_to } = socket.getPeerCertificate();
  if (!fingerprint256) return undefined;
  // Node's type does not name the user id, which is what Apple puts the bundle id in.
  const { CN: commonName, UID: userId } = subject as unknown as { CN?: string; UID?: string };
  return {
    isTrusted: socket.authorized,
    fingerprint: fingerprint256,
    commonName: commonName ?? '',
    userId: userId ?? '',
    expiresAtMs: Date.parse(valid_to),
  };
}
