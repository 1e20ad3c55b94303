import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { expect } from 'vitest';
import { type Answer, call, type TestApi } from './app.js';

export interface SseEvent {
  /** The client's last event id after this event. */
  id: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test states what it expects of the data, field by field
  data: any;
}

export interface SseOptions {
  token?: string;
  lastEventId?: string;
  headers?: Record<string, string>;
  /** False: the answer's body is never read. Default true. */
  isReading?: boolean;
}

/** A reader of server-sent events that does what the standard says of a browser's, but never reconnects by itself. */
export class SseClient {
  readonly events: SseEvent[] = [];
  comments = 0;
  retryMs: number | undefined;
  lastEventId: string;
  isEnded = false;
  private rest = '';

  private constructor(
    readonly response: IncomingMessage,
    lastEventId: string,
    isReading: boolean,
  ) {
    this.lastEventId = lastEventId;
    response.on('close', () => {
      this.isEnded = true;
    });
    response.on('error', () => undefined);
    if (!isReading) return;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.read(text));
  }

  static open(api: Pick<TestApi, 'baseUrl'>, query: string, options: SseOptions = {}): Promise<SseClient> {
    const { token, lastEventId, headers = {}, isReading = true } = options;
    return new Promise((resolve, reject) => {
      const request = get(
        `${api.baseUrl}/v1/realtime/events?${query}`,
        {
          agent: false,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
            ...headers,
          },
        },
        (response) => resolve(new SseClient(response, lastEventId ?? '', isReading)),
      );
      request.on('error', reject);
    });
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.response.headers;
  }

  /** What is no control event of the stream. */
  get messages(): SseEvent[] {
    return this.events.filter(({ event }) => !['expiring', 'closed', 'reconnect'].includes(event));
  }

  named(event: string): SseEvent[] {
    return this.events.filter((one) => one.event === event);
  }

  close(): void {
    this.response.destroy();
  }

  private read(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) this.dispatch(block);
  }

  private dispatch(block: string): void {
    let event = 'message';
    let data: string | undefined;
    for (const line of block.split('\n')) {
      const [, field = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
      if (line.startsWith(':')) this.comments += 1;
      else if (field === 'id') this.lastEventId = value;
      else if (field === 'event') event = value;
      else if (field === 'retry') this.retryMs = Number(value);
      else if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    }
    if (data !== undefined) this.events.push({ id: this.lastEventId, event, data: JSON.parse(data) });
  }
}

/** A realtime token of the application that the key belongs to. */
export async function tokenFor(
  api: Pick<TestApi, 'baseUrl'>,
  key: string,
  body: { userId?: string; channels?: string[]; presence?: string[]; ttlSeconds?: number } = {},
): Promise<{ token: string; jti: string; expiresAt: string }> {
  const answer = await call(api, 'POST', '/v1/realtime/tokens', {
    key,
    body: { userId: 'u-1', channels: ['*'], ...body },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

export function publish(
  api: Pick<TestApi, 'baseUrl'>,
  key: string,
  channel: string,
  data: unknown,
  event = 'line',
): Promise<Answer> {
  return call(api, 'POST', `/v1/realtime/channels/${channel}/messages`, { key, body: { event, data } });
}
