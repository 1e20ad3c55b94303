import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call as it arrived. */
export interface ReceivedCall {
  id: string;
  headers: IncomingHttpHeaders;
  raw: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test states what it expects of the body, field by field
  body: any;
}

export type Answering = (response: ServerResponse, call: ReceivedCall) => void;

/** Answers with this status and nothing else. */
export function answering(status: number, headers: Record<string, string> = {}): Answering {
  return (response) => response.writeHead(status, headers).end();
}

/** A customer's endpoint: a real HTTP server that keeps what it was told. */
export class WebhookReceiver {
  readonly calls: ReceivedCall[] = [];
  /** Calls that are not answered yet, and the most there have been. */
  open = 0;
  mostOpen = 0;

  private constructor(
    readonly url: string,
    readonly close: () => Promise<void>,
    /** May be changed at any time. */
    public answer: Answering,
  ) {}

  static async start(answer: Answering = answering(204)): Promise<WebhookReceiver> {
    let receiver: WebhookReceiver | undefined;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const raw = Buffer.concat(chunks).toString();
        const body = request.method === 'POST' ? JSON.parse(raw) : undefined;
        receiver?.receive({ id: String(request.headers['webhook-id']), headers: request.headers, raw, body }, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    receiver = new WebhookReceiver(`http://127.0.0.1:${port}/hook?of=test`, close, answer);
    return receiver;
  }

  get types(): string[] {
    return this.calls.map(({ body }) => body.type);
  }

  private receive(call: ReceivedCall, response: ServerResponse): void {
    this.calls.push(call);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    response.once('close', () => {
      this.open -= 1;
    });
    this.answer(response, call);
  }
}
