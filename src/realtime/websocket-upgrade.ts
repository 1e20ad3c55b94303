import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'socket.io';
import { domainProblem, PROBLEM_MEDIA_TYPE } from '../http/problem.js';
import { requestIdOf } from '../http/request-id.js';
import { DomainError } from '../lib/errors.js';
import type { Refusal } from './websocket-requests.js';

/** Milliseconds for the goodbye of a WebSocket that has ended; ws itself would wait for half a minute. */
const GOODBYE_MS = 5_000;
/** The Socket.IO packet that refuses a client. @see https://socket.io/docs/v4/socket-io-protocol/ */
const CONNECT_ERROR = '4';

/** The line below a client, from the upgrade on. */
export type Line = Socket['conn'];

/** Middleware of Engine.IO: its HTTP polling is not served, and whoever tries it is told what to do. */
export function refusePolling(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  // An upgrade has something that only looks like a response.
  if (!(response instanceof ServerResponse)) {
    next();
    return;
  }
  const message = "This path speaks Socket.IO over WebSocket alone: { path: '/realtime', transports: ['websocket'] }.";
  const requestId = requestIdOf(request.headers);
  const { headers, document } = domainProblem(new DomainError('invalid', 'websocket_only', message), requestId);
  response.writeHead(document.status, {
    ...headers,
    'content-type': PROBLEM_MEDIA_TYPE,
    'cache-control': 'no-store',
    'x-request-id': requestId,
  });
  response.end(JSON.stringify(document));
}

/** Tells a client that it cannot come in, before it has said who it is, and hangs up. */
export function refuseLine(line: Line, { message, data }: { message: string; data: Refusal }): void {
  line.write(CONNECT_ERROR + JSON.stringify({ message, data }));
  line.close();
}

/** Cuts a line that has ended but whose other side does not hang up, whatever ended it. */
export function cutAfterGoodbye(line: Line): void {
  const tcp = line.request.socket;
  line.once('close', () => {
    const cut = setTimeout(() => tcp.destroy(), GOODBYE_MS).unref();
    tcp.once('close', () => clearTimeout(cut));
  });
}
