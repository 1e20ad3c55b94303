import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { BatchesModule } from '../batches/batches.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { EventsModule } from '../events/events.module.js';
import { QueueModule } from '../queue/queue.module.js';
import { AcceptRepository } from './accept.repository.js';
import { AcceptService } from './accept.service.js';
import { HandOver } from './hand-over.js';
import { Idempotency } from './idempotency.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { Intake } from './intake.js';
import { LiveRepository } from './live.repository.js';
import { LiveService } from './live.service.js';
import { MessagesService } from './messages.service.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotificationsService } from './notifications.service.js';
import { OperationsService } from './operations.service.js';
import { PlanningRepository } from './planning.repository.js';
import { RollUp } from './roll-up.js';
import { RollUpRepository } from './roll-up.repository.js';
import { TimelineRepository } from './timeline.repository.js';

@Module({
  imports: [ApplicationsModule, BatchesModule, DevicesModule, EventsModule, QueueModule],
  providers: [
    AcceptRepository,
    AcceptService,
    HandOver,
    Idempotency,
    IdempotencyRepository,
    Intake,
    LiveRepository,
    LiveService,
    MessagesService,
    NotificationsRepository,
    NotificationsService,
    OperationsService,
    PlanningRepository,
    RollUp,
    RollUpRepository,
    TimelineRepository,
  ],
  exports: [AcceptService, Idempotency, LiveService, MessagesService, NotificationsService, OperationsService, RollUp],
})
export class NotificationsModule {}
