import type { FieldSink, HeaderField, HpackDecoder } from './hpack-decoder.js';

/** Bytes of a header list, as SETTINGS_MAX_HEADER_LIST_SIZE counts them. */
export const MAX_HEADER_LIST_BYTES = 65_536;

/** Longer blocks hold something that varies. */
const MAX_CACHED_BYTES = 96;
const CACHE_SLOTS = 64;

/** What a header block of the peer says. Shared between responses whose blocks are equal. */
export interface ResponseHead {
  /** 0: the block has none, as trailers must. */
  readonly status: number;
  /** Without pseudo headers; repeated ones joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** -1: not given. */
  readonly contentLength: number;
  readonly fault: 'malformed' | 'too_large' | undefined;
}

const COLON = 0x3a;

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

class HeadBuilder implements FieldSink {
  private status = 0;
  private headers: Record<string, string> = {};
  private contentLength = -1;
  private bytes = 0;
  private isMalformed = false;
  private hasRegular = false;

  field(field: HeaderField): void {
    this.bytes += field.bytes;
    if (this.bytes > MAX_HEADER_LIST_BYTES) return;
    if (!field.isValid) this.isMalformed = true;
    else if (field.name.charCodeAt(0) === COLON) this.pseudo(field);
    else this.regular(field.name, field.value);
  }

  private pseudo({ name, value }: HeaderField): void {
    const isInPlace = name === ':status' && this.status === 0 && !this.hasRegular;
    // Not a pattern: this is done for every response.
    const isStatus = value.length === 3 && isDigit(value, 0) && isDigit(value, 1) && isDigit(value, 2);
    if (isInPlace && isStatus && value >= '100') this.status = Number(value);
    else this.isMalformed = true;
  }

  private regular(name: string, value: string): void {
    this.hasRegular = true;
    const earlier = this.headers[name];
    if (name === 'content-length') {
      const isLength = /^\d{1,15}$/.test(value) && (earlier === undefined || earlier === value);
      if (!isLength) this.isMalformed = true;
      this.contentLength = Number(value);
      this.headers[name] = value;
      return;
    }
    this.headers[name] = earlier === undefined ? value : `${earlier}, ${value}`;
  }

  build(): ResponseHead {
    const isTooLarge = this.bytes > MAX_HEADER_LIST_BYTES;
    return {
      status: this.status,
      headers: this.headers,
      contentLength: this.contentLength,
      fault: isTooLarge ? 'too_large' : this.isMalformed ? 'malformed' : undefined,
    };
  }
}

interface CachedBlock {
  bytes: Buffer;
  version: number;
  head: ResponseHead;
}

/** Reads header blocks, the ones that repeat without decoding them again. */
export class ResponseHeads {
  private readonly cache: (CachedBlock | undefined)[] = new Array(CACHE_SLOTS).fill(undefined);

  constructor(private readonly decoder: HpackDecoder) {}

  /** @throws ConnectionError when the block cannot be decoded */
  read(source: Buffer, start: number, end: number): ResponseHead {
    const { decoder } = this;
    const length = end - start;
    if (length > MAX_CACHED_BYTES) return this.decode(source, start, end);
    let hash = length;
    for (let at = start; at < end; at += 1) hash = (Math.imul(hash, 31) + (source[at] ?? 0)) | 0;
    const slot = (hash ^ (hash >>> 6) ^ (hash >>> 12)) & (CACHE_SLOTS - 1);
    const cached = this.cache[slot];
    if (cached?.version === decoder.version && isEqual(cached.bytes, source, start, length)) return cached.head;
    const { version } = decoder;
    const head = this.decode(source, start, end);
    // A block that changes the table has to be decoded each time.
    if (decoder.version === version) {
      Object.freeze(head.headers);
      this.cache[slot] = { bytes: Buffer.from(source.subarray(start, end)), version, head };
    }
    return head;
  }

  private decode(source: Buffer, start: number, end: number): ResponseHead {
    const builder = new HeadBuilder();
    this.decoder.decode(source, start, end, builder);
    return builder.build();
  }
}

function isEqual(bytes: Buffer, source: Buffer, start: number, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let index = 0; index < length; index += 1) if (bytes[index] !== source[start + index]) return false;
  return true;
}
