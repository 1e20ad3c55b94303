import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from './config/embedded-config.js';
import { type WorkerProcess, workerEnvironment } from './config/worker-processes.js';
import type { ProcessEnd } from './embedded/managed-process.js';
import type { Running } from './embedded/supervised.js';
import type { WorkerMessage, WorkerQuestion } from './worker-link.js';

const MAIN = fileURLToPath(new URL('main.js', import.meta.url));
/** Milliseconds. A worker bounds its own checks by less. */
const ANSWER_TIMEOUT_MS = 3_000;
/** Milliseconds from SIGTERM to SIGKILL: a drain takes at most 25 s, and whoever stops us waits for 30. */
const STOP_GRACE_MS = 27_000;

/** One life of a worker process: this program again, told by its environment which worker it is. */
export class ForkedWorker implements Running {
  readonly pid: number;
  readonly exited: Promise<ProcessEnd>;
  private hasStarted = false;
  private hasEnded = false;
  private lastId = 0;
  private readonly waiting = new Map<number, (answer: unknown) => void>();

  private constructor(private readonly child: ChildProcess) {
    this.pid = child.pid ?? 0;
    child.on('message', (message: WorkerMessage) => this.hear(message));
    // A question to a worker that has just died; its end is told by `exit`.
    child.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.hasEnded = true;
        resolve({ code, signal });
      });
    });
  }

  /** @throws Error when no process can be started at all */
  static async start(worker: WorkerProcess): Promise<ForkedWorker> {
    const child = fork(MAIN, { env: childEnvironment(workerEnvironment(worker)) });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return new ForkedWorker(child);
  }

  /** What it still lacks, by name; empty when it is ready. */
  async missing(): Promise<Readonly<Record<string, string>>> {
    if (!this.hasStarted) return { process: 'starting' };
    const answer = await this.ask('readiness');
    return answer === undefined ? { process: 'no answer' } : (answer as Record<string, string>);
  }

  /** Its metrics in the text exposition format; undefined while it starts or when it does not answer. */
  async exposition(): Promise<string | undefined> {
    return this.hasStarted ? ((await this.ask('metrics')) as string | undefined) : undefined;
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.exited;
    clearTimeout(timer);
  }

  private ask(ask: WorkerQuestion['ask']): Promise<unknown> {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve) => {
      const settle = (answer: unknown) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(settle, ANSWER_TIMEOUT_MS);
      this.waiting.set(id, settle);
      const question: WorkerQuestion = { id, ask };
      if (this.child.connected) this.child.send(question, (error) => error && settle(undefined));
      else settle(undefined);
    });
  }

  private hear(message: WorkerMessage): void {
    if ('event' in message) this.hasStarted = true;
    else this.waiting.get(message.id)?.(message.answer);
  }
}
