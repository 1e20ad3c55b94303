import { io, type Socket } from 'socket.io-client';
import type { TestApi } from './app.js';
import { eventually } from './eventually.js';

// biome-ignore lint/suspicious/noExplicitAny: a test states what it expects of an answer, field by field
export type Anything = any;

/** An unmodified socket.io-client, and what it got. */
export interface SocketClient {
  socket: Socket;
  messages: Anything[];
  /** Of the last message. */
  cursor: string | undefined;
  /** Every other event, `connect_error` and `disconnect`, with its first argument. */
  events: [event: string, argument: Anything][];
}

const opened: Socket[] = [];

/** @param more options of socket.io-client; it does not reconnect unless they say so */
export function openClient(api: Pick<TestApi, 'baseUrl'>, auth: object, more: object = {}): SocketClient {
  const options = { path: '/realtime', transports: ['websocket'], forceNew: true, reconnection: false, auth };
  const socket = io(api.baseUrl, { ...options, ...more });
  opened.push(socket);
  const client: SocketClient = { socket, messages: [], cursor: undefined, events: [] };
  socket.on('message', (message, cursor) => {
    client.messages.push(message);
    client.cursor = cursor;
  });
  socket.onAny((event, argument) => {
    if (event !== 'message') client.events.push([event, argument]);
  });
  socket.on('disconnect', (reason) => client.events.push(['disconnect', reason]));
  socket.on('connect_error', (error) => client.events.push(['connect_error', 'data' in error ? error.data : error]));
  return client;
}

/** A client that was let in. */
export async function connect(api: Pick<TestApi, 'baseUrl'>, auth: object, more: object = {}): Promise<SocketClient> {
  const client = openClient(api, auth, more);
  await eventually(() => client.socket.connected);
  return client;
}

/** For `afterEach`. */
export function closeClients(): void {
  for (const socket of opened.splice(0)) socket.disconnect();
}

/** What the service acknowledges an event with. */
export function ask({ socket }: SocketClient, event: string, payload?: unknown): Promise<Anything> {
  return socket.timeout(5_000).emitWithAck(event, ...(payload === undefined ? [] : [payload]));
}

export function named(client: SocketClient, event: string): Anything[] {
  return client.events.filter(([name]) => name === event).map(([, argument]) => argument);
}
