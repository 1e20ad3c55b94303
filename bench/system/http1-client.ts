import { connect, type Socket } from 'node:net';

/** Called with the status of an answer; 0 when the connection ended before it. */
type Answered = (status: number, body: string) => void;

/**
 * One kept-alive connection that sends one request at a time, at a tenth of what an HTTP library costs: the client shares
 * the machine with what it measures. Understands answers with a `content-length`, which is what the api sends.
 */
export class Http1Client {
  private received = '';
  private answered: Answered | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.onChunk(chunk));
    socket.on('error', () => this.end(0, ''));
    socket.on('close', () => this.end(0, ''));
  }

  static open(port: number): Promise<Http1Client> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Http1Client(socket));
      });
    });
  }

  /** @param bytes head and body, characters below 256 */
  send(bytes: string, answered: Answered): void {
    this.answered = answered;
    if (this.socket.writable) this.socket.write(bytes, 'latin1');
    else this.end(0, '');
  }

  close(): void {
    this.socket.destroy();
  }

  private onChunk(chunk: string): void {
    this.received = this.received === '' ? chunk : this.received + chunk;
    const headEnd = this.received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.received.slice(0, headEnd))?.[1];
    const body = this.received.slice(headEnd + 4);
    if (body.length < Number(length ?? 0)) return;
    const status = Number(this.received.slice(9, 12));
    this.received = '';
    this.end(status, body);
  }

  private end(status: number, body: string): void {
    const { answered } = this;
    this.answered = undefined;
    answered?.(status, body);
  }
}

/** Builds the requests of one caller to one route. */
export function postOf(port: number, path: string, key: string): (idempotencyKey: string, body: string) => string {
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`;
  return (idempotencyKey, body) =>
    `${head}Idempotency-Key: ${idempotencyKey}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
