import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { dropOldPartitions, ensurePartitions } from '../database/partitions.js';
import { DATA_SOURCE } from '../database/transaction.js';
import { DeviceDirectory } from '../devices/device-directory.js';
import { type Loop, startLoop } from '../lib/loop.js';
import { StatsRepository } from './stats.repository.js';

const HOUR_MS = 3_600_000;

/** Once an hour: makes the partitions of the next days, drops those past their time, sums up old statistics, and forgets old histories of devices. */
@Injectable()
export class Maintenance implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(Maintenance.name);
  private loop: Loop | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DATA_SOURCE) private readonly db: DataSource,
    private readonly stats: StatsRepository,
    private readonly devices: DeviceDirectory,
  ) {}

  /** The first round ends before any work begins: after a long pause there may be no partition for today. */
  async onModuleInit(): Promise<void> {
    await this.ensure();
    // Nodes that were started together drift apart.
    const intervalMs = HOUR_MS * (0.9 + Math.random() * 0.2);
    this.loop = startLoop(
      intervalMs,
      async () => {
        await this.round();
        return false;
      },
      (error) => this.logger.error({ event: 'maintenance.failed', err: error }),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop?.stop();
  }

  /** One round of everything. */
  async round(): Promise<void> {
    await this.ensure();
    const dropped = await dropOldPartitions(this.db, {
      attemptDays: this.config.ATTEMPT_RETENTION_DAYS,
      notificationDays: this.config.NOTIFICATION_RETENTION_DAYS,
    });
    if (dropped && dropped.dropped.length + dropped.postponed.length > 0) {
      this.logger.log({ event: 'partitions.dropped', ...dropped });
    }
    const rows = await this.stats.compact();
    if (rows > 0) this.logger.log({ event: 'stats.compacted', rows });
    const purged = await this.devices.purgeHistory(this.config.ATTEMPT_RETENTION_DAYS);
    if (purged > 0) this.logger.log({ event: 'device_history.purged', rows: purged });
  }

  private async ensure(): Promise<void> {
    const { made, postponed } = await ensurePartitions(this.db);
    if (made + postponed.length > 0) this.logger.log({ event: 'partitions.made', made, postponed });
  }
}
