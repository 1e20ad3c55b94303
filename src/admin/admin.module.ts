import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { HttpModule } from '../http/http.module.js';
import { InspectorModule } from '../queue/inspector.module.js';
import { RealtimeModule } from '../realtime/realtime.module.js';
import { FleetMetrics } from './fleet-metrics.js';
import { OverviewRepository } from './overview.repository.js';
import { OverviewService } from './overview.service.js';
import { OverviewPublisher } from './overview-publisher.js';
import { QueuesService } from './queues.service.js';
import { StatsRepository } from './stats.repository.js';
import { StatsService } from './stats.service.js';
import { SystemRepository } from './system.repository.js';
import { SystemService } from './system.service.js';

/** Statistics, the state of the installation and its metrics, for the api role; the controller is in `api.module.ts`. */
@Module({
  imports: [ApplicationsModule, HttpModule, InspectorModule, RealtimeModule],
  providers: [
    FleetMetrics,
    OverviewPublisher,
    OverviewRepository,
    OverviewService,
    QueuesService,
    StatsRepository,
    StatsService,
    SystemRepository,
    SystemService,
  ],
  exports: [OverviewPublisher, OverviewService, QueuesService, StatsService, SystemService],
})
export class AdminModule {}
