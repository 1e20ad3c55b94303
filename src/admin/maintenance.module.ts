import { Module } from '@nestjs/common';
import { Maintenance } from './maintenance.js';
import { StatsRepository } from './stats.repository.js';

/** The hourly upkeep of the database, for the worker role. */
@Module({ providers: [Maintenance, StatsRepository], exports: [Maintenance] })
export class MaintenanceModule {}
