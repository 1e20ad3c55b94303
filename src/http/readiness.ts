import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../lib/clock.js';

/** Why something is not ready, in a sentence without secrets; undefined when it is. */
export type ReadinessCheck = () => Promise<string | undefined>;

/** What other processes of this machine lack, each in a sentence, by what or by which process. */
export interface OtherProcesses {
  /** Without these, this process should get no work either. */
  needed: Readonly<Record<string, string>>;
  /** Those that do the same work: while they are away, it is done here. */
  alike: Readonly<Record<string, string>>;
}

/** The answer to a probe. */
export interface WholeReadiness {
  /** What is not ready, by name; empty when work may come. */
  missing: Readonly<Record<string, string>>;
  /** What processes lack that share the work. */
  others: Readonly<Record<string, string>>;
}

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
  private readonly own: () => Promise<Readonly<Record<string, string>>>;
  private others: (() => Promise<OtherProcesses>) | undefined;

  constructor(@Inject(CLOCK) private readonly clock: Clock) {
    this.own = this.reusing(() => this.runAll());
  }

  register(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  /** Asks also about other processes, for {@link whole} alone: those may ask this one in turn. */
  include(look: () => Promise<OtherProcesses>): void {
    this.others = this.reusing(look);
  }

  /** From now on not ready, whatever the checks say: the process is on its way out. */
  drain(): void {
    this.draining = true;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  /** What this process lacks, by name; empty when nothing. */
  async missing(): Promise<Readonly<Record<string, string>>> {
    return this.draining ? { draining: 'the process is shutting down' } : this.own();
  }

  /** What keeps work away from here, in this process or in those that it needs. */
  async whole(): Promise<WholeReadiness> {
    const [missing, others] = await Promise.all([this.missing(), this.draining ? undefined : this.others?.()]);
    return { missing: { ...missing, ...others?.needed }, others: others?.alike ?? {} };
  }

  private reusing<T>(look: () => Promise<T>): () => Promise<T> {
    let recent: { atMs: number; answer: Promise<T> } | undefined;
    return () => {
      const nowMs = this.clock.monotonicMs();
      if (!recent || nowMs - recent.atMs > REUSE_MS) recent = { atMs: nowMs, answer: look() };
      return recent.answer;
    };
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
