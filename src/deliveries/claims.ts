import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { ClaimedBatch } from '../batches/batch.js';
import { Leases } from '../batches/leases.js';
import { DATA_SOURCE } from '../database/transaction.js';
import type { DispatchTarget } from '../devices/device.js';
import { DevicesService } from '../devices/devices.service.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { Grouped } from '../lib/grouped.js';
import { LANES, type Lane } from '../lib/names.js';
import type { Notification } from '../notifications/notification.js';
import { NotificationsService } from '../notifications/notifications.service.js';
import type { DispatchJob } from '../queue/queues.js';
import { BatchRun } from './batch-run.js';
import { Gates } from './gates.js';
import { StopRule } from './stop-rule.js';

/** A job's batches as far as they are ours now. */
export interface ClaimedJob {
  runs: BatchRun[];
  /** On the monotonic clock: nothing may be sent afterwards. */
  deadlineMs: number;
  /** On the monotonic clock: when the claim was known. */
  claimedAtMs: number;
}

/** Deliveries whose devices are loaded at once, about. */
const MAX_JOBS = 64;
/** Between claims: four round trips each time, for one delivery or for a thousand. */
const INTERVAL_MS = 4;

/** Takes the leases of a job's batches and loads what sending them needs; jobs of a lane that come together share the round trips. */
@Injectable()
export class Claims {
  private readonly lanes: ReadonlyMap<Lane, Grouped<DispatchJob, ClaimedJob>>;
  private readonly stopRule = new StopRule();

  constructor(
    private readonly leases: Leases,
    private readonly notifications: NotificationsService,
    private readonly devices: DevicesService,
    private readonly gates: Gates,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.lanes = new Map(
      LANES.map((lane) => [
        lane,
        new Grouped((jobs) => this.claimAll(jobs), { maxSize: MAX_JOBS, intervalMs: INTERVAL_MS }),
      ]),
    );
  }

  async claim(lane: Lane, job: DispatchJob): Promise<ClaimedJob> {
    const claims = this.lanes.get(lane);
    if (claims === undefined) throw new Error(`no lane ${lane}`);
    return claims.submit(job);
  }

  private async claimAll(jobs: readonly DispatchJob[]): Promise<ClaimedJob[]> {
    const { batches, deadlineMs } = await this.leases.claim(jobs.flatMap((job) => job.batches));
    const claimedAtMs = this.clock.monotonicMs();
    const [notifications, targets] = await this.gather(batches);
    const acknowledged = await this.acknowledged(notifications);
    const runs = new Map<string, BatchRun>();
    for (const batch of batches) {
      const notification = notifications.get(batch.notificationId);
      if (!notification) continue;
      const stopTally = this.stopRule.tallyOf(notification.id, batch.provider);
      const run = new BatchRun(batch, notification, targets, stopTally, acknowledged.get(notification.id));
      runs.set(keyOf(batch.notificationId, batch.batchNo), run);
    }
    return jobs.map((job) => ({
      // A batch that two jobs name belongs to the first.
      runs: job.batches.flatMap(([id, batchNo]) => taken(runs, keyOf(id, batchNo))),
      deadlineMs,
      claimedAtMs,
    }));
  }

  private async gather(
    batches: readonly ClaimedBatch[],
  ): Promise<[ReadonlyMap<string, Notification>, ReadonlyMap<number, DispatchTarget>]> {
    if (batches.length === 0) return [new Map(), new Map()];
    const [notifications, targets] = await Promise.all([
      this.notifications.forDispatch([...new Set(batches.map((batch) => batch.notificationId))]),
      this.devices.loadTargets(
        this.db,
        batches.flatMap((batch) => batch.deviceIds),
      ),
      this.gates.refresh([...new Set(batches.map((batch) => batch.applicationId))]),
    ]);
    return [notifications, targets];
  }

  /** Asked after the claim: who acknowledged before it was known is seen here, and who does later finds the batch claimed. */
  private async acknowledged(
    notifications: ReadonlyMap<string, Notification>,
  ): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const waited = [...notifications.values()].filter(({ options }) => options.realtime === 'first');
    return waited.length === 0 ? new Map() : this.notifications.acknowledged(waited.map(({ id }) => id));
  }
}

function taken(runs: Map<string, BatchRun>, key: string): BatchRun[] {
  const run = runs.get(key);
  runs.delete(key);
  return run ? [run] : [];
}

function keyOf(notificationId: string, batchNo: number): string {
  return `${notificationId} ${batchNo}`;
}
