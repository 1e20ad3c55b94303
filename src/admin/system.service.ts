import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { listPartitions, type Partition } from '../database/partitions.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { LANES, type Lane } from '../lib/names.js';
import {
  type GateState,
  type LaneDepth,
  type MassGuardState,
  SystemRepository,
  type WorkerActivity,
} from './system.repository.js';

export interface LaneState extends Omit<LaneDepth, 'provider' | 'oldestDueAt' | 'lane'> {
  lane: Lane;
  /** How long the oldest due delivery has been due; null when nothing is. */
  oldestDueSeconds: number | null;
  providers: (Omit<LaneDepth, 'lane' | 'oldestDueAt'> & { oldestDueSeconds: number | null })[];
}

export interface SystemState {
  at: Date;
  /** All of them, in the order of urgency. */
  lanes: LaneState[];
  unplannedNotifications: number;
  gates: GateState[];
  massGuards: MassGuardState[];
  workers: WorkerActivity[];
  partitions: Partition[];
}

/** The state of the whole installation at this moment. */
@Injectable()
export class SystemService {
  constructor(
    private readonly repository: SystemRepository,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
  ) {}

  async read(): Promise<SystemState> {
    const [at, depths, unplannedNotifications, gates, massGuards, workers, partitions] = await Promise.all([
      this.repository.now(),
      this.repository.laneDepths(),
      this.repository.unplanned(),
      this.repository.gates(),
      this.repository.massGuards(),
      this.repository.workers(),
      listPartitions(this.db),
    ]);
    return { at, lanes: lanesOf(depths, at), unplannedNotifications, gates, massGuards, workers, partitions };
  }
}

/** One entry per lane, also for those in which nothing waits. */
export function lanesOf(depths: readonly LaneDepth[], now: Date): LaneState[] {
  return LANES.map((lane) => {
    const providers = depths
      .filter((depth) => depth.lane === lane)
      .map(({ lane: _, oldestDueAt, ...depth }) => ({
        ...depth,
        oldestDueSeconds: oldestDueAt === null ? null : Math.max(0, (now.getTime() - oldestDueAt.getTime()) / 1000),
      }));
    const sum = (key: 'due' | 'sending' | 'waiting' | 'paused') =>
      providers.reduce((total, one) => total + one[key], 0);
    const ages = providers.flatMap(({ oldestDueSeconds }) => (oldestDueSeconds === null ? [] : [oldestDueSeconds]));
    return {
      lane,
      due: sum('due'),
      sending: sum('sending'),
      waiting: sum('waiting'),
      paused: sum('paused'),
      oldestDueSeconds: ages.length === 0 ? null : Math.max(...ages),
      providers,
    };
  });
}
