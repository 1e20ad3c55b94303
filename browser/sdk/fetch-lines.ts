import {
  type Line,
  type LineClient,
  type LineEnd,
  type Message,
  refusal,
  type TransportName,
  WATCH_MS,
  Watch,
} from './line.js';

/** Milliseconds between heartbeats of a stream; two that do not come mean a broken line. */
const SSE_HEARTBEAT_MS = 15_000;
const POLL_WAIT_SECONDS = 25;
/** Milliseconds that an answer may take beyond its wait. */
const POLL_GRACE_MS = 10_000;

/** RFC 9457, as far as it is read here. */
interface Problem {
  code: string;
  detail: string;
  errors: { path: string; message: string }[];
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
export class SseLine extends FetchLine {
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

/** Long polling. */
export class PollingLine extends FetchLine {
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
