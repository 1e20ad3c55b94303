import { Readable } from 'node:stream';
import { PayloadTooLargeException } from '@nestjs/common';

/**
 * The same bytes, up to a limit.
 *
 * @returns a stream that fails with 413 once `source` has given more than `maxBytes`
 */
export function limitBytes(source: Readable, maxBytes: number): Readable {
  async function* limited(): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of source) {
      const buffer: Buffer = chunk;
      bytes += buffer.length;
      if (bytes > maxBytes) throw new PayloadTooLargeException();
      yield buffer;
    }
  }
  return Readable.from(limited(), { objectMode: false });
}
