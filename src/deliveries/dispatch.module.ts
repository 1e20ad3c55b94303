import { type DynamicModule, Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { BatchesModule } from '../batches/batches.module.js';
import type { Config } from '../config/config.js';
import { DevicesModule } from '../devices/devices.module.js';
import { EventsModule } from '../events/events.module.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { consumersOf } from '../queue/consumers.module.js';
import { type ConsumerConnections, dispatchQueuesOf } from '../queue/queues.js';
import { CheckpointWriter } from './checkpoint-writer.js';
import { Claims } from './claims.js';
import { dispatchProcessors } from './dispatch.processors.js';
import { DispatchLoops } from './dispatch-loops.js';
import { Dispatcher } from './dispatcher.js';
import { Gates } from './gates.js';
import { GatesRepository } from './gates.repository.js';

/** What sends: consumers of the dispatch queues of this worker's lanes, and what feeds them. Worker role only. */
@Module({})
export class DispatchModule {
  static of(config: Config, connections: ConsumerConnections): DynamicModule {
    return {
      module: DispatchModule,
      imports: [
        consumersOf(
          dispatchQueuesOf(config.WORKER_LANES).map(({ name }) => name),
          connections,
        ),
        ApplicationsModule,
        BatchesModule,
        DevicesModule,
        EventsModule,
        NotificationsModule,
      ],
      providers: [
        Dispatcher,
        Claims,
        CheckpointWriter,
        Gates,
        GatesRepository,
        DispatchLoops,
        ...dispatchProcessors(config.WORKER_LANES, config.DISPATCH_CONCURRENCY),
      ],
    };
  }
}
