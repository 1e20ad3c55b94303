/** Where a reader of a channel is: after the message with this number. Another epoch: the channel's log began anew. */
export interface Position {
  epoch: string;
  seq: number;
}

/** For `after`: everything that is still kept. */
export const START = 'start';
const BEGINNING: Position = { epoch: '0', seq: 0 };

const TAG_CHARACTERS = 8;
const SHA256_BLOCK_BYTES = 64;

/** Reads `<epoch>-<seq>`; undefined for anything else. */
export function parseId(id: string): Position | undefined {
  const [, epoch, seq] = /^([0-9a-f]{12}|0)-(\d{1,15})$/.exec(id) ?? [];
  return epoch === undefined || seq === undefined ? undefined : { epoch, seq: Number(seq) };
}

/** `<epoch>-<seq>`. */
export function formatId({ epoch, seq }: Position): string {
  return `${epoch}-${seq}`;
}

/**
 * How far a client has come in each of its channels, whichever connection brought it there. It can so follow other channels
 * on another connection, and tell a message that comes again.
 */
export class Positions {
  private readonly ofChannel = new Map<string, Position>();
  private readonly tags = new Map<string, string>();

  /** @param after a cursor, or `start` */
  begin(channel: string, after: string | undefined): void {
    const position = after === START ? BEGINNING : this.inCursor(channel, after ?? '');
    if (position) this.ofChannel.set(channel, position);
  }

  forget(channel: string): void {
    this.ofChannel.delete(channel);
    this.tags.delete(channel);
  }

  /** Takes over what a cursor of the service says of these channels, where it leads on: two connections may be of two minds. */
  take(channels: Iterable<string>, cursor: string): void {
    for (const channel of channels) {
      const said = this.inCursor(channel, cursor);
      const known = this.ofChannel.get(channel);
      if (!said) continue;
      const isBeginning = known === undefined || known.epoch === BEGINNING.epoch;
      if (isBeginning || (known.epoch === said.epoch && known.seq < said.seq)) this.ofChannel.set(channel, said);
    }
  }

  /**
   * Goes on to a message.
   *
   * @param from of a gap: the position that it begins after
   * @returns false for one that was passed before
   */
  advance(channel: string, id: string, from?: string | null): boolean {
    const next = parseId(id);
    if (next === undefined) return false;
    const known = this.ofChannel.get(channel);
    // A gap that begins where we are may lead back: the log was put back to an earlier state.
    const isFromHere = known !== undefined && from === formatId(known);
    if (known?.epoch === next.epoch && next.seq <= known.seq && !isFromHere) return false;
    this.ofChannel.set(channel, next);
    return true;
  }

  /** The cursor for `after`; empty where nothing is known, which means from now on. */
  cursor(channels: Iterable<string>): string {
    const entries: string[] = [];
    for (const channel of channels) {
      const position = this.ofChannel.get(channel);
      if (position) entries.push(`${this.tagOf(channel)}.${formatId(position)}`);
    }
    return entries.join('~');
  }

  private inCursor(channel: string, cursor: string): Position | undefined {
    const start = `${this.tagOf(channel)}.`;
    const entry = cursor.split('~').find((one) => one.startsWith(start));
    return entry === undefined ? undefined : parseId(entry.slice(start.length));
  }

  private tagOf(channel: string): string {
    let tag = this.tags.get(channel);
    if (tag === undefined) {
      tag = base64Url(sha256(new TextEncoder().encode(channel))).slice(0, TAG_CHARACTERS);
      this.tags.set(channel, tag);
    }
    return tag;
  }
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** FIPS 180-4. Of our own, because browsers have theirs only for pages that came over https, and only asynchronously. */
export function sha256(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / SHA256_BLOCK_BYTES) * SHA256_BLOCK_BYTES);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, message.length * 8);
  const { state, constants } = sha256Constants();
  const w = new Uint32Array(64);
  for (let offset = 0; offset < padded.length; offset += SHA256_BLOCK_BYTES) {
    for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(offset + i * 4);
    for (let i = 16; i < 64; i += 1) {
      const [w15, w2] = [at(w, i - 15), at(w, i - 2)];
      const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
      const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
      w[i] = at(w, i - 16) + s0 + at(w, i - 7) + s1;
    }
    compress(state, w, constants);
  }
  const digest = new DataView(new ArrayBuffer(32));
  for (const [i, word] of state.entries()) digest.setUint32(i * 4, word);
  return new Uint8Array(digest.buffer);
}

function compress(state: Uint32Array, w: Uint32Array, constants: Uint32Array): void {
  let [a, b, c, d, e, f, g, h] = [...state] as [number, number, number, number, number, number, number, number];
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(constants, i) + at(w, i)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) state[i] = at(state, i) + value;
}

/** The fractional parts of the square and cube roots of the first primes. */
function sha256Constants(): { state: Uint32Array; constants: Uint32Array } {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  const fraction = (root: number) => (root - Math.floor(root)) * 2 ** 32;
  return {
    state: Uint32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
    constants: Uint32Array.from(primes, (prime) => fraction(Math.cbrt(prime))),
  };
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

function at(words: Uint32Array, index: number): number {
  return words[index] ?? 0;
}
