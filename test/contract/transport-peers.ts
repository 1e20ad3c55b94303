import { mkdtempSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { CertificateAuthority, type Identity } from '../../src/simulator/ca.js';
import { Home } from '../../src/simulator/home.js';

const authority = CertificateAuthority.open(new Home(mkdtempSync(join(tmpdir(), 'transport-ca-'))));

/** The authority that every peer here is certified by, PEM. */
export const CA = authority.cert;

/** For `localhost` and 127.0.0.1. */
export const IDENTITY: Identity = authority.issue(['localhost', '127.0.0.1']);

export function issue(hosts: readonly string[]): Identity {
  return authority.issue(hosts);
}

/** A listening server and the sockets it has had. */
export interface Peer {
  url: string;
  port: number;
  /** Every connection since the start, also closed ones. */
  sockets: Socket[];
  close(): Promise<void>;
}

async function listen(server: Server): Promise<Peer> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    sockets,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

export type StreamHandler = (stream: ServerHttp2Stream, headers: Record<string, unknown>, body: Buffer) => void;

/** A well-behaved HTTP/2 server; the handler is called when the whole request has arrived. */
export async function startHttp2(
  handler: StreamHandler,
  options: SecureServerOptions = {},
): Promise<Peer & { server: Http2SecureServer }> {
  const server = createSecureServer({ ...IDENTITY, ...options });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (!stream.destroyed) handler(stream, headers, Buffer.concat(chunks));
    });
  });
  return { ...(await listen(server)), server };
}

/** An HTTP/1.1 server with TLS and keep-alive. */
export async function startHttp1(listener: RequestListener): Promise<Peer & { server: HttpsServer }> {
  const server = createHttpsServer({ ...IDENTITY }, listener);
  return { ...(await listen(server)), server };
}

/** Accepts TCP and says nothing: a tarpit. */
export async function startTarpit(): Promise<Peer> {
  return listen(createTcpServer((socket) => socket.resume()));
}

/** A TLS server that is given the bare sockets. */
export async function startTls(onSocket: (socket: TLSSocket) => void, options: TlsOptions = {}): Promise<Peer> {
  return listen(createTlsServer({ ...IDENTITY, ...options }, onSocket));
}
