import { type DynamicModule, Module } from '@nestjs/common';
import { MaintenanceModule } from './admin/maintenance.module.js';
import type { Config } from './config/config.js';
import { DispatchModule } from './deliveries/dispatch.module.js';
import { PlanningModule } from './deliveries/planning.module.js';
import { HttpModule } from './http/http.module.js';
import { ConsumerConnections } from './queue/queues.js';
import { WebhookSendingModule } from './webhooks/sending.module.js';

/** What one worker process runs: the processors and the feeder of its lanes, and the work in the background unless another does it. */
@Module({})
export class WorkerModule {
  static of(config: Config): DynamicModule {
    const connections = new ConsumerConnections(config.REDIS_URL);
    return {
      module: WorkerModule,
      imports: [
        HttpModule,
        DispatchModule.of(config, connections),
        ...(config.WORKER_BACKGROUND
          ? [MaintenanceModule, PlanningModule.of(connections), WebhookSendingModule.of(connections)]
          : []),
      ],
    };
  }
}
