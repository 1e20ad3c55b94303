import type { IncomingMessage } from 'node:http';
import proxyAddress from '@fastify/proxy-addr';
import { Inject, Logger } from '@nestjs/common';
import { type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { CONFIG, type Config } from '../config/config.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { Connections } from './connections.js';
import { Hub } from './hub.js';
import { RealtimeAccess } from './realtime-access.js';
import { RealtimeStream } from './stream.js';
import { handshakeSchema } from './websocket.dto.js';
import { WebsocketConnection } from './websocket-connection.js';
import { parsePayload, WebsocketRequests } from './websocket-requests.js';

/** Bytes of one packet from a client: the data of a message and what is around it. */
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
    server.use((socket, next) => {
      this.admit(socket).then(
        () => next(),
        (error: unknown) => next(Object.assign(new Error('refused'), this.explain(error))),
      );
    });
  }

  private async admit(socket: Socket): Promise<void> {
    const { token, after = new Map() } = parsePayload(handshakeSchema, socket.handshake.auth);
    const grant = await this.access.admitSocket(socket.request.headers, token);
    const connection = new WebsocketConnection(socket, grant, after, this.hub, this.stream);
    let leave: () => void;
    try {
      leave = this.connections.add(connection, this.addressOf(socket.request));
    } catch (error) {
      connection.end();
      throw error;
    }
    // Whatever ends it, on either side or between them, ends with one of these.
    const end = (): void => {
      leave();
      connection.end();
    };
    socket.once('disconnect', end);
    socket.conn.once('close', end);
    if (socket.conn.readyState !== 'open') end();
    else this.serve(socket, connection);
  }

  private serve(socket: Socket, connection: WebsocketConnection): void {
    connection.session.limitTo(this.clock.now());
    socket.on('error', (error) => this.logger.debug({ event: 'realtime.socket_broken', err: error }));
    socket.onAny((event: string, ...args: unknown[]) => {
      const last = args.at(-1);
      const acknowledge = typeof last === 'function' ? last : undefined;
      void this.requests
        .answer(socket.id, connection, event, args[0] === last && acknowledge ? undefined : args[0])
        .then((answer) => {
          if (acknowledge) connection.say(() => acknowledge(answer));
          else if ('error' in answer) connection.say(() => socket.emit('refused', { event, ...answer }));
        });
    });
  }

  private explain(error: unknown): { message: string; data: object } {
    const data = this.requests.refusalOf(error);
    return { message: data.message, data };
  }

  private addressOf(request: IncomingMessage): string {
    return proxyAddress(request, this.isTrusted);
  }
}
