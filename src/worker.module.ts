import { type DynamicModule, Module } from '@nestjs/common';
import { MaintenanceModule } from './admin/maintenance.module.js';
import type { Config } from './config/config.js';
import { DispatchModule } from './deliveries/dispatch.module.js';
import { PlanningModule } from './deliveries/planning.module.js';
import { HttpModule } from './http/http.module.js';
import { ConsumerConnections } from './queue/queues.js';

/** What the worker role runs: every processor, feeder and timer. No controllers but those of health. */
@Module({})
export class WorkerModule {
  static of(config: Config): DynamicModule {
    const connections = new ConsumerConnections(config.REDIS_URL);
    return {
      module: WorkerModule,
      imports: [HttpModule, MaintenanceModule, DispatchModule.of(config, connections), PlanningModule.of(connections)],
    };
  }
}
