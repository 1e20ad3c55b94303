import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { Maintenance } from './maintenance.js';
import { StatsRepository } from './stats.repository.js';

/** The hourly upkeep of the database, for the worker role. */
@Module({ imports: [DevicesModule], providers: [Maintenance, StatsRepository], exports: [Maintenance] })
export class MaintenanceModule {}
