import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessEnd } from './managed-process.js';

/** A child that is ready for use. */
export interface Running {
  pid: number;
  exited: Promise<ProcessEnd>;
  stop(): Promise<void>;
}

export interface SupervisedOptions<T extends Running> {
  name: string;
  /** Resolves when the child is ready. Called again after each death. Gives up, leaving nothing, when `signal` aborts. */
  start: (signal: AbortSignal) => Promise<T>;
  /** Called whenever another process has taken the place of the one before. */
  onRestarted: () => void;
  report: (message: string) => void;
}

const FIRST_BACKOFF_MS = 200;
const LAST_BACKOFF_MS = 10_000;
/** A child that lived that long did not die of its start. */
const STABLE_AFTER_MS = 30_000;

/** Keeps one child running until it is stopped on purpose. */
export class Supervised<T extends Running> {
  private child: T | undefined;
  private lastPid: number | undefined;
  private starting: Promise<T> | undefined;
  private watching: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  constructor(private readonly options: SupervisedOptions<T>) {}

  /** @throws Error when the first start fails: then nothing is kept running */
  async start(): Promise<T> {
    this.stopping.signal.throwIfAborted();
    this.starting = this.options.start(this.stopping.signal);
    const child = await this.starting;
    this.child = child;
    this.lastPid = child.pid;
    this.watching = this.watch(child);
    return child;
  }

  /** The pid of the moment or, between two lives, of the last one. */
  get pid(): number | undefined {
    return this.lastPid;
  }

  /** Ends the child for good. Safe to call at any time, also twice. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const first = await this.starting?.catch(() => undefined);
    await (this.child ?? first)?.stop();
    await this.watching;
  }

  private async watch(first: T): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS;
    let child: T | undefined = first;
    let startedAtMs = performance.now();
    while (!this.stopping.signal.aborted) {
      if (child !== undefined) {
        const end = await child.exited;
        this.child = undefined;
        if (this.stopping.signal.aborted) return;
        if (performance.now() - startedAtMs > STABLE_AFTER_MS) backoffMs = FIRST_BACKOFF_MS;
        this.options.report(`${this.options.name} ended (${end.signal ?? `exit code ${end.code}`}), starting it again`);
      }
      await delay(backoffMs, undefined, { signal: this.stopping.signal }).catch(() => {});
      backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS);
      startedAtMs = performance.now();
      child = await this.restart();
    }
  }

  private async restart(): Promise<T | undefined> {
    if (this.stopping.signal.aborted) return undefined;
    try {
      const child = await this.options.start(this.stopping.signal);
      this.child = child;
      this.lastPid = child.pid;
      // Stopped while it came up: nobody else knows of it.
      if (this.stopping.signal.aborted) await child.stop();
      else this.options.onRestarted();
      return child;
    } catch (error) {
      this.options.report(
        `${this.options.name} could not be started: ${error instanceof Error ? error.message : error}`,
      );
      return undefined;
    }
  }
}
