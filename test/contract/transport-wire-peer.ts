import type { TLSSocket } from 'node:tls';
import { type Peer, startTls } from './transport-peers.js';

const PREFACE_BYTES = 24;
export const SETTINGS = frame(4, 0, 0);
const SETTINGS_ACK = frame(4, 1, 0);

/** A frame's bytes. A payload given as text is hexadecimal. */
export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

export interface SeenFrame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** One connection on which the test sends any bytes, and looks at the client's frames. */
export class ScriptedConnection {
  readonly seen: SeenFrame[] = [];
  private buffer: Buffer = Buffer.alloc(0);
  private isPastPreface = false;

  constructor(
    readonly socket: TLSSocket,
    private readonly onRequest: (connection: ScriptedConnection, stream: number) => void,
    greeting: Buffer,
  ) {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    if (greeting.length > 0) socket.write(greeting);
  }

  /** Frames of one type that have arrived. */
  of(type: number): SeenFrame[] {
    return this.seen.filter((seen) => seen.type === type);
  }

  send(...parts: Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  private read(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    if (!this.isPastPreface) {
      if (this.buffer.length < PREFACE_BYTES) return;
      this.buffer = this.buffer.subarray(PREFACE_BYTES);
      this.isPastPreface = true;
    }
    while (this.buffer.length >= 9) {
      const end = 9 + this.buffer.readUIntBE(0, 3);
      if (this.buffer.length < end) return;
      const [type, flags] = [this.buffer[3] ?? 0, this.buffer[4] ?? 0];
      const seen = { type, flags, stream: this.buffer.readUInt32BE(5), payload: this.buffer.subarray(9, end) };
      this.buffer = this.buffer.subarray(end);
      this.seen.push(seen);
      if (type === 4 && (flags & 1) === 0) this.send(SETTINGS_ACK);
      if (type <= 1 && (flags & 1) !== 0) this.onRequest(this, seen.stream);
    }
  }
}

/** @param greeting what the server says first; by default empty SETTINGS */
export async function startScripted(
  onRequest: (connection: ScriptedConnection, stream: number) => void,
  greeting: Buffer = SETTINGS,
): Promise<Peer & { connections: ScriptedConnection[] }> {
  const connections: ScriptedConnection[] = [];
  const onSocket = (socket: TLSSocket): void => {
    connections.push(new ScriptedConnection(socket, onRequest, greeting));
  };
  return { ...(await startTls(onSocket, { ALPNProtocols: ['h2'] })), connections };
}
