/**
 * Many small HTTPS requests over few warm connections, with results that say what is known about the request.
 * Knows no provider. The interface is narrow on purpose: implementations are exchangeable.
 */

import type { SplicedBody } from './spliced-body.js';

/** Where requests go. Equal `key` = the same pool of connections. */
export interface Origin {
  /** Scheme, host and port, such as `https://api.push.apple.com:443`. */
  url: string;
  /** What must not share a connection: credential id and lane, or ''. */
  key: string;
  /** PEM of the only authorities to trust; absent: the system's. */
  ca?: string;
  /** TLS client certificate, PEM. */
  cert?: string;
  certKey?: string;
  /** False: HTTP/1.1 is fine too when ALPN offers no h2. */
  requireHttp2: boolean;
  /** Permit `http:` (tests, `WEBPUSH_ALLOW_INSECURE` and `WEBHOOK_ALLOW_INSECURE` only). */
  allowInsecure?: boolean;
  /**
   * Checks the address that a connection is about to be made to, after DNS; false refuses it. Called at every connect,
   * which is what makes DNS rebinding useless.
   */
  allowAddress?: (address: string) => boolean;
  /** Streams per connection to start with, before the peer's SETTINGS; APNs: 1. */
  initialStreams?: number;
}

export interface TransportRequest {
  method: 'POST' | 'GET';
  path: string;
  /** Lower-case names. Pseudo headers, content-length and host are the transport's business. */
  headers: Readonly<Record<string, string>>;
  /** Names among `headers` that must never enter a compression table. */
  sensitive?: readonly string[];
  body?: Buffer | SplicedBody;
  /** Milliseconds for everything: waiting for a connection, sending, and the whole answer. */
  timeoutMs: number;
}

/** How a request ended. Exactly one per request. */
export type TransportResult =
  | {
      kind: 'response';
      status: number;
      headers: Readonly<Record<string, string>>;
      body: Buffer;
      /** Opaque name of the connection, for {@link Transport.retire}. */
      connection: string;
    }
  /** No byte of it reached the peer's application: safe to repeat. */
  | { kind: 'not_processed'; reason: string }
  /** The peer may have acted on it. */
  | { kind: 'ambiguous'; reason: string };

export interface Transport {
  /** Starts a request; never throws; calls `settle` exactly once. Waits in a bounded queue when every stream is taken. */
  request(origin: Origin, request: TransportRequest, settle: (result: TransportResult) => void): void;
  /** Opens a connection ahead of need. */
  warm(origin: Origin): void;
  /** Stops new requests on that connection (a provider said `Shutdown` or bound it to another key); those in flight finish. */
  retire(connection: string): void;
  stats(): { origin: string; connections: number; inFlight: number; waiting: number }[];
  /** Waits for what is in flight (at most `graceMs`), then closes everything. */
  close(graceMs?: number): Promise<void>;
}

/** Pools of their own for hosts that we know and for hosts that callers name. */
export interface Transports {
  known: Transport;
  open: Transport;
}

/** Nest injection token for {@link Transports}. */
export const TRANSPORTS = Symbol('Transports');
