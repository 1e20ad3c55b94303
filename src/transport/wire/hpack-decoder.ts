import { ConnectionError, ERROR } from './errors.js';
import { DEFAULT_TABLE_BYTES, ENTRY_OVERHEAD_BYTES, STATIC_TABLE } from './hpack-static-table.js';
import { huffmanDecode } from './huffman.js';

/** No number in a block has a reason to be larger. */
const MAX_INTEGER = 2 ** 28;

const INDEXED = 0x80;
const INCREMENTAL = 0x40;
const SIZE_UPDATE = 0x20;

export interface HeaderField {
  readonly name: string;
  readonly value: string;
  /** As tables and header lists count it. */
  readonly bytes: number;
  /** False: HTTP/2 forbids it, so the message is malformed. */
  readonly isValid: boolean;
}

/** Takes the fields of a block in their order. */
export interface FieldSink {
  field(field: HeaderField): void;
}

function fieldOf(name: string, value: string): HeaderField {
  const bytes = name.length + value.length + ENTRY_OVERHEAD_BYTES;
  return { name, value, bytes, isValid: isValidName(name) && isValidValue(value) };
}

/** Lower-case token or pseudo header. Names that only HTTP/1 connections have are malformed; RFC 9113, section 8.2.2. */
function isValidName(name: string): boolean {
  if (!/^:?[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) return false;
  return !/^(?:connection|keep-alive|proxy-connection|transfer-encoding|upgrade)$/.test(name);
}

/** White space around a value is forbidden too, but harmless. */
function isValidValue(value: string): boolean {
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code === 0 || code === 10 || code === 13) return false;
  }
  return true;
}

const STATIC_FIELDS: readonly HeaderField[] = STATIC_TABLE.map(([name, value]) => fieldOf(name, value));

function broken(what: string): ConnectionError {
  return new ConnectionError(ERROR.compression, what);
}

/**
 * Header decompression; every block of a connection must pass through it, in order.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7541
 */
export class HpackDecoder {
  /** Another number after every change of the table: the same bytes mean the same only under the same number. */
  version = 0;
  /** Oldest first, from `oldest` on. */
  private entries: HeaderField[] = [];
  private oldest = 0;
  private tableBytes = 0;
  private limitBytes: number;
  private source: Buffer = Buffer.alloc(0);
  private at = 0;
  private end = 0;

  /** @param maxTableBytes what our SETTINGS allow the peer */
  constructor(private readonly maxTableBytes: number = DEFAULT_TABLE_BYTES) {
    this.limitBytes = maxTableBytes;
  }

  /** @throws ConnectionError when the block is not one */
  decode(source: Buffer, start: number, end: number, sink: FieldSink): void {
    this.source = source;
    this.at = start;
    this.end = end;
    let mayResize = true;
    while (this.at < end) {
      const byte = source[this.at] ?? 0;
      if ((byte & INDEXED) !== 0) sink.field(this.fieldAt(this.integer(127)));
      else if ((byte & INCREMENTAL) !== 0) sink.field(this.insert(this.literal(63)));
      else if ((byte & SIZE_UPDATE) === 0) sink.field(this.literal(15));
      else {
        if (!mayResize) throw broken('table size update after a field');
        this.resize(this.integer(31));
        continue;
      }
      mayResize = false;
    }
  }

  private literal(prefix: number): HeaderField {
    const index = this.integer(prefix);
    const known = index === 0 ? undefined : this.fieldAt(index);
    const name = known === undefined ? this.text() : known.name;
    const value = this.text();
    // The name of a known field was looked at before.
    if (known?.isValid !== true) return fieldOf(name, value);
    return { name, value, bytes: name.length + value.length + ENTRY_OVERHEAD_BYTES, isValid: isValidValue(value) };
  }

  private fieldAt(index: number): HeaderField {
    const place = this.entries.length - (index - STATIC_FIELDS.length);
    const isStatic = index <= STATIC_FIELDS.length;
    const field = isStatic ? STATIC_FIELDS[index - 1] : this.entries[place];
    if (field === undefined || (!isStatic && place < this.oldest)) throw broken('no such index');
    return field;
  }

  private insert(field: HeaderField): HeaderField {
    this.version += 1;
    this.evict(field.bytes);
    if (field.bytes > this.limitBytes) return field;
    this.entries.push(field);
    this.tableBytes += field.bytes;
    return field;
  }

  private resize(bytes: number): void {
    if (bytes > this.maxTableBytes) throw broken('table larger than allowed');
    this.version += 1;
    this.limitBytes = bytes;
    this.evict(0);
  }

  private evict(neededBytes: number): void {
    while (this.oldest < this.entries.length && this.tableBytes + neededBytes > this.limitBytes) {
      this.tableBytes -= this.entries[this.oldest]?.bytes ?? 0;
      this.oldest += 1;
    }
    if (this.oldest < 256 && this.oldest < this.entries.length) return;
    this.entries = this.entries.slice(this.oldest);
    this.oldest = 0;
  }

  private integer(prefix: number): number {
    const { source, end } = this;
    let value = (source[this.at] ?? 0) & prefix;
    this.at += 1;
    if (value < prefix) return value;
    for (let scale = 1; ; scale *= 128) {
      if (this.at >= end) throw broken('integer without an end');
      const byte = source[this.at] ?? 0;
      this.at += 1;
      value += (byte & 127) * scale;
      if (value > MAX_INTEGER || scale > MAX_INTEGER) throw broken('integer too large');
      if (byte < 128) return value;
    }
  }

  private text(): string {
    if (this.at >= this.end) throw broken('text missing');
    const isHuffman = (this.source[this.at] ?? 0) >= 128;
    const length = this.integer(127);
    const start = this.at;
    if (length > this.end - start) throw broken('text cut off');
    this.at = start + length;
    if (!isHuffman) return this.source.toString('latin1', start, this.at);
    const text = huffmanDecode(this.source, start, this.at);
    if (text === undefined) throw broken('wrong Huffman code');
    return text;
  }
}
