import type { ChildProcess } from 'node:child_process';
import { Supervised } from './embedded/supervised.js';
import { ForkedProcess } from './forked-process.js';
import type { JsonLogger } from './http/logger.js';
import { type Loop, startLoop } from './lib/loop.js';
import type { Answers } from './process-link.js';

/** One of several processes that do the same kind of work. */
export interface FleetMember {
  /** For logs and metrics. */
  name: string;
  fork(): ChildProcess;
  /** To what it asks about its companions. */
  answers?: Answers;
}

/** Milliseconds between questions whether an api process is alive; one that says nothing takes three seconds more. */
const LOOK_MS = 5_000;
/** Questions in a row, over half a minute, after which a process that does not answer has to go. */
const MAX_SILENCES = 4;

interface Member {
  name: string;
  silences: number;
  supervised: Supervised<ForkedProcess>;
  life: ForkedProcess | undefined;
}

/** Processes of this machine: forked, kept running, asked how they are, and stopped together. */
export class ProcessFleet {
  private readonly members: readonly Member[];
  private loop: Loop | undefined;

  constructor(
    private readonly kind: 'api' | 'worker',
    members: readonly FleetMember[],
    private readonly logger: JsonLogger,
  ) {
    this.members = members.map(({ name, fork, answers }) => {
      const member: Member = {
        name,
        silences: 0,
        life: undefined,
        supervised: new Supervised({
          name,
          start: async () => {
            member.life = await ForkedProcess.start(fork, answers);
            return member.life;
          },
          report: (reason) => logger.error({ event: `${kind}.ended`, [kind]: name, reason }),
          onRestarted: () => logger.log({ event: `${kind}.restarted`, [kind]: name, pid: member.life?.pid }),
        }),
      };
      return member;
    });
  }

  /** Resolves when all processes are there; {@link missing} tells when they are ready. */
  async start(): Promise<void> {
    await Promise.all(this.members.map(({ supervised }) => supervised.start()));
    // What a worker held goes to another when its lease ends; a port that others still answer on tells nobody outside.
    if (this.kind === 'api')
      this.loop = startLoop(
        LOOK_MS,
        () => this.killSilent(),
        () => undefined,
      );
  }

  /** Resolves when all have drained, or were killed at their deadline. */
  async stop(): Promise<void> {
    await Promise.all([this.loop?.stop(), ...this.members.map(({ supervised }) => supervised.stop())]);
  }

  /**
   * What is not ready, by process; empty when all are.
   *
   * @param timeoutMs after which a process counts as not ready
   * @param except    a process that is not asked
   */
  async missing(timeoutMs?: number, except?: string): Promise<Readonly<Record<string, string>>> {
    const asked = this.members.filter(({ name }) => name !== except);
    const all = await Promise.all(
      asked.map(async ({ name, life }) => {
        const missing = Object.entries((await life?.missing(timeoutMs)) ?? { process: 'starting' });
        return [name, missing.map(([what, why]) => `${what}: ${why}`).join('; ')] as const;
      }),
    );
    return Object.fromEntries(all.filter(([, why]) => why !== ''));
  }

  /** The same in one sentence; undefined when all are ready. */
  async missingInWords(timeoutMs?: number): Promise<string | undefined> {
    const parts = Object.entries(await this.missing(timeoutMs)).map(([name, why]) => `${name}: ${why}`);
    return parts.length === 0 ? undefined : parts.join('; ');
  }

  /** The metrics of each, by process; of one that does not answer nothing but that. */
  async expositions(): Promise<ReadonlyMap<string, string>> {
    const texts = await Promise.all(
      this.members.map(async ({ name, life }) => {
        const text = await life?.exposition();
        return [name, `${text ?? ''}${presence(text !== undefined)}`] as const;
      }),
    );
    return new Map(texts);
  }

  private async killSilent(): Promise<undefined> {
    await Promise.all(
      this.members.map(async (member) => {
        const { name, life } = member;
        if (life === undefined) return;
        const isAlive = await life.isAlive();
        // Another life begins anew.
        member.silences = isAlive || life !== member.life ? 0 : member.silences + 1;
        if (member.silences < MAX_SILENCES) return;
        member.silences = 0;
        this.logger.error({ event: `${this.kind}.hung`, [this.kind]: name, pid: life.pid });
        life.kill();
      }),
    );
  }
}

function presence(isThere: boolean): string {
  const name = 'carillon_process_up';
  const help = 'Whether the process gave its metrics for this scrape; 0 while it starts, too.';
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${isThere ? 1 : 0}\n`;
}
