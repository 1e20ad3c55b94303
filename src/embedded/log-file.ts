import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Bytes. Two files of this size at most are kept for each child. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** A child's log: appended, and moved to `<path>.1` when it is full. */
export class LogFile {
  private descriptor: number;
  private size: number;

  constructor(
    private readonly path: string,
    private readonly maxBytes = MAX_LOG_BYTES,
  ) {
    this.descriptor = openSync(path, 'a', 0o600);
    this.size = fstatSync(this.descriptor).size;
  }

  write(chunk: Buffer): void {
    if (this.size >= this.maxBytes) this.rotate();
    this.size += writeSync(this.descriptor, chunk);
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private rotate(): void {
    closeSync(this.descriptor);
    renameSync(this.path, `${this.path}.1`);
    this.descriptor = openSync(this.path, 'a', 0o600);
    this.size = 0;
  }
}
