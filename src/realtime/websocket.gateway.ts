import type { IncomingMessage } from 'node:http';
import proxyAddress from '@fastify/proxy-addr';
import { Inject, Logger } from '@nestjs/common';
import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { CONFIG, type Config } from '../config/config.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { DomainError } from '../lib/errors.js';
import { Connections, type Place } from './connections.js';
import { Hub } from './hub.js';
import { RealtimeAccess } from './realtime-access.js';
import { RealtimeStream } from './stream.js';
import { handshakeSchema, parsePayload } from './websocket.dto.js';
import { WebsocketConnection } from './websocket-connection.js';
import { type Refusal, WebsocketRequests } from './websocket-requests.js';
import { cutAfterGoodbye, type Line, refuseLine, refusePolling } from './websocket-upgrade.js';

/** Bytes of one packet from a client: the data of a message and what is around it. A larger one ends it with code 1009. */
const MAX_PACKET_BYTES = 100_000;
/** Milliseconds within which a client has to be let in, and after which who was refused is cut off. */
const HANDSHAKE_MS = 5_000;

/** Socket.IO at `/realtime`. Without its connection state recovery: everybody who comes back shows a token again. */
@WebSocketGateway({
  path: '/realtime',
  transports: ['websocket'],
  serveClient: false,
  maxHttpBufferSize: MAX_PACKET_BYTES,
  connectTimeout: HANDSHAKE_MS,
  perMessageDeflate: false,
})
export class WebsocketGateway implements OnGatewayInit<Server> {
  private readonly logger = new Logger('realtime');
  private readonly isTrusted: (address: string, hop: number) => boolean;
  /** The places of lines on which nobody was let in yet, nor is about to be. */
  private readonly places = new WeakMap<Line, Place>();

  constructor(
    @Inject(CONFIG) { TRUST_PROXY }: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly access: RealtimeAccess,
    private readonly connections: Connections,
    private readonly requests: WebsocketRequests,
    private readonly hub: Hub,
    private readonly stream: RealtimeStream,
  ) {
    this.isTrusted =
      typeof TRUST_PROXY === 'boolean'
        ? () => TRUST_PROXY
        : proxyAddress.compile(TRUST_PROXY.split(',').map((address) => address.trim()));
  }

  afterInit(server: Server): void {
    server.engine.use(refusePolling);
    server.engine.on('connection', (line: Line) => this.open(line));
    server.use((socket, next) => {
      this.admit(socket).then(
        () => next(),
        (error: unknown) => {
          const refusal = Object.assign(new Error('refused'), this.explain(error));
          // Who is refused stays away until somebody acts; who was merely cut off comes back by itself.
          if (isOurs(error)) socket.conn.close();
          else next(refusal);
        },
      );
    });
  }

  /** Counts whoever is on the line from here on, until it is cut, although nobody knows yet who it is. */
  private open(line: Line): void {
    cutAfterGoodbye(line);
    try {
      const place = this.connections.open(this.addressOf(line.request));
      this.places.set(line, place);
      const { socket: tcp } = line.request;
      tcp.once('close', () => place.giveBack());
      if (tcp.destroyed) place.giveBack();
    } catch (error) {
      if (isOurs(error)) line.close();
      else refuseLine(line, this.explain(error));
    }
  }

  private async admit(socket: Socket): Promise<void> {
    const { conn: line } = socket;
    const place = this.places.get(line);
    if (place === undefined)
      throw new DomainError('conflict', 'already_connected', 'Somebody is on this line already.');
    this.places.delete(line);
    try {
      await this.letIn(socket, place);
    } catch (error) {
      // With another token the same line will do.
      this.places.set(line, place);
      throw error;
    }
  }

  private async letIn(socket: Socket, place: Place): Promise<void> {
    const { token, after = new Map() } = parsePayload(handshakeSchema, socket.handshake.auth);
    const grant = await this.access.admitSocket(socket.request.headers, token);
    const connection = new WebsocketConnection(socket, grant, after, this.hub, this.stream);
    try {
      place.take(connection);
    } catch (error) {
      connection.end();
      throw error;
    }
    // Whatever ends it, on either side or between them, ends with one of these.
    const end = (): void => {
      place.leave();
      connection.end();
    };
    socket.once('disconnect', () => {
      end();
      socket.conn.close();
    });
    socket.conn.once('close', end);
    if (socket.conn.readyState !== 'open') end();
    else this.serve(socket, connection);
  }

  private serve(socket: Socket, connection: WebsocketConnection): void {
    connection.session.limitTo(this.clock.now());
    socket.on('error', (error) => this.logger.debug({ event: 'realtime.socket_broken', err: error }));
    socket.onAny((...said: unknown[]) => void this.hear(socket, connection, said));
  }

  private async hear(socket: Socket, connection: WebsocketConnection, [first, ...rest]: unknown[]): Promise<void> {
    const event = typeof first === 'string' ? first : '';
    const last = rest.at(-1);
    const acknowledge = typeof last === 'function' ? last : undefined;
    const payloads = acknowledge ? rest.slice(0, -1) : rest;
    const answer = await this.requests.answer(socket.id, connection, event, payloads);
    // The cursor is that of the place which the answer takes among the messages: what it counts was sent before.
    const said = 'ok' in answer ? { ...answer, cursor: connection.session.cursor() } : answer;
    const bytes = JSON.stringify(said).length;
    if (acknowledge) connection.say(() => acknowledge(said), bytes);
    else if ('error' in answer) connection.say(() => socket.emit('refused', { event, ...answer }), bytes);
  }

  private explain(error: unknown): { message: string; data: Refusal } {
    const data = this.requests.refusalOf(error);
    return { message: data.message, data };
  }

  private addressOf(request: IncomingMessage): string {
    return proxyAddress(request, this.isTrusted);
  }
}

/** Nothing is wrong with the client: we are full, on our way out, or without the database. */
function isOurs(error: unknown): boolean {
  return !(error instanceof DomainError) || error.kind === 'unavailable';
}
