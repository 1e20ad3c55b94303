import { CarillonError, type Emitter, type MessageContext, type Status } from './events.js';
import { PollingLine, SseLine } from './fetch-lines.js';
import type { Answer, Line, LineClient, LineEnd, Message, TransportName } from './line.js';
import { watchPage } from './page.js';
import { WebsocketLine } from './websocket-line.js';

export interface ConnectionOptions {
  /** Of the service, such as `https://push.example.com`. */
  url: string;
  /** Fetches a realtime token from your backend, whenever a new one is needed. `null`: nobody is signed in any more. */
  getToken: () => Promise<string | null> | string | null;
  /** In the order in which they are tried; default all: `websocket`, `sse`, `polling`. */
  transports?: readonly TransportName[];
  /** Milliseconds after which a better transport than the one that works is tried again, at first; then doubled. Default a minute. */
  upgradeAfterMs?: number;
}

/** Who follows channels over the connection. */
export interface Follower {
  channels(): readonly string[];
  /** For `after`; empty: from now on. */
  cursor(): string;
  cursorIs(cursor: string): void;
  /** May be one that came before. */
  message(message: Message, context: MessageContext): void;
  /** The token does not allow this channel: it is to be left out. */
  forbid(channel: string): void;
  /** Nothing comes any more. */
  over(): void;
}

const ALL_TRANSPORTS: readonly TransportName[] = ['websocket', 'sse', 'polling'];
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

/** Keeps one line to the service open, over the best transport that works, under a token that holds. */
export class Connection {
  private readonly transports: readonly TransportName[];
  private readonly leaving = new AbortController();
  private current: Status = { state: 'idle' };
  private currentToken: string | undefined;
  private line: Line | undefined;
  /** A better one that is being tried while `line` goes on. */
  private candidate: Line | undefined;
  private candidateRung = 0;
  /** Which of the transports is used or tried. */
  private rung = 0;
  /** What was begun under an earlier number is out of date. */
  private attempt = 0;
  private failures = 0;
  private refusedTokens = 0;
  private upgradeMs: number;
  private liveSinceMs: number | undefined;
  private isCatchingUp = true;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private upgradeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly options: ConnectionOptions,
    private readonly events: Emitter,
    private readonly follower: Follower,
  ) {
    this.transports = options.transports ?? ALL_TRANSPORTS;
    if (this.transports.length === 0) throw new TypeError('transports: name one at least');
    this.upgradeMs = options.upgradeAfterMs ?? UPGRADE_MS;
    const news = { back: () => this.comeBack(), offline: () => this.line && this.ended({ kind: 'lost' }) };
    watchPage(news, this.leaving.signal);
  }

  get status(): Status {
    return this.current;
  }

  get token(): string | undefined {
    return this.currentToken;
  }

  connect(): void {
    if (this.current.state === 'idle') void this.open();
  }

  disconnect(): void {
    if (this.current.state === 'closed') return;
    this.hangUp();
    this.become({ state: 'idle' });
  }

  /** For good. */
  close(): void {
    this.hangUp();
    this.leaving.abort();
    this.follower.over();
    this.become({ state: 'closed' });
  }

  /** The follower's channels are others now. */
  refresh(): void {
    this.isCatchingUp = true;
    this.line?.refresh();
    this.candidate?.refresh();
  }

  /** Asks the service; undefined where there is no line that can. */
  ask(event: string, payload: object): Promise<Answer> | undefined {
    return this.current.state === 'open' ? this.line?.ask(event, payload) : undefined;
  }

  private async open(): Promise<void> {
    this.attempt += 1;
    const { attempt } = this;
    clearTimeout(this.retryTimer);
    this.become({ state: 'connecting' });
    if (this.currentToken === undefined && !(await this.fetchToken(attempt))) return;
    if (attempt !== this.attempt) return;
    this.isCatchingUp = true;
    this.line = this.start(this.rung);
  }

  /** @returns whether there is a token; if not, what follows is already under way */
  private async fetchToken(attempt: number): Promise<boolean> {
    try {
      const token = await this.options.getToken();
      if (attempt !== this.attempt) return false;
      this.currentToken = token ?? undefined;
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
    const { follower } = this;
    const line: Line = openLine(this.transports[rung] ?? 'polling', {
      url: this.options.url,
      token: () => this.currentToken ?? '',
      channels: () => follower.channels(),
      cursor: () => follower.cursor(),
      live: () => this.isLive(line, rung),
      message: (message) => follower.message(message, { transport: line.transport, isReplay: this.isCatchingUp }),
      cursorIs: (cursor) => follower.cursorIs(cursor),
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

  /** A grant ends soon: goes on under a new token, in band where that is possible. */
  private async renew(secondsLeft: number): Promise<void> {
    this.events.emit('expiring', { secondsLeft });
    const { line, attempt } = this;
    if (!line || !(await this.fetchToken(attempt)) || line !== this.line) return;
    const answer: Answer | undefined = await line.ask('authenticate', { token: this.currentToken });
    if (answer === undefined) line.refresh();
    else if (answer.error) this.events.emit('error', new CarillonError(answer.error.code, answer.error.message));
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
    const forbidden = code === 'channel_forbidden' ? /^"(.+)" is not allowed/.exec(details[0] ?? '')?.[1] : undefined;
    if (forbidden !== undefined) {
      this.forbid(forbidden);
      void this.open();
      return;
    }
    // That a token ends is nothing unusual.
    if (code !== 'realtime_token_expired') this.events.emit('error', new CarillonError(code, message));
    if (FINAL_CODES.has(code)) this.giveUp(code);
    else if (code.startsWith('realtime_token_')) this.tokenEnded(code);
    else this.retry(retryAfterMs);
  }

  private tokenEnded(reason: string): void {
    if (reason !== 'slow_consumer') {
      this.currentToken = undefined;
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

  private forbid(channel: string): void {
    this.follower.forbid(channel);
    this.events.emit('error', new CarillonError('channel_forbidden', `The token does not allow "${channel}".`));
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

function openLine(transport: TransportName, client: LineClient): Line {
  if (transport === 'websocket') return new WebsocketLine(client);
  return transport === 'sse' ? new SseLine(client) : new PollingLine(client);
}
