import type { ByteWriter } from './byte-writer.js';
import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD_BYTES, STATIC_NAMES, STATIC_TABLE } from './hpack-static-table.js';
import { huffmanBytes, huffmanEncode } from './huffman.js';

/** Entries that may enter the table at once; more come with the requests. Values that keep changing so cannot flush it. */
const MAX_CREDIT = 64;
const REQUESTS_PER_CREDIT = 32;
/** Names that are remembered; callers use a handful. */
const MAX_NAMES = 256;
/** Bytes of an integer at most, with its prefix. */
const INTEGER_BYTES = 6;

const INDEXED = 0x80;
const INCREMENTAL = 0x40;
const SIZE_UPDATE = 0x20;
const NEVER_INDEXED = 0x10;
const WITHOUT_INDEXING = 0x00;
const HUFFMAN = 0x80;

const PATH_INDEX = STATIC_NAMES.get(':path') ?? 0;
const CONTENT_LENGTH_INDEX = STATIC_NAMES.get('content-length') ?? 0;

/** What is remembered of a header's name. */
interface KnownName {
  readonly name: string;
  /** Index in the static table, or 0. */
  readonly staticIndex: number;
  /** Values in the dynamic table, with the number of their insertion. */
  readonly inserted: Map<string, number>;
  /** The latest value that was sent by its index. */
  value: string | undefined;
  valueNumber: number;
  /** Number of the latest insertion under this name, or -1. */
  nameNumber: number;
  /** A value that was sent in full: met a second time in a row, it is worth an entry. */
  lastLiteral: string | undefined;
  /** The latest sensitive value, encoded with its name. */
  sensitiveValue: string | undefined;
  sensitiveBytes: Buffer;
}

interface Entry {
  readonly known: KnownName;
  readonly value: string;
  readonly bytes: number;
}

const NO_BYTES = Buffer.alloc(0);

/**
 * Header compression for requests that resemble each other: what repeats is one byte, what varies is copied.
 * Text is expected to be of characters below 256.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7541
 */
export class HpackEncoder {
  private readonly names = new Map<string, KnownName>();
  /** Oldest first; the newest has index 62 on the wire. */
  private entries: Entry[] = [];
  /** Number of the next insertion; that of the oldest entry is `next - entries.length`. */
  private next = 0;
  private oldest = 0;
  private tableBytes = 0;
  private limitBytes = DEFAULT_TABLE_BYTES;
  /** The smallest limit since the last block, when the peer has to be told. */
  private smallestLimitBytes: number | undefined;
  private credit = MAX_CREDIT;
  private requests = 0;

  constructor(private readonly out: ByteWriter) {}

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. No more than the default is ever used. */
  limitTable(bytes: number): void {
    const limit = Math.min(bytes, DEFAULT_TABLE_BYTES);
    if (limit === this.limitBytes) return;
    this.smallestLimitBytes = Math.min(limit, this.smallestLimitBytes ?? limit);
    this.limitBytes = limit;
    this.evict(0);
  }

  /** Forgets the table, because a block that may have changed it is not going to be sent. */
  reset(): void {
    const limit = this.limitBytes;
    this.limitBytes = 0;
    this.evict(0);
    this.limitBytes = limit;
    this.smallestLimitBytes = 0;
  }

  /** Starts a block with everything that is not a header. */
  begin(method: 'POST' | 'GET', scheme: 'https' | 'http', authority: string, path: string): void {
    const { out } = this;
    out.ensure(4 * INTEGER_BYTES + 2);
    if (this.smallestLimitBytes !== undefined) this.announceLimit(this.smallestLimitBytes);
    this.requests += 1;
    if (this.requests % REQUESTS_PER_CREDIT === 0 && this.credit < MAX_CREDIT) this.credit += 1;
    out.byte(method === 'POST' ? 0x83 : 0x82);
    out.byte(scheme === 'https' ? 0x87 : 0x86);
    this.path(path);
    this.field(':authority', authority, false);
  }

  private announceLimit(smallest: number): void {
    if (smallest < this.limitBytes) this.integer(smallest, 31, SIZE_UPDATE);
    this.integer(this.limitBytes, 31, SIZE_UPDATE);
    this.smallestLimitBytes = undefined;
  }

  /** Paths name devices: they neither repeat nor may they be guessed from a table. */
  private path(path: string): void {
    const { out } = this;
    out.ensure(path.length + 2 * INTEGER_BYTES);
    if (path === '/') {
      out.byte(INDEXED | PATH_INDEX);
      return;
    }
    out.byte(WITHOUT_INDEXING | PATH_INDEX);
    this.text(path);
  }

  contentLength(bytes: number): void {
    const { out } = this;
    out.ensure(4 * INTEGER_BYTES);
    this.integer(CONTENT_LENGTH_INDEX, 15, WITHOUT_INDEXING);
    const digits = String(bytes);
    out.byte(digits.length);
    out.latin1(digits);
  }

  /** @param isSensitive the value must never enter a table, here or at anyone who passes it on */
  field(name: string, value: string, isSensitive: boolean): void {
    const known = this.names.get(name) ?? this.learn(name);
    if (isSensitive) {
      this.sensitive(known, value);
    } else if (known.value === value && known.valueNumber >= this.oldest) {
      this.out.ensure(INTEGER_BYTES);
      this.integer(STATIC_TABLE.length + this.next - known.valueNumber, 127, INDEXED);
    } else {
      this.repeatOrLiteral(known, value);
    }
  }

  private learn(name: string): KnownName {
    if (this.names.size >= MAX_NAMES) this.names.clear();
    const known: KnownName = {
      name,
      staticIndex: STATIC_NAMES.get(name) ?? 0,
      inserted: new Map(),
      value: undefined,
      valueNumber: -1,
      nameNumber: -1,
      lastLiteral: undefined,
      sensitiveValue: undefined,
      sensitiveBytes: NO_BYTES,
    };
    this.names.set(name, known);
    return known;
  }

  private repeatOrLiteral(known: KnownName, value: string): void {
    const number = known.inserted.get(value);
    if (number !== undefined) {
      known.value = value;
      known.valueNumber = number;
      this.out.ensure(INTEGER_BYTES);
      this.integer(STATIC_TABLE.length + this.next - number, 127, INDEXED);
      return;
    }
    const isWorthAnEntry = known.nameNumber < this.oldest || known.lastLiteral === value;
    const bytes = known.name.length + value.length + ENTRY_OVERHEAD_BYTES;
    known.lastLiteral = value;
    if (isWorthAnEntry && this.credit > 0 && bytes <= this.limitBytes / 2) {
      this.literal(known, value, 63, INCREMENTAL);
      this.insert(known, value, bytes);
    } else {
      this.literal(known, value, 15, WITHOUT_INDEXING);
    }
  }

  private literal(known: KnownName, value: string, prefix: number, pattern: number): void {
    const { out } = this;
    out.ensure(known.name.length + value.length + 3 * INTEGER_BYTES);
    if (known.staticIndex > 0) this.integer(known.staticIndex, prefix, pattern);
    else if (known.nameNumber >= this.oldest)
      this.integer(STATIC_TABLE.length + this.next - known.nameNumber, prefix, pattern);
    else {
      out.byte(pattern);
      this.shortText(known.name);
    }
    if (pattern === INCREMENTAL) this.shortText(value);
    else this.text(value);
  }

  private insert(known: KnownName, value: string, bytes: number): void {
    this.evict(bytes);
    this.credit -= 1;
    this.entries.push({ known, value, bytes });
    this.tableBytes += bytes;
    known.inserted.set(value, this.next);
    known.value = value;
    known.valueNumber = this.next;
    known.nameNumber = this.next;
    this.next += 1;
  }

  private evict(neededBytes: number): void {
    while (this.tableBytes + neededBytes > this.limitBytes) {
      const entry = this.entries.shift();
      if (entry === undefined) break;
      entry.known.inserted.delete(entry.value);
      this.tableBytes -= entry.bytes;
      this.oldest += 1;
    }
  }

  /** Encoded once for as long as the value stays: an access token is long and serves for most of an hour. */
  private sensitive(known: KnownName, value: string): void {
    const { out } = this;
    if (known.sensitiveValue !== value) {
      out.ensure(known.name.length + value.length + 3 * INTEGER_BYTES);
      const start = out.at;
      if (known.staticIndex > 0) this.integer(known.staticIndex, 15, NEVER_INDEXED);
      else {
        out.byte(NEVER_INDEXED);
        this.shortText(known.name);
      }
      this.shortText(value);
      known.sensitiveValue = value;
      known.sensitiveBytes = Buffer.from(out.buffer.subarray(start, out.at));
      return;
    }
    out.ensure(known.sensitiveBytes.length);
    out.bytes(known.sensitiveBytes);
  }

  /** Fast to write. */
  private text(text: string): void {
    this.integer(text.length, 127, 0);
    this.out.latin1(text);
  }

  /** Short on the wire; for what is written seldom. */
  private shortText(text: string): void {
    const bytes = huffmanBytes(text);
    if (bytes >= text.length) {
      this.text(text);
      return;
    }
    this.integer(bytes, 127, HUFFMAN);
    huffmanEncode(text, this.out);
  }

  /** @see https://www.rfc-editor.org/rfc/rfc7541#section-5.1 */
  private integer(value: number, prefix: number, pattern: number): void {
    const { out } = this;
    if (value < prefix) {
      out.byte(pattern | value);
      return;
    }
    out.byte(pattern | prefix);
    let rest = value - prefix;
    for (; rest >= 128; rest >>>= 7) out.byte((rest & 127) | 128);
    out.byte(rest);
  }
}
