import type { Socket } from 'socket.io';
import type { Connection } from './connections.js';
import { cutOff } from './cut-off.js';
import type { CloseReason, Grant } from './grant.js';
import type { Hub } from './hub.js';
import type { StreamMessage } from './message.js';
import { Outbox } from './outbox.js';
import type { Cursor } from './position.js';
import { type Peer, Session } from './session.js';
import type { RealtimeStream } from './stream.js';

/** Milliseconds for the last words to a client; afterwards its connection is cut, whatever it still had to take. */
const LAST_WORDS_MS = 1_000;
/** About what a packet has around its data. */
const PACKET_BYTES = 32;

/** Channels that begin where the handshake says; who follows ever more of them begins the others now. */
const MAX_BEGUN = 1_000;
const NOWHERE: Cursor = new Map();

/** A packet as text, or something that makes Socket.IO send one: an answer, whose number only Socket.IO knows. */
type Outgoing = string | (() => void);

/** One Socket.IO client: a session's messages as the event `message`, each with the cursor after it. */
export class WebsocketConnection implements Connection, Peer {
  readonly session: Session;
  private readonly outbox: Outbox<Outgoing>;
  private begun: Set<string> | undefined;
  private isEnding = false;

  /** @param cursor where channels go on of which the client does not say it when it first follows them */
  constructor(
    private readonly socket: Socket,
    grant: Grant,
    private readonly cursor: Cursor | 'start',
    hub: Hub,
    stream: RealtimeStream,
  ) {
    this.session = new Session(grant, this, hub, stream);
    this.outbox = new Outbox<Outgoing>({
      write: (items, done) => this.write(items, done),
      overflowed: () => this.session.close('slow_consumer'),
    });
  }

  get grant(): Grant {
    return this.session.grant;
  }

  /**
   * Where a channel goes on of which the client does not say it: where the handshake says, once. Whoever follows it again has
   * seen what came after that.
   */
  beginningOf(channel: string): Cursor | 'start' {
    const isEmpty = this.cursor !== 'start' && this.cursor.size === 0;
    if (isEmpty || this.begun?.has(channel) || (this.begun?.size ?? 0) >= MAX_BEGUN) return NOWHERE;
    this.begun = (this.begun ?? new Set()).add(channel);
    return this.cursor;
  }

  /** Sends after everything that is to be sent now, within the same bounds. */
  say(send: () => void, bytes = PACKET_BYTES): void {
    this.outbox.push(send, bytes);
  }

  /** The client is gone. */
  end(): void {
    this.isEnding = true;
    this.session.end();
    this.outbox.close();
  }

  close(reason: CloseReason): void {
    this.session.close(reason);
  }

  async reconnect(delayMs: number): Promise<void> {
    if (this.isEnding) return;
    this.session.end();
    this.say(() => this.socket.emit('reconnect', { delayMs }));
    await Promise.race([this.outbox.drained(), afterLastWords()]);
    this.hangUp('transport');
  }

  deliver(message: StreamMessage, cursor: () => string): void {
    const end = `,"${cursor()}"]`;
    this.outbox.push(message.packet + end, message.bytes + end.length);
  }

  room(): Promise<void> | undefined {
    return this.outbox.room();
  }

  expiring(secondsLeft: number): void {
    this.say(() => this.socket.emit('expiring', { secondsLeft }));
  }

  closed(reason: CloseReason): void {
    // What a revoked token was still to get it does not get; whoever is slow has more waiting than can be said now.
    const isCut = reason === 'slow_consumer' || reason === 'token_revoked';
    const said = isCut ? Promise.resolve() : Promise.race([this.outbox.drained(), afterLastWords()]);
    void said.then(() => {
      if (this.isEnding) return;
      this.socket.emit('closed', { reason });
      // A client comes back by itself when its transport was cut, and not when it was disconnected.
      this.hangUp(reason === 'slow_consumer' ? 'transport' : 'client');
    });
  }

  private write(items: readonly Outgoing[], done: () => void): void {
    const { conn } = this.socket;
    for (const item of items) {
      if (typeof item === 'string') conn.write(item, { compress: false });
      else item();
    }
    const whenTaken = (): void => {
      // Writable again only when nothing is left behind the transport, either.
      if (conn.transport.writable) done();
      else conn.transport.once('ready', whenTaken);
    };
    whenTaken();
  }

  private hangUp(what: 'transport' | 'client'): void {
    if (this.isEnding) return;
    this.end();
    const { conn } = this.socket;
    const tcp = conn.request.socket;
    if (what === 'client') this.socket.disconnect(true);
    else conn.close();
    // Neither waits less than half a minute for a client that reads nothing.
    const cut = setTimeout(() => cutOff(tcp), LAST_WORDS_MS).unref();
    tcp.once('close', () => clearTimeout(cut));
  }
}

function afterLastWords(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LAST_WORDS_MS).unref();
  });
}
