import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ConnectedSocket,
  type Connection,
  type ConnectionOwner,
  type ConnectionSettings,
  flattenHeaders,
  USEFUL_AFTER_MS,
} from './connection.js';
import { ambiguous, type Job, type JobHolder, notProcessed } from './job.js';
import { bytesOf } from './spliced-body.js';

/** Milliseconds; below the 5 s after which Node, Apache and others close an idle connection without a word. */
const REUSE_WITHIN_MS = 4_000;

/** Keeps requests on the one socket that was checked; never opens another. */
class OneSocketAgent extends Agent {
  constructor(
    private readonly socket: Duplex,
    private readonly onFree: () => void,
  ) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
  }

  override createConnection(): Duplex {
    return this.socket;
  }

  /** Node's hook for a socket whose response has ended and that may serve another request. */
  override keepSocketAlive(socket: Duplex): boolean {
    // Typed `void`, yet the agent destroys the socket unless this returns true.
    const kept: unknown = super.keepSocketAlive(socket);
    if (kept !== true) return false;
    setImmediate(this.onFree);
    return true;
  }
}

/** One HTTP/1.1 keep-alive connection: one request at a time. For Web Push services without h2. */
export class Http1Connection implements Connection, JobHolder {
  readonly id: string;
  lastUsedAtMs: number;
  private hasAnswered = false;
  private readonly openedAtMs: number;
  private readonly agent: OneSocketAgent;
  private current: { job: Job; request: ClientRequest; writtenBefore: number } | undefined;
  private isBusy = false;
  private isDraining = false;
  private isRetired = false;
  private isDead = false;
  private wasReset = false;

  constructor(
    private readonly connected: ConnectedSocket,
    private readonly settings: ConnectionSettings,
    private readonly owner: ConnectionOwner,
  ) {
    this.id = connected.id;
    this.openedAtMs = settings.clock.monotonicMs();
    this.lastUsedAtMs = this.openedAtMs;
    this.agent = new OneSocketAgent(connected.socket, () => this.onFree());
    connected.socket.once('error', (error: NodeJS.ErrnoException) => {
      this.wasReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
    });
    connected.socket.once('close', () => setImmediate(() => this.onClose()));
    setImmediate(() => owner.onRoom());
  }

  get open(): number {
    return this.isBusy ? 1 : 0;
  }

  room(nowMs: number): number {
    const isUsable = !this.isBusy && !this.isDraining && !this.isDead && !this.connected.socket.destroyed;
    return isUsable && nowMs - this.lastUsedAtMs < REUSE_WITHIN_MS ? 1 : 0;
  }

  isSettling(): boolean {
    return false;
  }

  endedWell(nowMs: number): boolean {
    return this.hasAnswered || this.isRetired || nowMs - this.openedAtMs >= USEFUL_AFTER_MS;
  }

  start(job: Job): void {
    const { request } = job;
    const headers: Record<string, string> = { ...request.headers, host: this.connected.authority };
    if (request.body !== undefined) headers['content-length'] = String(request.body.length);
    const writtenBefore = this.connected.socket.bytesWritten;
    let outgoing: ClientRequest;
    try {
      outgoing = httpRequest({ agent: this.agent, method: request.method, path: request.path, headers });
    } catch {
      setImmediate(() => job.finish(notProcessed('invalid_request')));
      return;
    }
    this.isBusy = true;
    this.current = { job, request: outgoing, writtenBefore };
    job.holder = this;
    this.lastUsedAtMs = this.settings.clock.monotonicMs();
    outgoing.on('error', () => {});
    outgoing.on('response', (response) => this.onResponse(job, response));
    outgoing.on('close', () => this.onRequestClosed(job));
    outgoing.end(bytesOf(request.body));
  }

  private onResponse(job: Job, response: IncomingMessage): void {
    this.hasAnswered = true;
    const chunks: Buffer[] = [];
    let bodyBytes = 0;
    const respond = (): void => {
      const body = Buffer.concat(chunks).subarray(0, this.settings.maxBodyBytes);
      const headers = flattenHeaders(response.headers);
      job.finish({ kind: 'response', status: response.statusCode ?? 0, headers, body, connection: this.id });
    };
    response.on('error', () => {});
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bodyBytes += chunk.length;
      if (bodyBytes <= this.settings.maxBodyBytes) return;
      respond();
      this.destroy();
    });
    response.on('end', () => {
      if (response.complete) respond();
    });
  }

  private onRequestClosed(job: Job): void {
    const current = this.current;
    if (current?.job !== job) return;
    this.current = undefined;
    if (job.isSettled) return;
    this.destroy();
    if (this.connected.socket.bytesWritten === current.writtenBefore) this.owner.onNotProcessed(job, this, 'unsent');
    else job.finish(ambiguous(this.wasReset ? 'reset' : 'closed'));
  }

  private onFree(): void {
    if (this.isDead) return;
    this.isBusy = false;
    this.lastUsedAtMs = this.settings.clock.monotonicMs();
    if (this.isDraining) this.connected.socket.destroy();
    else this.owner.onRoom();
  }

  private onClose(): void {
    if (this.isDead) return;
    const job = this.current?.job;
    if (job !== undefined) this.onRequestClosed(job);
    this.isDead = true;
    this.isBusy = false;
    this.agent.destroy();
    this.owner.onDead(this);
  }

  expireJob(job: Job): void {
    job.finish(ambiguous('timeout'));
    this.destroy();
  }

  drain(): void {
    this.isRetired = true;
    if (!this.isDraining && !this.isDead) {
      this.isDraining = true;
      this.owner.onDraining(this);
    }
    if (!this.isBusy) this.connected.socket.destroy();
  }

  destroy(): void {
    this.isDraining = true;
    this.current?.request.destroy();
    this.connected.socket.destroy();
  }

  check(nowMs: number): void {
    if (!this.isBusy && nowMs - this.lastUsedAtMs >= REUSE_WITHIN_MS) this.drain();
  }
}
