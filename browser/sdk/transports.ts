/** How messages come: WebSocket (Socket.IO's protocol), server-sent events, long polling. */
export type TransportName = 'websocket' | 'sse' | 'polling';

/** A message of a channel, as the service says it. */
export interface Message<Data = unknown> {
  /** `<epoch>-<seq>` */
  id: string;
  channel: string;
  event: string;
  data: Data;
  /** RFC 3339. */
  at: string;
}

/** Why a line ended. */
export type LineEnd =
  /** The network, or the service without a word. */
  | { kind: 'lost' }
  /** The service wants the client back after this time. */
  | { kind: 'reconnect'; delayMs: number }
  /** The grant is over, or the client read too slowly. */
  | { kind: 'closed'; reason: string }
  | { kind: 'refused'; code: string; message: string; details: readonly string[]; retryAfterMs: number | undefined };

/** What a line reads from its client, and tells it. Nothing is told after `ended`. */
export interface LineClient {
  /** Without a slash at the end. */
  readonly url: string;
  token(): string;
  channels(): readonly string[];
  /** For `after`; empty: from now on. */
  cursor(): string;
  /** The channels are live: what was missed has been handed over. */
  live(): void;
  message(message: Message): void;
  cursorIs(cursor: string): void;
  expiring(secondsLeft: number): void;
  ended(end: LineEnd): void;
}

/** One connection over one transport. */
export interface Line {
  readonly transport: TransportName;
  /** The client's channels are others now, or its token is. */
  refresh(): void;
  /** Asks the service in band, where the transport can; undefined where it cannot. */
  ask(event: string, payload: object): Promise<Answer> | undefined;
  /** Ends it without a word to the client. */
  close(): void;
}

/** What the service acknowledges a request with. */
export interface Answer {
  id?: string;
  cursor?: string;
  dropped?: string[];
  error?: { code: string; message: string; errors?: { path: string; message: string }[] };
}

/** Milliseconds within which the service has to answer at all. */
const OPEN_MS = 10_000;
/** Milliseconds between heartbeats of a stream; two that do not come mean a broken line. */
const SSE_HEARTBEAT_MS = 15_000;
const POLL_WAIT_SECONDS = 25;
/** Milliseconds that an answer may take beyond its wait. */
const POLL_GRACE_MS = 10_000;
/** Milliseconds between looks at whether a line has gone silent. */
const WATCH_MS = 2_000;

export function openLine(transport: TransportName, client: LineClient): Line {
  if (transport === 'websocket') return new WebsocketLine(client);
  return transport === 'sse' ? new SseLine(client) : new PollingLine(client);
}

/** RFC 9457, as far as it is read here. */
interface Problem {
  code: string;
  detail: string;
  errors: { path: string; message: string }[];
}

/** What the service says beside messages. */
interface Control {
  secondsLeft?: number;
  reason?: string;
  delayMs?: number;
}

/** Ends a line that is not answered in time, and one that falls silent. One timer, however many messages come. */
class Watch {
  private heardMs = performance.now();
  private limitMs = OPEN_MS;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(onSilence: () => void) {
    this.timer = setInterval(() => {
      if (performance.now() - this.heardMs > this.limitMs) onSilence();
    }, WATCH_MS);
  }

  heard(): void {
    this.heardMs = performance.now();
  }

  allow(silenceMs: number): void {
    this.limitMs = silenceMs;
    this.heard();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

/** Engine.IO 4 and Socket.IO 5, as far as they are needed here. @see https://socket.io/docs/v4/engine-io-protocol/ */
class WebsocketLine implements Line {
  readonly transport = 'websocket';
  private readonly socket: WebSocket;
  private readonly watch = new Watch(() => this.end({ kind: 'lost' }));
  private readonly asked = new Map<number, (answer: Answer) => void>();
  private askedSoFar = 0;
  private followed = new Set<string>();
  private isIn = false;
  private isOver = false;
  private parting: LineEnd = { kind: 'lost' };

  constructor(private readonly client: LineClient) {
    this.socket = new WebSocket(`${client.url.replace(/^http/, 'ws')}/realtime/?EIO=4&transport=websocket`);
    this.socket.onmessage = ({ data }) => this.take(String(data));
    this.socket.onclose = () => this.end(this.parting);
    this.socket.onerror = () => this.end(this.parting);
  }

  refresh(): void {
    if (!this.isIn) return;
    const wanted = new Set(this.client.channels());
    const added = [...wanted].filter((channel) => !this.followed.has(channel));
    const removed = [...this.followed].filter((channel) => !wanted.has(channel));
    this.followed = wanted;
    if (removed.length > 0) void this.ask('unsubscribe', { channels: removed });
    if (added.length > 0) void this.follow(added);
    else this.client.live();
  }

  ask(event: string, payload: object): Promise<Answer> {
    const number = this.askedSoFar++;
    return new Promise((resolve) => {
      this.asked.set(number, resolve);
      this.socket.send(`42${number}${JSON.stringify([event, payload])}`);
    });
  }

  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.watch.stop();
    const error = { code: 'unanswered', message: 'The connection ended before the answer.' };
    for (const answer of this.asked.values()) answer({ error });
    this.socket.onmessage = null;
    this.socket.onclose = null;
    this.socket.close();
  }

  private async follow(channels: readonly string[]): Promise<void> {
    const after = this.client.cursor();
    const answer = await this.ask('subscribe', { channels, ...(after !== '' && { after }) });
    if (this.isOver) return;
    if (answer.error) {
      this.end(refusal(answer.error));
      return;
    }
    if (answer.cursor !== undefined) this.client.cursorIs(answer.cursor);
    this.client.live();
  }

  private take(packet: string): void {
    this.watch.heard();
    const kind = packet.slice(0, packet.startsWith('4') ? 2 : 1);
    const rest = packet.slice(kind.length);
    if (kind === '2') this.socket.send('3');
    else if (kind === '0') this.enter(JSON.parse(rest));
    else if (kind === '40') {
      this.isIn = true;
      this.refresh();
    } else if (kind === '44') this.end(refusal(JSON.parse(rest).data ?? { code: 'refused', message: 'refused' }));
    else if (kind === '42') this.hear(JSON.parse(rest));
    else if (kind === '43') {
      const start = rest.indexOf('[');
      const number = Number(rest.slice(0, start));
      this.asked.get(number)?.(JSON.parse(rest.slice(start))[0]);
      this.asked.delete(number);
    } else if (kind === '41' || kind === '1') this.end(this.parting);
  }

  private enter({ pingInterval, pingTimeout }: { pingInterval: number; pingTimeout: number }): void {
    this.watch.allow(pingInterval + pingTimeout);
    this.socket.send(`40${JSON.stringify({ token: this.client.token() })}`);
  }

  private hear([event, first, cursor]: [string, Message | Control, string]): void {
    if (event === 'message') {
      this.client.message(first as Message);
      this.client.cursorIs(cursor);
      return;
    }
    const { secondsLeft = 0, reason = '', delayMs = 0 } = first as Control;
    if (event === 'expiring') this.client.expiring(secondsLeft);
    else if (event === 'closed') this.parting = { kind: 'closed', reason };
    else if (event === 'reconnect') this.end({ kind: 'reconnect', delayMs });
  }

  private end(end: LineEnd): void {
    if (this.isOver) return;
    this.close();
    this.client.ended(end);
  }
}

/** What both transports over `fetch` have in common: a request after the other, until one fails. */
abstract class FetchLine implements Line {
  abstract readonly transport: TransportName;
  protected readonly watch = new Watch(() => this.end({ kind: 'lost' }));
  protected isOver = false;
  protected request = new AbortController();
  private isAgain = false;

  constructor(protected readonly client: LineClient) {
    // The client has to know its line before the line speaks.
    queueMicrotask(() => void this.run());
  }

  /** Both stand in the request: the next one has them. */
  refresh(): void {
    this.isAgain = true;
    this.request.abort();
  }

  ask(): undefined {
    return undefined;
  }

  close(): void {
    this.isOver = true;
    this.watch.stop();
    this.request.abort();
  }

  /** One request for the channels of the moment, to its end. */
  protected abstract once(): Promise<void>;

  protected async get(path: string, more: Record<string, string>): Promise<Response> {
    const after = this.client.cursor();
    const query = new URLSearchParams({ channels: this.client.channels().join(), ...(after && { after }), ...more });
    const response = await fetch(`${this.client.url}${path}?${query}`, {
      headers: { authorization: `Bearer ${this.client.token()}` },
      cache: 'no-store',
      signal: this.request.signal,
    });
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    const { code = `http_${response.status}`, detail = response.statusText, errors = [] } = problem;
    throw new Refused(refusal({ code, message: detail, errors }, response));
  }

  protected end(end: LineEnd): void {
    if (this.isOver) return;
    this.close();
    this.client.ended(end);
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      this.request = new AbortController();
      this.isAgain = false;
      try {
        if (this.client.channels().length === 0) await this.idle();
        else await this.once();
      } catch (error) {
        if (this.isAgain && !this.isOver) continue;
        this.end(error instanceof Refused ? error.end : { kind: 'lost' });
      }
    }
  }

  /** Nothing to ask for: waits for a first channel. */
  private idle(): Promise<void> {
    this.watch.allow(Number.POSITIVE_INFINITY);
    this.client.live();
    return new Promise((resolve) => {
      this.request.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** Server-sent events by `fetch`, which can send the token as a header, everywhere. */
class SseLine extends FetchLine {
  readonly transport = 'sse';

  protected async once(): Promise<void> {
    const { body } = await this.get('/v1/realtime/events', {});
    if (body === null) throw new TypeError('the stream has no body');
    this.watch.allow(2 * SSE_HEARTBEAT_MS + WATCH_MS);
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new TypeError('the stream ended');
      this.watch.heard();
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) if (!this.isOver) this.dispatch(block);
    }
  }

  private dispatch(block: string): void {
    const fields: { id?: string; event?: string; data?: string } = {};
    for (const line of block.split('\n')) {
      const [, name = '', value = ''] = /^(id|event|data): (.*)$/.exec(line) ?? [];
      if (name !== '') Object.assign(fields, { [name]: value });
    }
    const { id, event, data = '{}' } = fields;
    const said = JSON.parse(data);
    if (event === 'expiring') this.client.expiring(said.secondsLeft);
    else if (event === 'closed') this.end({ kind: 'closed', reason: said.reason });
    else if (event === 'reconnect') this.end({ kind: 'reconnect', delayMs: said.delayMs });
    else if (event !== undefined) this.client.message(said);
    if (id === undefined || this.isOver) return;
    this.client.cursorIs(id);
    // An id alone: the channels are live from here on.
    if (event === undefined) this.client.live();
  }
}

class PollingLine extends FetchLine {
  readonly transport = 'polling';
  /** The first poll of a set of channels waits for nothing: it says where they begin. */
  private known = '';

  protected async once(): Promise<void> {
    const channels = this.client.channels().join();
    const waitSeconds = channels === this.known ? POLL_WAIT_SECONDS : 0;
    this.watch.allow(waitSeconds * 1_000 + POLL_GRACE_MS);
    const response = await this.get('/v1/realtime/poll', { waitSeconds: String(waitSeconds) });
    const isEmpty = response.status === 204;
    const { messages, cursor } = isEmpty
      ? { messages: [], cursor: response.headers.get('x-cursor') ?? '' }
      : ((await response.json()) as { messages: Message[]; cursor: string });
    if (this.isOver) return;
    for (const message of messages) this.client.message(message);
    this.client.cursorIs(cursor);
    // What is left of a replay comes with the next one; an empty answer is its end.
    if (isEmpty || waitSeconds > 0) {
      this.known = channels;
      this.client.live();
    }
  }
}

class Refused extends Error {
  constructor(readonly end: LineEnd) {
    super('refused');
  }
}

function refusal({ code, message, errors = [] }: NonNullable<Answer['error']>, response?: Response): LineEnd {
  const seconds = Number(response?.headers.get('retry-after') ?? Number.NaN);
  return {
    kind: 'refused',
    code,
    message,
    details: errors.map((problem) => problem.message),
    retryAfterMs: Number.isNaN(seconds) ? undefined : seconds * 1_000,
  };
}
