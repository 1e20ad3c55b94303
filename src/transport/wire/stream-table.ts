import type { Job, JobHolder } from '../job.js';
import { ConnectionError, ERROR } from './errors.js';
import { ReceiveWindow } from './flow.js';
import { MAX_STREAM_ID } from './frames.js';
import type { ResponseHead } from './response-head.js';

const NO_BYTES = Buffer.alloc(0);
/** Streams beside each other that cost a search for none of them; more spill over. */
const RING_SLOTS = 2_048;

/** One request on its stream. Records serve again and again: nobody may keep one after its release. */
export class WireStream implements JobHolder {
  id = 0;
  job: Job | undefined;
  head: ResponseHead | undefined;
  /** What is kept of the response's body. */
  body: Buffer = NO_BYTES;
  /** Bytes of the body that arrived. */
  bodyBytes = 0;
  /** The rest of a request that the windows had no room for. */
  pending: Buffer | undefined;
  pendingAt = 0;
  sendWindow = 0;
  readonly receiveWindow: ReceiveWindow;

  constructor(
    receiveWindowBytes: number,
    private readonly onExpired: (stream: WireStream) => void,
  ) {
    this.receiveWindow = new ReceiveWindow(receiveWindowBytes);
  }

  expireJob(job: Job): void {
    if (job === this.job) this.onExpired(this);
  }

  clear(): void {
    this.id = 0;
    this.job = undefined;
    this.head = undefined;
    this.body = NO_BYTES;
    this.bodyBytes = 0;
    this.pending = undefined;
    this.pendingAt = 0;
    this.receiveWindow.reset();
  }
}

/** The open streams of a connection. Gives out their ids, in order: 1, 3, 5, … */
export class StreamTable {
  size = 0;
  private readonly ring: (WireStream | undefined)[] = new Array(RING_SLOTS).fill(undefined);
  /** Streams that are so old that a new one needed their place. */
  private readonly old = new Map<number, WireStream>();
  private readonly spare: WireStream[] = [];

  constructor(
    private readonly create: () => WireStream,
    private nextId: number,
  ) {}

  /** Of the stream opened last. */
  get lastId(): number {
    return this.nextId - 2;
  }

  /** No other stream can be opened. */
  get isUsedUp(): boolean {
    return this.nextId > MAX_STREAM_ID;
  }

  open(job: Job, sendWindow: number): WireStream {
    const id = this.nextId;
    this.nextId += 2;
    const stream = this.spare.pop() ?? this.create();
    stream.id = id;
    stream.job = job;
    stream.sendWindow = sendWindow;
    job.holder = stream;
    const slot = (id >>> 1) % RING_SLOTS;
    const earlier = this.ring[slot];
    if (earlier !== undefined) this.old.set(earlier.id, earlier);
    this.ring[slot] = stream;
    this.size += 1;
    return stream;
  }

  /** Undoes the latest {@link open}. */
  takeBack(stream: WireStream): void {
    this.release(stream);
    this.nextId -= 2;
  }

  /** @throws ConnectionError when the id was not given out, so that no frame may bear it */
  expectKnown(id: number): void {
    if (id % 2 === 1 && id < this.nextId) return;
    throw new ConnectionError(ERROR.protocol, 'frame on a stream that was never opened');
  }

  get(id: number): WireStream | undefined {
    const stream = this.ring[(id >>> 1) % RING_SLOTS];
    if (stream?.id === id) return stream;
    return this.old.size === 0 ? undefined : this.old.get(id);
  }

  release(stream: WireStream): void {
    const slot = (stream.id >>> 1) % RING_SLOTS;
    if (this.ring[slot] === stream) this.ring[slot] = undefined;
    else this.old.delete(stream.id);
    this.size -= 1;
    stream.clear();
    this.spare.push(stream);
  }

  /** All of them, in the order of their ids. */
  all(): WireStream[] {
    const streams = [...this.old.values()];
    for (const stream of this.ring) if (stream !== undefined) streams.push(stream);
    return streams.sort((one, other) => one.id - other.id);
  }
}
