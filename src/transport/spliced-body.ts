/**
 * A body of which most devices' requests differ only in the middle. Put together where it is sent: a buffer of its own for each
 * would be most of a delivery's garbage.
 */
export class SplicedBody {
  /** Bytes. */
  readonly length: number;

  /** @param middle ASCII */
  constructor(
    private readonly head: Buffer,
    private readonly middle: string,
    private readonly tail: Buffer,
  ) {
    this.length = head.length + middle.length + tail.length;
  }

  /** Writes all of it to `target` from `at` on, where there must be room. */
  copyTo(target: Buffer, at: number): void {
    const { head, middle, tail } = this;
    target.set(head, at);
    target.write(middle, at + head.length, middle.length, 'latin1');
    target.set(tail, at + head.length + middle.length);
  }

  toBuffer(): Buffer {
    const buffer = Buffer.allocUnsafe(this.length);
    this.copyTo(buffer, 0);
    return buffer;
  }
}

/** A request's body as the bytes that it stands for. */
export function bytesOf(body: Buffer | SplicedBody | undefined): Buffer | undefined {
  return body instanceof SplicedBody ? body.toBuffer() : body;
}
