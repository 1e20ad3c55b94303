import { Inject, Injectable, Logger } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { BatchesService } from '../batches/batches.service.js';
import { DATA_SOURCE, type Database } from '../database/transaction.js';
import { DomainError } from '../lib/errors.js';
import type { ProviderName } from '../lib/names.js';
import { LiveRepository } from './live.repository.js';
import { countsOf, hasEnded, type LiveState, type Notification, type WaitingFacts } from './notification.js';
import { viewOf } from './notification-view.js';
import type { NotificationView } from './notifications.dto.js';
import { type NotificationFilter, type NotificationList, NotificationsRepository } from './notifications.repository.js';
import { PlanningRepository, type PlanTurn } from './planning.repository.js';
import { TimelineRepository } from './timeline.repository.js';

/** Milliseconds for which cancelling waits until what is unsent is on record; the roll-up goes on with the rest. */
const CANCEL_WAIT_MS = 1_000;

/** What callers and workers may ask of notifications that are stored. */
@Injectable()
export class NotificationsService {
  private readonly logger = new Logger(NotificationsService.name);

  constructor(
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    private readonly repository: NotificationsRepository,
    private readonly planning: PlanningRepository,
    private readonly batches: BatchesService,
    private readonly live: LiveRepository,
    private readonly timeline: TimelineRepository,
  ) {}

  /**
   * One notification, counted at this moment: from its batches while it runs, as stored once it has ended.
   *
   * @throws DomainError `notification_not_found`
   */
  async view(applicationId: string, id: string): Promise<NotificationView> {
    const [notification] = await this.repository.find([id]);
    if (notification?.applicationId !== applicationId) throw notFound(id);
    const [reported, blockers] = await Promise.all([
      this.repository.reportedCounts(id),
      notification.completedAt ? [] : this.repository.blockers(applicationId, id),
    ]);
    if (notification.completedAt) return viewOf(notification, notification.counts, reported, blockers);
    const progress = (await this.batches.progress(this.db, [id])).get(id);
    const firstAttemptAt = notification.firstAttemptAt ?? progress?.firstAttemptAt ?? null;
    return viewOf({ ...notification, firstAttemptAt }, countsOf(progress), reported, blockers);
  }

  /** Before the roll-up has written it, from its batches; null: nothing was attempted. */
  async firstAttemptAt({ id, firstAttemptAt, completedAt }: Notification): Promise<Date | null> {
    if (firstAttemptAt || completedAt) return firstAttemptAt;
    return (await this.batches.progress(this.db, [id])).get(id)?.firstAttemptAt ?? null;
  }

  /** Newest first. */
  list(applicationId: string, filter: NotificationFilter, limit: number): Promise<NotificationList> {
    return this.repository.list(applicationId, filter, limit);
  }

  /**
   * Ends what is unsent. What a worker holds at this moment ends within a second, when it reads the state again.
   *
   * @param by whose will it is, for the timeline
   * @throws DomainError `notification_not_found`, `notification_ended`
   */
  async cancel(applicationId: string, id: string, by: string): Promise<void> {
    await this.change(applicationId, id, async (tx) => {
      await this.repository.cancel(tx, id);
      await this.timeline.append(tx, id, 'cancelled', by);
      await this.live.remove([id], tx);
    });
    const ending = this.batches.endPending(this.db, id, 'cancelled', 'cancelled').catch((error: unknown) => {
      this.logger.warn({ event: 'notification.cancel_unfinished', notificationId: id, reason: String(error) });
    });
    await Promise.race([ending, waitUnref(CANCEL_WAIT_MS)]);
  }

  /**
   * Holds back what is unsent; its TTL runs on. Pausing what is paused changes nothing.
   *
   * @throws DomainError as {@link cancel}
   */
  async pause(applicationId: string, id: string, by: string): Promise<void> {
    await this.change(applicationId, id, async (tx) => {
      if (!(await this.repository.pause(tx, id))) return;
      await this.live.pause(tx, id);
      await this.timeline.append(tx, id, 'paused', by);
    });
  }

  /**
   * Goes on where {@link pause} stopped. Resuming what is not paused changes nothing.
   *
   * @throws DomainError as {@link cancel}
   */
  async resume(applicationId: string, id: string, by: string): Promise<void> {
    await this.change(applicationId, id, async (tx) => {
      if (!(await this.repository.resume(tx, id))) return;
      await this.live.resume(tx, id);
      await this.timeline.append(tx, id, 'resumed', by);
    });
  }

  /** Those of `ids` that exist, whole, with the counts of the last roll-up. For workers. */
  async forDispatch(ids: readonly string[]): Promise<Map<string, Notification>> {
    return new Map((await this.repository.find(ids)).map((notification) => [notification.id, notification]));
  }

  /** What may have changed since {@link forDispatch}. Workers ask once a second for what they are sending. */
  liveStates(ids: readonly string[]): Promise<Map<string, LiveState>> {
    return this.repository.liveStates(ids);
  }

  /** What pending deliveries of these wait for, by notification; one that does not exist is missing. */
  waitingFacts(ids: readonly string[]): Promise<Map<string, WaitingFacts>> {
    return this.repository.waitingFacts(ids);
  }

  /** Users who acknowledged on an open screen, by notification; one that nobody did is missing. For workers. */
  acknowledged(ids: readonly string[]): Promise<Map<string, ReadonlySet<string>>> {
    return this.live.acknowledged(ids);
  }

  /** From now on the provider's remaining deliveries fail unsent with this code; false when they do already. */
  stopProvider(id: string, provider: ProviderName, code: string): Promise<boolean> {
    return this.repository.stopProvider(id, provider, code);
  }

  /** Takes a notification for one step of planning, for as long as this transaction lasts; see the repository. */
  takePlanTurn(db: Database, id: string): Promise<PlanTurn | undefined> {
    return this.planning.take(db, id);
  }

  /** Records a step of planning in the transaction that wrote its batches; false: that must be rolled back. */
  advancePlan(
    db: Database,
    turn: PlanTurn,
    step: { cursor: number; bound: number; planned: number; isPlanned: boolean },
  ): Promise<boolean> {
    return this.planning.advance(db, turn, step);
  }

  /** Notifications that need a planner: due, or left behind by one. */
  takeDuePlans(limit: number): Promise<string[]> {
    return this.planning.takeDue(limit);
  }

  /** Forgets what the timelines of notifications older than that say; returns how much of it. */
  purgeTimelines(days: number): Promise<number> {
    return this.timeline.purge(days);
  }

  private async change(applicationId: string, id: string, apply: (tx: EntityManager) => Promise<void>): Promise<void> {
    await this.db.transaction(async (tx) => {
      const state = await this.repository.lockState(tx, applicationId, id);
      if (!state) throw notFound(id);
      if (hasEnded(state)) throw new DomainError('conflict', 'notification_ended', `the notification is ${state}`);
      await apply(tx);
    });
  }
}

/** There is no such notification of this application. */
export function notFound(id: string): DomainError {
  return new DomainError('not_found', 'notification_not_found', `there is no notification ${id}`);
}

function waitUnref(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
