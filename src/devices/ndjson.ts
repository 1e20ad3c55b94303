const NEWLINE = 10;

/** One line of an NDJSON body, without its end. */
export interface Line {
  /** 1-based, blank lines counted. */
  number: number;
  /** Undefined: the line is longer than allowed. */
  text: Buffer | undefined;
}

/**
 * The lines of a byte stream; blank ones are left out. Holds one line at most, however long the lines are.
 *
 * @param maxLineBytes longer lines are read past and given without text
 */
export async function* linesOf(source: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let bytes = 0;
  const take = (): Line | undefined => {
    number++;
    const isTooLong = bytes > maxLineBytes;
    const text = Buffer.concat(parts);
    parts = [];
    bytes = 0;
    if (isTooLong) return { number, text: undefined };
    return isBlank(text) ? undefined : { number, text };
  };
  const add = (part: Buffer) => {
    bytes += part.length;
    if (bytes > maxLineBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      const line = take();
      if (line) yield line;
    }
    add(chunk.subarray(start));
  }
  const last = bytes > 0 ? take() : undefined;
  if (last) yield last;
}

function isBlank(text: Buffer): boolean {
  return text.every((byte) => byte === 32 || byte === 9 || byte === 13);
}
