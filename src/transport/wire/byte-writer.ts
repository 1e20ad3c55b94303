/** Bytes written front to back into a buffer that grows when it must. */
export class ByteWriter {
  /** Where the next byte goes. */
  at = 0;

  constructor(public buffer: Buffer) {}

  /** Makes room for so many more bytes; what {@link byte} and its like write must have been asked for before. */
  ensure(bytes: number): void {
    if (this.buffer.length - this.at < bytes) this.grow(bytes);
  }

  private grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.at + bytes));
    larger.set(this.buffer.subarray(0, this.at));
    this.buffer = larger;
  }

  byte(value: number): void {
    this.buffer[this.at] = value;
    this.at += 1;
  }

  uint32(value: number): void {
    const { buffer, at } = this;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
    this.at = at + 4;
  }

  bytes(source: Uint8Array): void {
    this.buffer.set(source, this.at);
    this.at += source.length;
  }

  /** One byte for each character, all of which are below 256. */
  latin1(text: string): void {
    const { buffer, at } = this;
    const { length } = text;
    // Below this length a loop is faster than the call into native code.
    if (length > 48) buffer.write(text, at, length, 'latin1');
    else for (let index = 0; index < length; index += 1) buffer[at + index] = text.charCodeAt(index);
    this.at = at + length;
  }
}
