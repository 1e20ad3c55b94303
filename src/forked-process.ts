import type { ChildProcess } from 'node:child_process';
import type { ProcessEnd } from './embedded/managed-process.js';
import type { Running } from './embedded/supervised.js';
import { type Answers, type LinkMessage, ProcessLink } from './process-link.js';

/** Milliseconds. A process bounds its own checks by less. */
const ANSWER_TIMEOUT_MS = 3_000;
/** Milliseconds from SIGTERM to SIGKILL: a drain takes at most 25 s, and whoever stops us waits for 30. */
const STOP_GRACE_MS = 27_000;

/** One life of a process that runs this program again, told by its environment what it is to do. */
export class ForkedProcess implements Running {
  readonly pid: number;
  readonly exited: Promise<ProcessEnd>;
  private hasStarted = false;
  private hasEnded = false;
  private readonly link: ProcessLink;

  private constructor(
    private readonly child: ChildProcess,
    answers: Answers | undefined,
  ) {
    this.pid = child.pid ?? 0;
    this.link = new ProcessLink((message, failed) => {
      if (child.connected) child.send(message, (error) => error && failed());
      else failed();
    }, answers);
    child.on('message', (message: LinkMessage) => {
      if ('event' in message) this.hasStarted = true;
      else this.link.hear(message);
    });
    // A question to a process that has just died; its end is told by `exit`.
    child.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.hasEnded = true;
        resolve({ code, signal });
      });
    });
  }

  /**
   * @param answers to what it asks about its companions
   * @throws Error when no process can be started at all
   */
  static async start(fork: () => ChildProcess, answers?: Answers): Promise<ForkedProcess> {
    const child = fork();
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return new ForkedProcess(child, answers);
  }

  /** What it still lacks, by name; empty when it is ready. */
  async missing(timeoutMs = ANSWER_TIMEOUT_MS): Promise<Readonly<Record<string, string>>> {
    if (!this.hasStarted) return { process: 'starting' };
    const answer = await this.link.ask('readiness', timeoutMs);
    return answer === undefined ? { process: 'no answer' } : (answer as Record<string, string>);
  }

  /** Its metrics in the text exposition format; undefined while it starts or when it does not answer. */
  async exposition(): Promise<string | undefined> {
    return this.hasStarted ? ((await this.link.ask('metrics', ANSWER_TIMEOUT_MS)) as string | undefined) : undefined;
  }

  /** False when it has started and says nothing any more. */
  async isAlive(): Promise<boolean> {
    return !this.hasStarted || (await this.link.ask('readiness', ANSWER_TIMEOUT_MS)) !== undefined;
  }

  /** At once, whatever it is doing. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.exited;
    clearTimeout(timer);
  }
}
