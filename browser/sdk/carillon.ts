import { Positions } from './cursor.js';
import { CarillonError, type CarillonEvents, Emitter, type MessageHandler, type Status } from './events.js';
import { isInFront, NotificationCopies } from './notification-copies.js';
import { watchPage } from './page.js';
import { request } from './requests.js';
import { type Answer, type Line, type LineEnd, type Message, openLine, type TransportName } from './transports.js';

export type { CarillonEvents, MessageContext, MessageHandler, Status } from './events.js';
export type { Message, TransportName };
export { CarillonError };

export interface CarillonOptions {
  /** Of the service, such as `https://push.example.com`. */
  url: string;
  /** Fetches a realtime token from your backend, whenever a new one is needed. `null`: nobody is signed in any more. */
  getToken: () => Promise<string | null> | string | null;
  /** In the order in which they are tried; default all: `websocket`, `sse`, `polling`. */
  transports?: readonly TransportName[];
  /** Tell the service of each notification of the inbox that was handled here while the page was visible. Default true. */
  acknowledge?: boolean;
  /** Milliseconds after which a better transport than the one that works is tried again, at first; then doubled. Default a minute. */
  upgradeAfterMs?: number;
}

const ALL_TRANSPORTS: readonly TransportName[] = ['websocket', 'sse', 'polling'];
const MAX_CHANNELS = 50;
const MAX_DATA_BYTES = 65_536;
/** Milliseconds: the first wait is up to this by chance, so that thousands do not come at once; each further one up to twice as much. */
const RETRY_MS = 5_000;
const MAX_RETRY_MS = 30_000;
/** Milliseconds after which a connection that ends was a good one. */
const STABLE_MS = 10_000;
/** Milliseconds over which clients whose tokens end together fetch others. */
const RENEWAL_SPREAD_MS = 1_000;
const UPGRADE_MS = 60_000;
const MAX_UPGRADE_MS = 900_000;
/** So many bad connections, or refused tokens, in a row mean that the next will be no better. */
const MAX_BAD = 3;
/** What no further try will change. */
const FINAL_CODES = new Set(['origin_not_allowed', 'invalid_request']);

/** Follows channels: one connection at a time, over whatever transport works, going on where the last one ended. */
export class Carillon {
  private readonly url: string;
  private readonly transports: readonly TransportName[];
  private readonly handlers = new Map<string, Set<MessageHandler>>();
  private readonly events = new Emitter();
  private readonly positions = new Positions();
  private readonly copies = new NotificationCopies();
  private readonly leaving = new AbortController();
  private current: Status = { state: 'idle' };
  private token: string | undefined;
  private line: Line | undefined;
  /** A better one that is being tried while `line` goes on. */
  private candidate: Line | undefined;
  private candidateRung = 0;
  /** Which of the transports is used or tried. */
  private rung = 0;
  private attempt = 0;
  private failures = 0;
  private refusedTokens = 0;
  private upgradeMs: number;
  private liveSinceMs: number | undefined;
  private isCatchingUp = true;
  private isSyncing = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private upgradeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: CarillonOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.transports = options.transports ?? ALL_TRANSPORTS;
    if (this.transports.length === 0) throw new TypeError('transports: name one at least');
    this.upgradeMs = options.upgradeAfterMs ?? UPGRADE_MS;
    const news = { back: () => this.comeBack(), offline: () => this.line && this.ended({ kind: 'lost' }) };
    watchPage(news, this.leaving.signal);
  }

  get status(): Status {
    return this.current;
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
    const { state, transport } = this.current;
    const asked = state === 'open' ? this.line?.ask('message', { channel, event, data: data ?? null }) : undefined;
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
    return request(url, { method: 'POST', bearer: this.token, body: { notificationId } });
  }

  /** Connects again after {@link disconnect}; the channels go on where they were. */
  connect(): void {
    if (this.current.state === 'idle') void this.open();
  }

  /** Ends the connection and keeps everything else. */
  disconnect(): void {
    if (this.current.state === 'closed') return;
    this.hangUp();
    this.become({ state: 'idle' });
  }

  /** Ends it for good. */
  close(): void {
    this.hangUp();
    this.handlers.clear();
    this.leaving.abort();
    this.copies.close();
    this.become({ state: 'closed' });
  }

  private async open(): Promise<void> {
    this.attempt += 1;
    const { attempt } = this;
    clearTimeout(this.retryTimer);
    this.become({ state: 'connecting' });
    if (this.token === undefined && !(await this.fetchToken(attempt))) return;
    if (attempt !== this.attempt) return;
    this.isCatchingUp = true;
    this.line = this.start(this.rung);
  }

  /** @returns whether there is a token; if not, what follows is already under way */
  private async fetchToken(attempt: number): Promise<boolean> {
    try {
      const token = await this.options.getToken();
      if (attempt !== this.attempt) return false;
      this.token = token ?? undefined;
      if (token === null) this.giveUp('signed_out');
      return token !== null;
    } catch (cause) {
      if (attempt !== this.attempt) return false;
      this.events.emit('error', new CarillonError('token_unavailable', 'getToken failed', { cause }));
      if (this.line === undefined) this.retry();
      return false;
    }
  }

  private start(rung: number): Line {
    const line: Line = openLine(this.transports[rung] ?? 'polling', {
      url: this.url,
      token: () => this.token ?? '',
      channels: () => [...this.handlers.keys()],
      cursor: () => this.cursor,
      live: () => this.isLive(line, rung),
      message: (message) => this.take(message, line.transport),
      cursorIs: (cursor) => this.positions.take(this.handlers.keys(), cursor),
      expiring: (secondsLeft) => void this.renew(secondsLeft),
      ended: (end) => (line === this.candidate ? this.candidateEnded() : this.ended(end)),
    });
    return line;
  }

  private isLive(line: Line, rung: number): void {
    if (line === this.candidate) {
      this.line?.close();
      this.line = line;
      this.candidate = undefined;
      this.rung = rung;
    }
    this.isCatchingUp = false;
    if (this.current.state === 'open' && this.current.transport === line.transport) return;
    this.refusedTokens = 0;
    this.liveSinceMs = performance.now();
    this.become({ state: 'open', transport: line.transport });
    this.planUpgrade();
  }

  private take(message: Message, transport: TransportName): void {
    const { channel, id, event, data } = message;
    const handlers = this.handlers.get(channel);
    if (!handlers) return;
    const gap = event === 'gap' ? (data as { from: string | null; to: string }) : undefined;
    if (!this.positions.advance(channel, id, gap?.from)) return;
    if (gap) {
      this.events.emit('gap', { channel, ...gap });
      return;
    }
    const context = { transport, isReplay: this.isCatchingUp };
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

  /** A grant ends soon: goes on under a new token, in band where that is possible. */
  private async renew(secondsLeft: number): Promise<void> {
    this.events.emit('expiring', { secondsLeft });
    const { line, attempt } = this;
    if (!line || !(await this.fetchToken(attempt)) || line !== this.line) return;
    const answer: Answer | undefined = await line.ask('authenticate', { token: this.token });
    if (answer === undefined) line.refresh();
    for (const channel of answer?.dropped ?? []) this.forbid(channel);
  }

  private ended(end: LineEnd): void {
    const livedMs = this.liveSinceMs === undefined ? undefined : performance.now() - this.liveSinceMs;
    if (livedMs !== undefined && livedMs > STABLE_MS) this.failures = 0;
    this.hangUp();
    // The service spreads its clients itself.
    if (end.kind === 'reconnect') this.openIn(end.delayMs);
    else if (end.kind === 'closed') {
      this.events.emit('closed', { reason: end.reason });
      this.tokenEnded(end.reason);
    } else if (end.kind === 'refused' && !end.code.startsWith('http_')) this.refused(end);
    else this.lost(livedMs !== undefined, end.kind === 'refused' ? end.retryAfterMs : undefined);
  }

  private lost(wasLive: boolean, retryAfterMs: number | undefined): void {
    const isBad = !wasLive || this.failures >= MAX_BAD;
    if (isBad) this.rung += 1;
    // Another transport at once; when none of them works, all of them later.
    if (isBad && this.rung < this.transports.length) void this.open();
    else {
      this.rung %= this.transports.length;
      this.retry(retryAfterMs);
    }
  }

  private refused({ code, message, details, retryAfterMs }: Extract<LineEnd, { kind: 'refused' }>): void {
    // That a token ends is nothing unusual.
    if (code !== 'realtime_token_expired') this.events.emit('error', new CarillonError(code, message));
    const forbidden = code === 'channel_forbidden' ? /^"(.+)" is not allowed/.exec(details[0] ?? '')?.[1] : undefined;
    if (forbidden !== undefined) {
      this.forbid(forbidden);
      void this.open();
    } else if (FINAL_CODES.has(code)) this.giveUp(code);
    else if (code.startsWith('realtime_token_')) this.tokenEnded(code);
    else this.retry(retryAfterMs);
  }

  private tokenEnded(reason: string): void {
    if (reason !== 'slow_consumer') {
      this.token = undefined;
      this.refusedTokens += 1;
    }
    const isOnlyOld = reason.endsWith('token_expired') && this.refusedTokens === 1;
    if (this.refusedTokens >= MAX_BAD) this.giveUp(reason);
    else if (isOnlyOld) this.openIn(Math.random() * RENEWAL_SPREAD_MS);
    else this.retry();
  }

  /** @param minMs what the service asked for; chance comes on top */
  private retry(minMs = 0): void {
    const chance = Math.random() * Math.min(RETRY_MS * 2 ** this.failures, MAX_RETRY_MS);
    this.failures += 1;
    this.openIn(minMs + chance);
  }

  private openIn(ms: number): void {
    this.hangUp();
    const retryInMs = Math.round(ms);
    this.retryTimer = setTimeout(() => void this.open(), retryInMs);
    this.become({ state: 'waiting', retryInMs });
  }

  private giveUp(reason: string): void {
    this.close();
    this.events.emit('closed', { reason });
  }

  private planUpgrade(): void {
    clearTimeout(this.upgradeTimer);
    if (this.rung === 0) {
      this.upgradeMs = this.options.upgradeAfterMs ?? UPGRADE_MS;
      return;
    }
    this.candidateRung = 0;
    this.upgradeTimer = setTimeout(
      () => {
        this.candidate = this.start(0);
      },
      this.upgradeMs * (0.5 + Math.random()),
    );
    this.upgradeMs = Math.min(this.upgradeMs * 2, MAX_UPGRADE_MS);
  }

  private candidateEnded(): void {
    this.candidateRung += 1;
    this.candidate = this.candidateRung < this.rung ? this.start(this.candidateRung) : undefined;
    if (!this.candidate) this.planUpgrade();
  }

  /** Calls in one turn change the channels once. */
  private sync(): void {
    if (this.isSyncing) return;
    this.isSyncing = true;
    queueMicrotask(() => {
      this.isSyncing = false;
      this.isCatchingUp = true;
      this.line?.refresh();
      this.candidate?.refresh();
    });
  }

  private drop(channel: string): void {
    this.handlers.delete(channel);
    this.positions.forget(channel);
    this.sync();
  }

  private forbid(channel: string): void {
    this.drop(channel);
    this.events.emit('error', new CarillonError('channel_forbidden', `The token does not allow "${channel}".`));
  }

  private hangUp(): void {
    this.attempt += 1;
    clearTimeout(this.retryTimer);
    clearTimeout(this.upgradeTimer);
    this.line?.close();
    this.candidate?.close();
    this.line = undefined;
    this.candidate = undefined;
    this.liveSinceMs = undefined;
  }

  /** Who comes back to the page, or to the network, does not want to wait. */
  private comeBack(): void {
    if (this.current.state === 'waiting') void this.open();
  }

  private become(status: Status): void {
    this.current = status;
    this.events.emit('status', status);
  }
}
