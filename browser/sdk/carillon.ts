import { Connection, type ConnectionOptions } from './connection.js';
import { Positions } from './cursor.js';
import {
  CarillonError,
  type CarillonEvents,
  Emitter,
  type MessageContext,
  type MessageHandler,
  type Status,
} from './events.js';
import type { Message, TransportName } from './line.js';
import { isInFront, NotificationCopies } from './notification-copies.js';
import { request } from './requests.js';

export type { CarillonEvents, MessageContext, MessageHandler, Status } from './events.js';
export type { Message, TransportName };
export { CarillonError };

export interface CarillonOptions extends ConnectionOptions {
  /** Tell the service of each notification of the inbox that was handled here while the page was visible. Default true. */
  acknowledge?: boolean;
}

const MAX_CHANNELS = 50;
const MAX_DATA_BYTES = 65_536;

/** Follows channels over whatever transport works, going on where the last connection ended. */
export class Carillon {
  private readonly url: string;
  private readonly handlers = new Map<string, Set<MessageHandler>>();
  private readonly events = new Emitter();
  private readonly positions = new Positions();
  private readonly copies = new NotificationCopies();
  private readonly connection: Connection;
  private isSyncing = false;

  constructor(private readonly options: CarillonOptions) {
    this.url = options.url.replace(/\/+$/, '');
    const channels = () => [...this.handlers.keys()];
    this.connection = new Connection({ ...options, url: this.url }, this.events, {
      channels,
      cursor: () => this.cursor,
      cursorIs: (cursor) => this.positions.take(channels(), cursor),
      message: (message, context) => this.take(message, context),
      forbid: (channel) => this.drop(channel),
      over: () => this.clear(),
    });
  }

  get status(): Status {
    return this.connection.status;
  }

  /**
   * Hands each message of a channel to `handler`, once and in order, and connects when that has not happened yet.
   *
   * @param options.after for the first handler of a channel: where it begins; `start` for whatever is kept. Default: now
   * @returns ends it
   */
  subscribe(channel: string, handler: MessageHandler, { after }: { after?: string } = {}): () => void {
    if (!/^[A-Za-z0-9_.:@-]{1,128}$/.test(channel)) throw new TypeError(`"${channel}" is no name of a channel`);
    const known = this.handlers.get(channel);
    if (!known && this.handlers.size >= MAX_CHANNELS) throw new RangeError(`at most ${MAX_CHANNELS} channels`);
    const handlers = known ?? new Set();
    handlers.add(handler);
    if (!known) {
      this.handlers.set(channel, handlers);
      this.positions.begin(channel, after);
      this.sync();
    }
    this.connect();
    return () => {
      if (handlers.delete(handler) && handlers.size === 0 && this.handlers.get(channel) === handlers)
        this.drop(channel);
    };
  }

  /** @returns ends it */
  on<Name extends keyof CarillonEvents>(name: Name, listener: (value: CarillonEvents[Name]) => void): () => void {
    return this.events.on(name, listener);
  }

  /** Where this client is in all its channels; as `after` another one goes on there. */
  get cursor(): string {
    return this.positions.cursor(this.handlers.keys());
  }

  /**
   * Says something on a channel that the token allows to publish to.
   *
   * @returns the message's id
   * @throws CarillonError `publish_unavailable` unless the client is connected over WebSocket; what the service refuses
   */
  async publish(channel: string, event: string, data: unknown): Promise<string> {
    const bytes = new TextEncoder().encode(JSON.stringify(data ?? null)).length;
    if (bytes > MAX_DATA_BYTES) throw new RangeError(`data is ${bytes} bytes, at most ${MAX_DATA_BYTES}`);
    const { state, transport } = this.status;
    const asked = this.connection.ask('message', { channel, event, data: data ?? null });
    if (!asked) {
      const why = state === 'open' ? `this client is connected over ${transport}` : 'this client is not connected';
      throw new CarillonError('publish_unavailable', `Publishing needs a WebSocket connection, and ${why}.`);
    }
    const { id, error } = await asked;
    if (id === undefined) throw new CarillonError(error?.code ?? 'refused', error?.message ?? 'refused');
    return id;
  }

  /** Tells the service that the user got a notification here, so that it need not be pushed. */
  acknowledge(notificationId: string): Promise<void> {
    const url = `${this.url}/v1/realtime/acknowledgements`;
    return request(url, { method: 'POST', bearer: this.connection.token, body: { notificationId } });
  }

  /** Connects again after {@link disconnect}; the channels go on where they were. */
  connect(): void {
    this.connection.connect();
  }

  /** Ends the connection and keeps everything else. */
  disconnect(): void {
    this.connection.disconnect();
  }

  /** Ends it for good. */
  close(): void {
    this.connection.close();
  }

  private take(message: Message, context: MessageContext): void {
    const { channel, id, event, data } = message;
    const handlers = this.handlers.get(channel);
    if (!handlers) return;
    const gap = event === 'gap' ? (data as { from: string | null; to: string }) : undefined;
    if (!this.positions.advance(channel, id, gap?.from)) return;
    if (gap) {
      this.events.emit('gap', { channel, ...gap });
      return;
    }
    const handled = [...handlers].map((handler) => this.run(() => handler(message, context)));
    if (event === 'notification') void this.notify(message, handled);
  }

  private async run(handle: () => unknown): Promise<boolean> {
    try {
      await handle();
      return true;
    } catch (cause) {
      this.events.emit('error', new CarillonError('handler_failed', 'A handler failed.', { cause }));
      return false;
    }
  }

  private async notify(message: Message, handled: readonly Promise<boolean>[]): Promise<void> {
    const { notificationId } = Object(message.data) as { notificationId?: unknown };
    if (typeof notificationId !== 'string') return;
    const { isFirst, isPushed } = this.copies.arrived(notificationId);
    if (!isFirst) return;
    this.events.emit('notification', { notificationId, message, isPushed });
    if (!(await Promise.all(handled)).includes(true)) return;
    this.copies.taken(notificationId);
    // Nobody has seen what a hidden page took; and a broadcast's readers must not all answer at once.
    const isSeen = isInFront() && message.channel.startsWith('user:');
    if (this.options.acknowledge === false || !isSeen) return;
    await this.acknowledge(notificationId).catch((error: CarillonError) => this.events.emit('error', error));
  }

  /** Calls in one turn change the channels once. */
  private sync(): void {
    if (this.isSyncing) return;
    this.isSyncing = true;
    queueMicrotask(() => {
      this.isSyncing = false;
      this.connection.refresh();
    });
  }

  private drop(channel: string): void {
    this.handlers.delete(channel);
    this.positions.forget(channel);
    this.sync();
  }

  private clear(): void {
    this.handlers.clear();
    this.copies.close();
  }
}
