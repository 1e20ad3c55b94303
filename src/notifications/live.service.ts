import { Injectable } from '@nestjs/common';
import { Suppressions } from '../batches/suppressions.js';
import type { StatementPart } from '../database/prepared.js';
import { ACKNOWLEDGED_LIVE } from './live.js';
import { type Broadcast, LiveRepository, type NoticeRoute, routeOf, type Shown } from './live.repository.js';
import { isScheduled, type NewNotification } from './notification.js';

export type { Broadcast, NoticeRoute, Shown };

/** What notifications owe to open screens, for whoever delivers it, and what these answer. */
@Injectable()
export class LiveService {
  private readonly listeners: ((route: NoticeRoute) => void)[] = [];

  constructor(
    private readonly repository: LiveRepository,
    private readonly suppressions: Suppressions,
  ) {}

  /** For the feature above that delivers notices: called when this process has stored some that are due. */
  onDue(listener: (route: NoticeRoute) => void): void {
    this.listeners.push(listener);
  }

  /** These have just been stored, with what they owe. */
  announce(stored: readonly NewNotification[]): void {
    const due = stored.filter((one) => one.options.realtime !== undefined && !isScheduled(one));
    const routes = new Set(due.map(({ audience }) => routeOf(audience)));
    for (const route of routes) for (const listener of this.listeners) listener(route);
  }

  /** Due notices to users, as a part of the statement that delivers them; what it returns: `live.repository.ts`. */
  dueNotices(to: 'few' | 'many'): StatementPart {
    return this.repository.dueNotices(to);
  }

  /** Due broadcasts; each comes again after 5 s unless it was removed. */
  takeBroadcasts(): Promise<Broadcast[]> {
    return this.repository.takeBroadcasts();
  }

  removeBroadcasts(notificationIds: readonly string[]): Promise<void> {
    return this.repository.remove(notificationIds);
  }

  /** Those of `ids` of which this user may have seen a copy; whether they may follow a broadcast's channel is not looked at. */
  shown(applicationId: string, userId: string, ids: readonly string[]): Promise<Shown[]> {
    return this.repository.shown(applicationId, userId, ids);
  }

  /**
   * A user has seen these. Of those that wait for that (`first`), what is unsent to the user's devices ends as suppressed.
   *
   * The acknowledgement is committed before anybody looks at batches: one that is planned or claimed later is sent by a
   * worker that sees it, one that is claimed already counts as gone out.
   *
   * @returns those that waited, and of which no push went or will go to the user
   */
  async acknowledge(applicationId: string, userId: string, shown: readonly Shown[]): Promise<Set<string>> {
    const ids = shown.map(({ id }) => id);
    await this.repository.acknowledge(applicationId, userId, ids);
    const waiting = shown.filter(({ mode }) => mode === 'first').map(({ id }) => id);
    return this.suppressions.ofUser(waiting, applicationId, userId, ACKNOWLEDGED_LIVE);
  }

  /** The acknowledgements of a person, and what they are still owed. */
  forgetUser(applicationId: string, userId: string): Promise<void> {
    return this.repository.forgetUser(applicationId, userId);
  }

  /** Forgets acknowledgements that are older; returns how many. */
  purge(days: number): Promise<number> {
    return this.repository.purge(days);
  }
}
