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
/** Milliseconds between looks at whether a line has gone silent. */
export const WATCH_MS = 2_000;

/** Ends a line that is not answered in time, and one that falls silent. One timer, however many messages come. */
export class Watch {
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

/** The end of a line that the service refuses. */
export function refusal({ code, message, errors = [] }: NonNullable<Answer['error']>, response?: Response): LineEnd {
  const seconds = Number(response?.headers.get('retry-after') ?? Number.NaN);
  return {
    kind: 'refused',
    code,
    message,
    details: errors.map((problem) => problem.message),
    retryAfterMs: Number.isNaN(seconds) ? undefined : seconds * 1_000,
  };
}
