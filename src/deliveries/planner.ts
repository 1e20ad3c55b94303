import { Inject, Injectable, Logger } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { BatchesService } from '../batches/batches.service.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { DevicesService } from '../devices/devices.service.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { pushDelayMs } from '../notifications/live.js';
import { NotificationsService } from '../notifications/notifications.service.js';
import { RollUp } from '../notifications/roll-up.js';
import { Producers } from '../queue/producers.js';

/** Devices of the first step: few, so that the first pushes leave at once. */
const FIRST_PAGE = 2_000;
/** Devices of each further step: 50 batches and more in one commit. */
const PAGE = 50_000;
/** Milliseconds after which a planner lets others have its place in the queue. */
const TURN_MS = 2_000;
/** Notifications that one round of the sweep wakes planners for. */
const DUE_PER_ROUND = 500;

/** What goes to open screens only reaches no device. */
const NOBODY: Awaited<ReturnType<DevicesService['audiencePage']>> = { groups: [], lastId: 0, seen: 0 };

/** The notification was paused, cancelled or planned by another while a step was under way: nothing of the step may stay. */
class Overtaken extends Error {}

/**
 * Walks the audience of a notification and writes its batches. Each step is one transaction that moves the cursor along with
 * the batches: any number of planners may be at the same notification, and one that dies leaves the cursor where they end.
 */
@Injectable()
export class Planner {
  private readonly logger = new Logger(Planner.name);
  private readonly active = new Set<Promise<unknown>>();
  private isDraining = false;

  constructor(
    private readonly notifications: NotificationsService,
    private readonly devices: DevicesService,
    private readonly batches: BatchesService,
    private readonly producers: Producers,
    private readonly rollUp: RollUp,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Plans until the audience is walked, another planner is at it, it is paused or ended, or others wait for their turn. */
  async plan(notificationId: string): Promise<void> {
    const turnEndsMs = this.clock.monotonicMs() + TURN_MS;
    for (;;) {
      const step = this.step(notificationId);
      this.active.add(step);
      const isMore = await step.finally(() => this.active.delete(step));
      if (!isMore) return this.rollUp.mark(notificationId);
      const isOver = this.isDraining || this.clock.monotonicMs() >= turnEndsMs;
      if (isOver && ((await this.handOn(notificationId)) || this.isDraining)) return;
    }
  }

  /** Wakes planners for what is due or was left behind. Any node, every second; true when there is more. */
  async wakeDue(): Promise<boolean> {
    const ids = await this.notifications.takeDuePlans(DUE_PER_ROUND);
    await Promise.all(ids.map((id) => this.handOn(id)));
    return ids.length === DUE_PER_ROUND;
  }

  /** Starts no further step, and waits for those under way. */
  async drain(): Promise<void> {
    this.isDraining = true;
    await Promise.allSettled(this.active);
  }

  /** One page of the audience. Resolves to true when there is more to do here. */
  private async step(id: string): Promise<boolean> {
    try {
      return await this.db.transaction((tx) => this.planPage(tx, id));
    } catch (error) {
      if (error instanceof Overtaken) return false;
      throw error;
    }
  }

  private async planPage(tx: Database, id: string): Promise<boolean> {
    const turn = await this.notifications.takePlanTurn(tx, id);
    if (!turn) return false;
    const { applicationId, audience, options, cursor } = turn;
    const bound = turn.bound ?? (await this.devices.upperBound(tx, applicationId));
    const limit = cursor === 0 ? FIRST_PAGE : PAGE;
    const page =
      options.realtime === 'only'
        ? NOBODY
        : await this.devices.audiencePage(tx, applicationId, audience, cursor, bound, limit);
    const delayMs = pushDelayMs(options);
    await this.batches.insertRoots(
      tx,
      page.groups.map((group) => ({ notification: turn, group, ...(delayMs !== undefined && { delayMs }) })),
    );
    const isPlanned = page.seen < limit;
    const planned = page.groups.reduce((sum, group) => sum + group.n, 0);
    if (await this.notifications.advancePlan(tx, turn, { cursor: page.lastId, bound, planned, isPlanned })) {
      return !isPlanned;
    }
    throw new Overtaken();
  }

  /** False while Redis is away: the sweep wakes a planner some seconds later. */
  private async handOn(notificationId: string): Promise<boolean> {
    try {
      await this.producers.notify(notificationId);
      return true;
    } catch (error) {
      this.logger.warn({ event: 'planner.redis_unavailable', notificationId, reason: String(error) });
      return false;
    }
  }
}
