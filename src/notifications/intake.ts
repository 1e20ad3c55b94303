import { Injectable } from '@nestjs/common';
import type { DeviceGroup } from '../batches/batch.js';
import { BatchesService } from '../batches/batches.service.js';
import type { NamedAudience } from '../devices/audience.js';
import { DevicesService, type NamedGroup } from '../devices/devices.service.js';
import { Grouped } from '../lib/grouped.js';
import { AcceptRepository, type NewRow } from './accept.repository.js';
import { HandOver } from './hand-over.js';
import type { IdempotentRequest, StoredResponse } from './idempotency.repository.js';
import { pushDelayMs } from './live.js';
import { LiveService } from './live.service.js';
import { isScheduled, type NewNotification } from './notification.js';
import type { Accepted } from './notifications.dto.js';

/** Milliseconds after which the sweep and the feeder take over what this process means to put on Bull itself. */
const HAND_OVER_MS = 300;
/** Between looks: those who looked together are stored, handed over, claimed and sent together. */
const LOOK_INTERVAL_MS = 5;
/** Milliseconds that another process's unfinished key may hold up the requests that share a statement. */
const LOCK_WAIT_MS = 200;

/** A request of which nothing is known yet. */
export interface Newcomer {
  applicationId: string;
  idempotent: IdempotentRequest | undefined;
  /** Undefined: not to be resolved now, or not by name. */
  audience: NamedAudience | undefined;
}

/** What the database knows of a newcomer. */
export interface Known {
  now: Date;
  /** The first answer to its key. */
  before: StoredResponse | undefined;
  /** Its application has given somebody a realtime token. */
  hasScreens: boolean;
  /** The whole audience, if it was asked for and is small. */
  groups: readonly DeviceGroup[] | undefined;
}

/** A notification that may be stored. */
export interface IntakeItem {
  notification: NewNotification;
  /** Its whole audience, when that is small enough to be batched at once. */
  groups: readonly DeviceGroup[] | undefined;
  response: Accepted;
  idempotent: IdempotentRequest | undefined;
}

/** Stores accepted notifications and wakes whoever comes next. Requests that come at the same time share the way. */
@Injectable()
export class Intake {
  private readonly looks = new Grouped((newcomers: readonly Newcomer[]) => this.lookAll(newcomers), {
    intervalMs: LOOK_INTERVAL_MS,
  });
  private readonly commits = new Grouped((items: readonly IntakeItem[]) => this.commit(items));

  constructor(
    private readonly repository: AcceptRepository,
    private readonly devices: DevicesService,
    private readonly batches: BatchesService,
    private readonly handOver: HandOver,
    private readonly live: LiveService,
  ) {}

  /** Key, time and audience in one look. */
  look(newcomer: Newcomer): Promise<Known> {
    return this.looks.submit(newcomer);
  }

  /** Idempotency key, notification and batches, all or nothing; false, and nothing stored, when the key is taken. */
  store(item: IntakeItem): Promise<boolean> {
    return this.commits.submit(item);
  }

  private async lookAll(newcomers: readonly Newcomer[]): Promise<Known[]> {
    const audiences = newcomers.map(({ applicationId, audience }) => audience && { applicationId, audience });
    const { now, before, withScreens, rows } = await this.repository.look<NamedGroup>(
      newcomers.map(({ applicationId }) => applicationId),
      newcomers.map(({ idempotent }) => idempotent?.key),
      this.devices.namedPart(audiences),
    );
    const groups = this.devices.groupsOf(rows, newcomers.length);
    return newcomers.map(({ applicationId, audience }, i) => ({
      now,
      before: before[i],
      hasScreens: withScreens.has(applicationId),
      groups: audience && groups[i],
    }));
  }

  private async commit(items: readonly IntakeItem[]): Promise<boolean[]> {
    const roots = items.flatMap(({ notification, groups = [] }) => {
      const delayMs = pushDelayMs(notification.options);
      const due = delayMs === undefined ? isStraight(notification) && { queuedMs: HAND_OVER_MS } : { delayMs };
      return groups.map((group) => ({ notification, group, ...due }));
    });
    const stored = await this.repository.store(items.map(rowOf), this.batches.rootsPart(roots), LOCK_WAIT_MS);
    const isNew = items.map(({ notification }) => stored.ids.has(notification.id));
    const fresh = items.filter((_, i) => isNew[i]);
    const straight = fresh.map(({ notification }) => notification).filter(isStraight);
    const lanes = new Map(straight.map(({ id, lane }) => [id, lane]));
    this.handOver.add(
      fresh.flatMap(({ notification, groups }) => (groups || isScheduled(notification) ? [] : [notification.id])),
      stored.roots.flatMap((root) => {
        const lane = lanes.get(root.notificationId);
        return lane ? [{ ...root, lane }] : [];
      }),
    );
    this.live.announce(fresh.map(({ notification }) => notification));
    return isNew;
  }
}

function rowOf({ notification, groups, response, idempotent }: IntakeItem): NewRow {
  return {
    notification,
    idempotent,
    response,
    state: response.status,
    isPlanned: groups !== undefined,
    planned: groups?.reduce((sum, group) => sum + group.n, 0) ?? 0,
    planWakeAt: new Date(notification.sendAt.getTime() + (isScheduled(notification) ? 0 : HAND_OVER_MS)),
  };
}

/** Campaigns go by way of the feeder, which gives every application its share, and so does what is not due yet. */
function isStraight({ lane, options }: NewNotification): boolean {
  return lane !== 'bulk' && options.realtime !== 'first';
}
