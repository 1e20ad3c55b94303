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

/** For `afterEach`. @param except stays */
export function closeClients(except?: SocketClient): void {
  for (const socket of opened.splice(0)) {
    if (socket === except?.socket) opened.push(socket);
    else socket.disconnect();
  }
}

/** What the service acknowledges an event with. */
export function ask({ socket }: SocketClient, event: string, payload?: unknown): Promise<Anything> {
  return socket.timeout(5_000).emitWithAck(event, ...(payload === undefined ? [] : [payload]));
}

export function named(client: SocketClient, event: string): Anything[] {
  return client.events.filter(([name]) => name === event).map(([, argument]) => argument);
}

/** A bare WebSocket, over which anything can be sent. */
export class RawSocket {
  /** Texts, the first of them Engine.IO's own. */
  readonly received: string[] = [];
  closeCode: number | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => this.received.push(String(data)));
    socket.addEventListener('close', ({ code }) => {
      this.closeCode = code;
    });
  }

  static async open({ baseUrl }: Pick<TestApi, 'baseUrl'>): Promise<RawSocket> {
    const url = `${baseUrl.replace('http', 'ws')}/realtime/?EIO=4&transport=websocket`;
    const raw = new RawSocket(new WebSocket(url));
    await eventually(() => raw.received.length > 0 || raw.closeCode !== undefined);
    return raw;
  }

  send(packet: string | Uint8Array<ArrayBuffer>): void {
    this.socket.send(packet);
  }

  close(): void {
    this.socket.close();
  }
}
