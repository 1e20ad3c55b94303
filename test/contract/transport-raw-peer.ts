import type { TLSSocket } from 'node:tls';
import { type Peer, startTls } from './transport-peers.js';

const PREFACE_BYTES = 24;
const FRAME = { data: 0, headers: 1, rst: 3, settings: 4, ping: 6, goaway: 7 } as const;
const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const ACK = 0x1;
/** HPACK, static table, index 8: `:status: 200`. */
const STATUS_200 = Buffer.from([0x88]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One HTTP/2 connection with hand-written frames, for what a proper server never does. */
export class RawConnection {
  /** Streams whose request has fully arrived. */
  readonly requests: number[] = [];
  pings = 0;
  answersPings: boolean;
  private buffer: Buffer = Buffer.alloc(0);
  private hasPreface = false;
  private hasSentSettings = false;
  private owesAck = false;

  constructor(
    readonly socket: TLSSocket,
    options: RawOptions,
    private readonly onRequest: (connection: RawConnection, stream: number) => void,
  ) {
    this.answersPings = options.answersPings ?? true;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    if (options.maxConcurrentStreams !== 'withheld') this.settings(options.maxConcurrentStreams);
  }

  private read(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    if (!this.hasPreface && this.buffer.length >= PREFACE_BYTES) {
      this.buffer = this.buffer.subarray(PREFACE_BYTES);
      this.hasPreface = true;
    }
    while (this.hasPreface && this.buffer.length >= 9) {
      const length = this.buffer.readUIntBE(0, 3);
      if (this.buffer.length < 9 + length) return;
      const frame = this.buffer.subarray(0, 9 + length);
      this.buffer = this.buffer.subarray(9 + length);
      this.onFrame(frame[3] ?? 0, frame[4] ?? 0, frame.readUInt32BE(5), frame.subarray(9));
    }
  }

  private onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    const isRequestEnd = (type === FRAME.headers || type === FRAME.data) && (flags & END_STREAM) !== 0;
    if (type === FRAME.settings && (flags & ACK) === 0) this.acknowledgeSettings();
    if (type === FRAME.ping && (flags & ACK) === 0) {
      this.pings += 1;
      if (this.answersPings) this.write(FRAME.ping, ACK, 0, payload);
    }
    if (!isRequestEnd) return;
    this.requests.push(stream);
    this.onRequest(this, stream);
  }

  private write(type: number, flags: number, stream: number, payload: Buffer): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    this.socket.write(Buffer.concat([head, payload]));
  }

  /** A peer's first frame must be its own SETTINGS. */
  private acknowledgeSettings(): void {
    this.owesAck = !this.hasSentSettings;
    if (!this.owesAck) this.write(FRAME.settings, ACK, 0, Buffer.alloc(0));
  }

  /** @param maxConcurrentStreams absent: the setting is left out, so no limit */
  settings(maxConcurrentStreams?: number): void {
    const value = maxConcurrentStreams;
    const payload = value === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0, 3]), uint32(value)]);
    this.write(FRAME.settings, 0, 0, payload);
    this.hasSentSettings = true;
    if (this.owesAck) this.acknowledgeSettings();
  }

  respond(stream: number): void {
    this.write(FRAME.headers, END_HEADERS | END_STREAM, stream, STATUS_200);
  }

  respondHead(stream: number): void {
    this.write(FRAME.headers, END_HEADERS, stream, STATUS_200);
  }

  data(stream: number, body: string, isLast: boolean): void {
    this.write(FRAME.data, isLast ? END_STREAM : 0, stream, Buffer.from(body));
  }

  rst(stream: number, code: number): void {
    this.write(FRAME.rst, 0, stream, uint32(code));
  }

  goaway(lastStream: number, code: number): void {
    this.write(FRAME.goaway, 0, 0, Buffer.concat([uint32(lastStream), uint32(code), Buffer.from('{"reason":"x"}')]));
  }
}

export interface RawOptions {
  maxConcurrentStreams?: number | 'withheld';
  answersPings?: boolean;
}

/** A TLS server whose connections speak HTTP/2 exactly as the test says. */
export async function startRaw(
  onRequest: (connection: RawConnection, stream: number) => void,
  options: RawOptions = {},
): Promise<Peer & { connections: RawConnection[] }> {
  const connections: RawConnection[] = [];
  const onSocket = (socket: TLSSocket): void => {
    connections.push(new RawConnection(socket, options, onRequest));
  };
  return { ...(await startTls(onSocket, { ALPNProtocols: ['h2'] })), connections };
}
