import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.js';
import type { Job, NotProcessedReason } from './job.js';

/** What a pool needs of a connection, whichever protocol it speaks. */
export interface Connection {
  /** Opaque and unique in the process. */
  readonly id: string;
  /** Streams in use. */
  readonly open: number;
  /** When a stream was last started or ended, on the monotonic clock. */
  readonly lastUsedAtMs: number;
  /** Room is likely to appear in a moment (just opened, or being asked for a sign of life): not yet a reason to open another. */
  isSettling(nowMs: number): boolean;
  /** Whether its end says nothing against the peer: it was of use, or this side closed it. */
  endedWell(nowMs: number): boolean;
  /** Streams that may be started now; 0 also while the connection is not trusted. May start a PING to find out. */
  room(nowMs: number): number;
  /** Takes a job; only when `room` said so. */
  start(job: Job): void;
  /** No new streams; closes when those in use have ended. */
  drain(): void;
  /** Ends everything at once. */
  destroy(): void;
  /** Called regularly: silence, unanswered PINGs, idleness. */
  check(nowMs: number): void;
}

/** What a connection reports to its pool. */
export interface ConnectionOwner {
  /** There may be room that was not there before. */
  onRoom(): void;
  /** Nothing new may start on it: the peer said GOAWAY, or it was retired. */
  onDraining(connection: Connection): void;
  /** It is gone; every job on it has been handed back before. */
  onDead(connection: Connection): void;
  /** The peer's application certainly did not see this job. The owner may send it once more, elsewhere. */
  onNotProcessed(job: Job, connection: Connection, reason: NotProcessedReason): void;
}

/** What every connection of a transport has in common. */
export interface ConnectionSettings {
  clock: Clock;
  /** Own cap on streams, whatever the peer allows. */
  maxStreams: number;
  /** Bytes of a response body that are kept. */
  maxBodyBytes: number;
  /** Silence after which an idle connection is not trusted without a PING. */
  pingIdleMs: number;
  /** Silence after which a connection with requests in flight is asked whether it lives. */
  pingBusyMs: number;
  pingTimeoutMs: number;
  /** Idle connections close after this. */
  idleCloseMs: number;
}

/** Milliseconds after which waiting for a connection to settle costs more than opening another. */
export const SETTLE_MS = 500;
/** Milliseconds. A connection that ends sooner without having answered anything counts as a failed connect. */
export const USEFUL_AFTER_MS = 10_000;

/** A connected, verified socket and what to do with it. */
export interface ConnectedSocket {
  id: string;
  socket: Socket;
  /** `https:` or `http:`, as the request's scheme. */
  protocol: string;
  /** Host and non-default port, as `:authority` or `host`. */
  authority: string;
  /** Streams to start with, until the peer's SETTINGS arrive. */
  initialStreams: number;
}

/** Makes a connection of a socket; exchangeable, so that other HTTP/2 implementations can use the same pools. */
export type ConnectionFactory = (
  connected: ConnectedSocket,
  settings: ConnectionSettings,
  owner: ConnectionOwner,
) => Connection;

/** Response headers as `transport.ts` wants them: lower-case names (which both parsers give), joined values, no pseudo headers. */
export function flattenHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || name.startsWith(':')) continue;
    flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}
