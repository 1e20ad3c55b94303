import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** HTTP/2 error codes used here; RFC 9113 §7. */
export const NO_ERROR = 0;
export const INTERNAL_ERROR = 2;
export const ENHANCE_YOUR_CALM = 11;

/** The certificate that a client showed. */
export interface ClientCertificate {
  /** False: not from our authority. */
  isTrusted: boolean;
  fingerprint: string;
  commonName: string;
  userId: string;
  expiresAtMs: number;
}

/** One client connection, and what a push service can do to it. */
export class Connection {
  session: ServerHttp2Session | undefined;
  requests = 0;
  /** Since the last request. */
  pings = 0;
  openStreams = 0;
  maxOpenStreams = 0;
  lastStreamId = 0;
  /** Newest stream whose request was acted on. */
  handledStreamId = 0;
  /** True: nothing more is read, handled or answered, while TCP stays up. */
  isStalled = false;
  /** Streams above it were announced as unprocessed by a GOAWAY. */
  refuseAbove = Number.POSITIVE_INFINITY;

  constructor(
    readonly id: number,
    readonly protocol: 'h2' | 'http/1.1',
    readonly remoteAddress: string,
    readonly certificate: ClientCertificate | undefined,
    private readonly tlsSocket: TLSSocket,
    private readonly rawSocket: Socket,
  ) {}

  /** RST: the peer sees ECONNRESET, whatever was in flight is lost. */
  reset(): void {
    this.rawSocket.resetAndDestroy();
    this.tlsSocket.destroy();
  }

  /** An orderly end (close_notify and FIN) that answers nothing that is still open. */
  end(): void {
    this.session?.destroy();
    this.tlsSocket.end();
    this.tlsSocket.destroySoon();
  }

  /**
   * Sends GOAWAY.
   *
   * @param lastStreamId streams above it count as not processed and are forgotten; absent: the newest one seen
   */
  goaway(code: number, lastStreamId = this.lastStreamId, debug?: string): void {
    const session = this.session;
    if (!session || session.destroyed) return;
    this.refuseAbove = Math.min(this.refuseAbove, lastStreamId);
    session.goaway(code, lastStreamId, debug === undefined ? undefined : Buffer.from(debug));
  }

  /** Ends the connection once the streams in flight are answered. */
  closeWhenIdle(): void {
    this.session?.close();
  }

  setMaxStreams(maxConcurrentStreams: number): void {
    if (this.session && !this.session.destroyed) this.session.settings({ maxConcurrentStreams });
  }

  /** Plays the peer that vanished without a FIN: stops reading, so that not even a PING is acknowledged. */
  stall(): void {
    this.isStalled = true;
    // Public pause() does nothing here: HTTP/2 reads from the handle itself.
    const handle = (this.tlsSocket as unknown as { _handle?: { readStop?: () => void } })._handle;
    handle?.readStop?.();
  }
}
