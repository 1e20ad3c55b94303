import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** Stands in every published message and nowhere else; what follows up to the next comma is when it was published. */
export const MARK = '"^^":';
const MARK_BYTES = Buffer.from(MARK);
const ENGINE_PING = Buffer.from([0x81, 0x01, 0x32]);

/** What a line asks for and how it knows that it has it. */
export interface Dialogue {
  /** The request that opens it, with its empty line. */
  request: string;
  /** What to say, masked as WebSocket text, when these words come, in this order; the last one says that it follows the channel. */
  cues: readonly { on: string; say?: string }[];
}

/**
 * One client at the least cost: it shares the machine with the server that is measured. It opens, follows a channel and counts
 * {@link MARK}s, without telling what lies around them.
 */
export class Line {
  received = 0;
  private heard = '';
  private cue = 0;
  private rest: Buffer = Buffer.alloc(0);
  private isFollowing = false;

  /**
   * @param onMessages how many just came
   * @param onLatency  given the moment of publication that a message carries; undefined: this line does not look
   */
  private constructor(
    private readonly socket: Socket,
    private readonly dialogue: Dialogue,
    private readonly settle: { follows: () => void; fails: (error: Error) => void },
    private readonly onMessages: (count: number) => void,
    private readonly onLatency: ((publishedMs: number) => void) | undefined,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', (error) => settle.fails(error));
    socket.on('close', () => settle.fails(new Error(`the server closed a line: ${this.heard.slice(-300)}`)));
  }

  /** @returns a line that follows its channel */
  static open(
    port: number,
    dialogue: Dialogue,
    on: { messages: (count: number) => void; latency?: (publishedMs: number) => void; lost: (error: Error) => void },
  ): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(dialogue.request));
      const settle = {
        follows: () => resolve(line),
        fails: (error: Error) => {
          reject(error);
          on.lost(error);
        },
      };
      const line = new Line(socket, dialogue, settle, on.messages, on.latency);
      // A held poll says nothing until there is something.
      if (dialogue.cues.length === 0) socket.once('connect', settle.follows);
    });
  }

  close(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    if (chunk.includes(ENGINE_PING)) this.say('3');
    if (this.isFollowing) this.count(chunk);
    else this.listen(chunk);
  }

  private listen(chunk: Buffer): void {
    this.heard += chunk.toString('latin1');
    for (;;) {
      const cue = this.dialogue.cues[this.cue];
      if (cue === undefined || !this.heard.includes(cue.on)) break;
      this.heard = this.heard.slice(this.heard.indexOf(cue.on) + cue.on.length);
      this.cue += 1;
      if (cue.say !== undefined) this.say(cue.say);
    }
    if (this.cue < this.dialogue.cues.length) return;
    this.isFollowing = true;
    this.heard = '';
    this.settle.follows();
  }

  private count(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let count = 0;
    let end = 0;
    for (let at = bytes.indexOf(MARK_BYTES); at >= 0; at = bytes.indexOf(MARK_BYTES, end)) {
      count += 1;
      end = at + MARK_BYTES.length;
      if (this.onLatency) this.look(bytes, end);
    }
    // The beginning of a mark may be at the end of a chunk.
    this.rest = Buffer.from(bytes.subarray(Math.max(end, bytes.length - MARK_BYTES.length + 1)));
    if (count === 0) return;
    this.received += count;
    this.onMessages(count);
  }

  private look(bytes: Buffer, at: number): void {
    const publishedMs = /^\d+(?:\.\d+)?(?=,)/.exec(bytes.toString('latin1', at, at + 24))?.[0];
    if (publishedMs !== undefined) this.onLatency?.(Number(publishedMs));
  }

  /** One masked text frame. */
  private say(text: string): void {
    const payload = Buffer.from(text);
    const isLong = payload.length > 125;
    const head = Buffer.alloc(isLong ? 4 : 2);
    head[0] = 0x81;
    head[1] = 0x80 | (isLong ? 126 : payload.length);
    if (isLong) head.writeUInt16BE(payload.length, 2);
    const mask = randomBytes(4);
    for (let i = 0; i < payload.length; i += 1) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
    this.socket.write(Buffer.concat([head, mask, payload]));
  }
}

/** Opens a Socket.IO connection over WebSocket: the handshake, `auth`, and what asks for the channel. */
export function socketIoDialogue(port: number, path: string, auth: string, subscribe?: string): Dialogue {
  const key = randomBytes(16).toString('base64');
  const request = `GET ${path}?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
  const open = { on: '"pingInterval"', say: `40${auth}` };
  if (subscribe === undefined) return { request, cues: [open, { on: '40{' }] };
  return { request, cues: [open, { on: '40{', say: `421${subscribe}` }, { on: '431[{"ok":true' }] };
}

/** @param last words that come once the channel is followed */
export function httpDialogue(port: number, path: string, token: string, last: string): Dialogue {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nAccept: text/event-stream\r\n\r\n`;
  return { request, cues: [{ on: last }] };
}
