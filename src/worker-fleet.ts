import type { WorkerProcess } from './config/worker-processes.js';
import { Supervised } from './embedded/supervised.js';
import { ForkedWorker } from './forked-worker.js';
import type { JsonLogger } from './http/logger.js';

interface Member {
  name: string;
  supervised: Supervised<ForkedWorker>;
  life: ForkedWorker | undefined;
}

/** The worker processes of this machine: forked, kept running, asked how they are, and stopped together. */
export class WorkerFleet {
  private readonly members: readonly Member[];

  constructor(workers: readonly WorkerProcess[], logger: JsonLogger) {
    this.members = workers.map((worker) => {
      const member: Member = {
        name: worker.name,
        life: undefined,
        supervised: new Supervised({
          name: worker.name,
          start: async () => {
            member.life = await ForkedWorker.start(worker);
            return member.life;
          },
          report: (reason) => logger.error({ event: 'worker.ended', worker: worker.name, reason }),
          onRestarted: () => logger.log({ event: 'worker.restarted', worker: worker.name, pid: member.life?.pid }),
        }),
      };
      return member;
    });
  }

  /** Resolves when all processes are there; {@link missing} tells when they are ready. */
  async start(): Promise<void> {
    await Promise.all(this.members.map(({ supervised }) => supervised.start()));
  }

  /** Resolves when all have drained, or were killed at their deadline. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map(({ supervised }) => supervised.stop()));
  }

  /** What is not ready, by worker; empty when all are. */
  async missing(): Promise<Readonly<Record<string, string>>> {
    const all = await Promise.all(
      this.members.map(async ({ name, life }) => {
        const missing = Object.entries((await life?.missing()) ?? { process: 'starting' });
        return [name, missing.map(([what, why]) => `${what}: ${why}`).join('; ')] as const;
      }),
    );
    return Object.fromEntries(all.filter(([, why]) => why !== ''));
  }

  /** Metrics of those that answer, by worker. */
  async expositions(): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>();
    await Promise.all(
      this.members.map(async ({ name, life }) => {
        const text = await life?.exposition();
        if (text !== undefined) texts.set(name, text);
      }),
    );
    return texts;
  }
}
