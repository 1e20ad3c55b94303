import type { TLSSocket } from 'node:tls';
import { FLAG, FRAME, HEAD_BYTES, SETTING } from '../../src/transport/wire/frames.js';
import { FCM_ANSWER } from '../requests.js';

export interface FcmPeerOptions {
  /** From a request to its answer. */
  delayMs: number;
  /** SETTINGS_MAX_CONCURRENT_STREAMS; streams beyond are refused. */
  maxStreams: number;
  /** Told of each request, with its body. */
  onRequest?: (body: Buffer) => void;
}

const PREFACE_BYTES = 24;
const REFUSED_STREAM = 7;
/** Credit that a peer gets at first, and again whenever it has used half of it. */
const WINDOW_BYTES = 2 ** 30;

/**
 * One connection to FCM, or to the far end of a slow line: accepts every message, after the same time however many there are.
 * Its frames are made by hand and its timer is one for all, so that it costs a fraction of what its clients do.
 */
export class FcmPeer {
  private usedBytes = 0;
  private rest: Buffer = Buffer.alloc(0);
  private isPrefaceDue = true;
  /** Streams that wait for their answer, in order, and when it is due. */
  private readonly streams: number[] = [];
  private readonly dueMs: number[] = [];
  private answered = 0;

  constructor(
    private readonly socket: TLSSocket,
    private readonly options: FcmPeerOptions,
  ) {
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(SETTING.maxConcurrentStreams, 0);
    settings.writeUInt32BE(options.maxStreams, 2);
    socket.write(Buffer.concat([frame(FRAME.settings, 0, 0, settings), credit(WINDOW_BYTES)]));
    socket.on('data', (chunk: Buffer) => this.read(chunk));
  }

  private read(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    if (this.isPrefaceDue && bytes.length >= PREFACE_BYTES) {
      at = PREFACE_BYTES;
      this.isPrefaceDue = false;
    }
    while (!this.isPrefaceDue && bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      const end = at + HEAD_BYTES + length;
      if (end > bytes.length) break;
      this.onFrame(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5), bytes.subarray(at + 9, end));
      at = end;
    }
    this.rest = bytes.subarray(at);
  }

  private onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    const isAck = (flags & FLAG.ack) !== 0;
    if (type === FRAME.settings && !isAck) this.socket.write(frame(FRAME.settings, FLAG.ack, 0));
    else if (type === FRAME.ping && !isAck) this.socket.write(frame(FRAME.ping, FLAG.ack, 0, payload));
    else if (type === FRAME.data) this.onData(stream, (flags & FLAG.endStream) !== 0, payload);
  }

  /** A message is small: one frame. */
  private onData(stream: number, isEnd: boolean, payload: Buffer): void {
    this.usedBytes += payload.length;
    if (this.usedBytes > WINDOW_BYTES / 2) {
      this.socket.write(credit(this.usedBytes));
      this.usedBytes = 0;
    }
    if (isEnd) this.onRequest(stream, payload);
  }

  private onRequest(stream: number, body: Buffer): void {
    if (this.streams.length - this.answered >= this.options.maxStreams) {
      const code = Buffer.alloc(4);
      code.writeUInt32BE(REFUSED_STREAM);
      this.socket.write(frame(FRAME.rstStream, 0, stream, code));
      return;
    }
    this.options.onRequest?.(body);
    this.streams.push(stream);
    this.dueMs.push(performance.now() + this.options.delayMs);
  }

  /** To be called every millisecond or so. */
  answerDue(nowMs: number): void {
    let end = this.answered;
    while ((this.dueMs[end] ?? Number.POSITIVE_INFINITY) <= nowMs) end += 1;
    if (end === this.answered) return;
    const answers = Buffer.allocUnsafe((end - this.answered) * ANSWER.length);
    let at = 0;
    for (; this.answered < end; this.answered += 1, at += ANSWER.length) {
      const stream = this.streams[this.answered] ?? 0;
      ANSWER.copy(answers, at);
      answers.writeUInt32BE(stream, at + 5);
      answers.writeUInt32BE(stream, at + ANSWER_DATA_AT + 5);
    }
    this.socket.write(answers);
    if (this.answered < 1_024) return;
    this.streams.splice(0, this.answered);
    this.dueMs.splice(0, this.answered);
    this.answered = 0;
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** WINDOW_UPDATE of the whole connection. */
function credit(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(FRAME.windowUpdate, 0, 0, payload);
}

/** `:status: 200` is entry 8 of HPACK's static table. */
const ANSWER_HEAD = frame(FRAME.headers, FLAG.endHeaders, 0, Buffer.from([0x88]));
const ANSWER_DATA_AT = ANSWER_HEAD.length;
const ANSWER = Buffer.concat([ANSWER_HEAD, frame(FRAME.data, FLAG.endStream, 0, Buffer.from(FCM_ANSWER))]);
