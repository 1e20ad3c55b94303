import { type DynamicModule, Module } from '@nestjs/common';
import { BatchesModule } from '../batches/batches.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { consumersOf } from '../queue/consumers.module.js';
import { QueueModule } from '../queue/queue.module.js';
import { type ConsumerConnections, NOTIFY_QUEUE } from '../queue/queues.js';
import { NotifyProcessor } from './notify.processor.js';
import { Planner } from './planner.js';
import { PlanningLoops } from './planning-loops.js';

/** What walks audiences and looks over all notifications. Workers with WORKER_BACKGROUND only. */
@Module({})
export class PlanningModule {
  static of(connections: ConsumerConnections): DynamicModule {
    return {
      module: PlanningModule,
      imports: [
        consumersOf([NOTIFY_QUEUE], connections),
        BatchesModule,
        DevicesModule,
        NotificationsModule,
        QueueModule,
      ],
      providers: [NotifyProcessor, Planner, PlanningLoops],
    };
  }
}
