import { type ClientHttp2Stream, constants } from 'node:http2';
import { flattenHeaders } from './connection.js';
import type { Http2Connection, ResponseHeaders } from './http2-connection.js';
import { ambiguous, type Job, type JobHolder } from './job.js';

/** One request and its response on one stream. Ends its job once, and gives the stream's place back when it has closed. */
export class Http2Exchange implements JobHolder {
  private status = 0;
  private headers: ResponseHeaders | undefined;
  private readonly chunks: Buffer[] = [];
  private bodyBytes = 0;

  constructor(
    private readonly stream: ClientHttp2Stream,
    private readonly job: Job,
    private readonly connection: Http2Connection,
    private readonly writtenBefore: number,
  ) {
    job.holder = this;
    stream.on('error', () => {});
    stream.on('response', (headers, flags) => {
      this.headers = headers;
      this.status = headers[':status'] ?? 0;
      connection.onAnswer();
      if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) this.respond();
    });
    stream.on('data', (chunk: Buffer) => this.onData(chunk));
    stream.on('end', () => this.respond());
    stream.on('close', () => this.onStreamClosed());
  }

  get isPending(): boolean {
    return !this.job.isSettled;
  }

  private onData(chunk: Buffer): void {
    if (this.job.isSettled) return;
    const roomBytes = this.connection.settings.maxBodyBytes - this.bodyBytes;
    this.chunks.push(chunk.length > roomBytes ? chunk.subarray(0, roomBytes) : chunk);
    this.bodyBytes += Math.min(chunk.length, roomBytes);
    if (chunk.length <= roomBytes) return;
    this.respond();
    this.stream.close(constants.NGHTTP2_CANCEL);
  }

  private respond(): void {
    // 'end' also comes when a stream is torn down; only without a reset is it the end of a whole response.
    if (this.headers === undefined || this.job.isSettled || this.stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    const [first] = this.chunks;
    this.job.finish({
      kind: 'response',
      status: this.status,
      headers: flattenHeaders(this.headers),
      body: this.chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.chunks),
      connection: this.connection.id,
    });
  }

  /** The stream is gone, alone or with its connection. */
  onStreamClosed(): void {
    const { job, connection } = this;
    if (!job.isSettled) {
      const unprocessed =
        this.headers === undefined ? connection.unprocessedReason(this.stream, this.writtenBefore) : undefined;
      // Also the sign that the connection has used up its stream numbers.
      if (unprocessed === 'unsent') connection.drain();
      if (unprocessed !== undefined) connection.owner.onNotProcessed(job, connection, unprocessed);
      else job.finish(ambiguous(connection.isClosed && !connection.isReset ? 'closed' : 'reset'));
    }
    connection.release(this);
  }

  expireJob(job: Job): void {
    this.stream.close(constants.NGHTTP2_CANCEL);
    job.finish(ambiguous('timeout'));
  }
}
