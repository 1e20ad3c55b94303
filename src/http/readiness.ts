import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../lib/clock.js';

/** Why something is not ready, in a sentence without secrets; undefined when it is. */
export type ReadinessCheck = () => Promise<string | undefined>;

/** Milliseconds. A check that has not answered by then counts as failed: probes themselves give up after some seconds. */
const CHECK_TIMEOUT_MS = 2_000;

/** Milliseconds for which one answer serves all probes, so that probing never becomes a load. */
const REUSE_MS = 500;

/**
 * What has to be right before this process should get work. Any module may add a check:
 * `readiness.register('queue', async () => (connected ? undefined : 'not connected'))`.
 */
@Injectable()
export class Readiness {
  private readonly checks = new Map<string, ReadinessCheck>();
  private draining = false;
  private recent: { atMs: number; answer: Promise<Readonly<Record<string, string>>> } | undefined;

  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  register(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  /** From now on not ready, whatever the checks say: the process is on its way out. */
  drain(): void {
    this.draining = true;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  /** What is not ready, by name; empty when everything is. */
  async missing(): Promise<Readonly<Record<string, string>>> {
    if (this.draining) return { draining: 'the process is shutting down' };
    const nowMs = this.clock.monotonicMs();
    if (!this.recent || nowMs - this.recent.atMs > REUSE_MS) {
      this.recent = { atMs: nowMs, answer: this.runAll() };
    }
    return this.recent.answer;
  }

  private async runAll(): Promise<Readonly<Record<string, string>>> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await bounded(check)] as const),
    );
    return Object.fromEntries(results.flatMap(([name, reason]) => (reason === undefined ? [] : [[name, reason]])));
  }
}

async function bounded(check: ReadinessCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${CHECK_TIMEOUT_MS} ms`), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([check(), timeout]);
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
  } finally {
    clearTimeout(timer);
  }
}
