import { setTimeout as delay } from 'node:timers/promises';
import { CONTENT } from './campaign-run.js';
import type { Application, Stack } from './stack.js';

const POLL_MS = 250;
/** A campaign counts as running when so many of its deliveries are accepted. */
const RUNNING_AT = 1_000;

interface Counts {
  status: string;
  counts: { accepted: number };
}

/** Campaigns that go on, one after the other, while something else is measured. */
export class Campaigns {
  constructor(
    private readonly stack: Stack,
    private readonly application: Application,
    private readonly devices: number,
  ) {}

  /** Measures while campaigns run from before the first to after the last moment, and ends them. */
  async during<T extends { bulkPerSecond: number }>(measure: () => Promise<T>): Promise<T> {
    let isWanted = true;
    let ids: string[] = [await this.start()];
    const following = (async () => {
      while (isWanted) {
        await delay(POLL_MS);
        if (isWanted && (await this.isEnding(ids.at(-1) ?? ''))) ids = [...ids, await this.start()];
      }
    })();
    try {
      const beforeMs = performance.now();
      const before = await this.accepted(ids);
      const result = await measure();
      const after = await this.accepted(ids);
      return { ...result, bulkPerSecond: ((after - before) * 1000) / (performance.now() - beforeMs) };
    } finally {
      isWanted = false;
      await following;
      await Promise.all(ids.map((id) => this.end(id)));
    }
  }

  private async start(): Promise<string> {
    const { id } = (await this.stack.call(this.application.serverKey, 'POST', '/v1/notifications', {
      audience: { all: true },
      content: CONTENT,
      options: { lane: 'bulk' },
    })) as { id: string };
    while ((await this.look(id)).counts.accepted < RUNNING_AT) await delay(POLL_MS / 5);
    return id;
  }

  private async look(id: string): Promise<Counts> {
    return (await this.stack.call(this.application.serverKey, 'GET', `/v1/notifications/${id}`)) as Counts;
  }

  /** The next one starts before this one is through. */
  private async isEnding(id: string): Promise<boolean> {
    return (await this.look(id)).counts.accepted > this.devices / 2;
  }

  private async accepted(ids: readonly string[]): Promise<number> {
    const looks = await Promise.all(ids.map((id) => this.look(id)));
    return looks.reduce((sum, { counts }) => sum + counts.accepted, 0);
  }

  private async end(id: string): Promise<void> {
    const isOver = async () => ['completed', 'cancelled'].includes((await this.look(id)).status);
    if (!(await isOver())) {
      // One that has just ended cannot be cancelled; one that goes on is seen below.
      await this.stack
        .call(this.application.serverKey, 'POST', `/v1/notifications/${id}/cancel`)
        .catch(() => undefined);
    }
    while (!(await isOver())) await delay(POLL_MS);
  }
}
