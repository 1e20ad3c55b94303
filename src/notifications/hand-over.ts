import { Injectable, Logger } from '@nestjs/common';
import { jobsOf } from '../batches/feeder.js';
import type { Lane } from '../lib/names.js';
import { Producers } from '../queue/producers.js';
import type { StoredRoot } from './accept.repository.js';

/** A batch for which some dispatcher waits. */
export interface StraightRoot extends StoredRoot {
  lane: Lane;
}

/**
 * Wakes whoever comes next after a commit. Best effort, and nobody waits for it: what is lost here is found by the sweep and the
 * feeder. What is committed while Redis has not answered yet goes together afterwards, in fewer and larger jobs.
 */
@Injectable()
export class HandOver {
  private readonly logger = new Logger(HandOver.name);
  private planIds: string[] = [];
  private roots: StraightRoot[] = [];
  private isBusy = false;

  constructor(private readonly producers: Producers) {}

  /**
   * @param planIds notifications for a planner
   * @param roots   batches for dispatchers
   */
  add(planIds: readonly string[], roots: readonly StraightRoot[]): void {
    this.planIds.push(...planIds);
    this.roots.push(...roots);
    if (!this.isBusy) void this.run();
  }

  private async run(): Promise<void> {
    this.isBusy = true;
    while (this.planIds.length > 0 || this.roots.length > 0) {
      const sent = this.send(this.planIds, this.roots);
      this.planIds = [];
      this.roots = [];
      await sent.catch((error: unknown) => {
        this.logger.warn({ event: 'intake.redis_unavailable', reason: String(error) });
      });
    }
    this.isBusy = false;
  }

  private async send(planIds: readonly string[], roots: readonly StraightRoot[]): Promise<void> {
    const queues = Map.groupBy(roots, ({ lane, provider }) => `${lane} ${provider}`);
    await Promise.all([
      ...planIds.map((id) => this.producers.notify(id)),
      ...[...queues.values()].map(async (batches) => {
        const [first] = batches;
        if (first) await this.producers.dispatchAll(first.lane, first.provider, jobsOf(batches));
      }),
    ]);
  }
}
