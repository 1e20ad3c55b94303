import type { ServerResponse } from 'node:http';
import type { Connection } from './connections.js';
import { cutOff } from './cut-off.js';
import type { CloseReason, Grant } from './grant.js';
import type { Hub } from './hub.js';
import type { StreamMessage } from './message.js';
import { Outbox } from './outbox.js';
import type { Cursor } from './position.js';
import { type Peer, Session } from './session.js';
import type { RealtimeStream } from './stream.js';

/** Milliseconds. Proxies close what is silent for 30 to 60 s. */
const HEARTBEAT_MS = 15_000;
/** Milliseconds after which a client that lost its stream comes back: the least, and the most that chance adds. */
const RETRY_MS = 1_000;
const RETRY_SPREAD_MS = 2_000;
/** Milliseconds for the last words to a client; a slow one does not get them. */
const LAST_WORDS_MS = 1_000;

/** One `text/event-stream`: a session's messages, each with the cursor after it as its id. */
export class SseConnection implements Connection, Peer {
  private readonly session: Session;
  private readonly outbox: Outbox;
  private readonly heartbeat: NodeJS.Timeout;
  private isEnding = false;

  /** @param response of a request that was taken over; its headers are still to be sent */
  constructor(
    readonly grant: Grant,
    private readonly response: ServerResponse,
    hub: Hub,
    stream: RealtimeStream,
  ) {
    this.session = new Session(grant, this, hub, stream);
    this.outbox = new Outbox({
      write: (items, done) => void response.write(items.join(''), done),
      overflowed: () => this.session.close('slow_consumer'),
    });
    this.heartbeat = setInterval(() => this.outbox.push(':\n\n', 3), HEARTBEAT_MS);
  }

  /** Answers, and follows the channels until either side ends it. */
  start(headers: Record<string, string>, channels: readonly string[], cursor: Cursor | 'start', now: Date): void {
    this.response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    // Alone on its way, the head is kept as one string; in front of other text, as the thirty that it was made of.
    this.response.flushHeaders();
    this.say(`retry: ${RETRY_MS + Math.round(Math.random() * RETRY_SPREAD_MS)}\n\n`);
    this.session.limitTo(now);
    const subscribed = Promise.all(channels.map((channel) => this.session.subscribe(channel, cursor)));
    // An id without data sets the client's position without an event: from here on nothing is missed.
    void subscribed.then(() => this.say(`id: ${this.session.cursor()}\n\n`));
  }

  /** The client is gone. */
  end(): void {
    this.isEnding = true;
    clearInterval(this.heartbeat);
    this.session.end();
    this.outbox.close();
  }

  close(reason: CloseReason): void {
    this.session.close(reason);
  }

  async reconnect(delayMs: number): Promise<void> {
    if (this.isEnding) return;
    this.session.end();
    this.say(`retry: ${RETRY_MS + delayMs}\nevent: reconnect\ndata: {"delayMs":${delayMs}}\n\n`);
    await Promise.race([this.outbox.drained(), afterLastWords()]);
    await this.hangUp('');
  }

  deliver(message: StreamMessage, cursor: () => string): void {
    const id = `id: ${cursor()}\n`;
    this.outbox.push(id + message.frame, id.length + message.bytes);
  }

  room(): Promise<void> | undefined {
    return this.outbox.room();
  }

  expiring(secondsLeft: number): void {
    this.say(`event: expiring\ndata: {"secondsLeft":${secondsLeft}}\n\n`);
  }

  closed(reason: CloseReason): void {
    const words = `event: closed\ndata: {"reason":"${reason}"}\n\n`;
    // What a revoked token was still to get it does not get; whoever is slow has more waiting than can be said now.
    const isCut = reason === 'slow_consumer' || reason === 'token_revoked';
    const said = isCut ? Promise.resolve() : Promise.race([this.outbox.drained(), afterLastWords()]);
    void said.then(() => this.hangUp(words));
  }

  private say(text: string): void {
    this.outbox.push(text, Buffer.byteLength(text));
  }

  private async hangUp(words: string): Promise<void> {
    if (this.isEnding) return;
    this.isEnding = true;
    clearInterval(this.heartbeat);
    this.outbox.close();
    const ended = new Promise<void>((resolve) => this.response.once('close', resolve));
    this.response.end(words);
    await Promise.race([ended, afterLastWords()]);
    if (this.response.socket) cutOff(this.response.socket);
    this.response.destroy();
  }
}

function afterLastWords(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LAST_WORDS_MS).unref();
  });
}
