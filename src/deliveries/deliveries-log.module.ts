import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { EventsModule } from '../events/events.module.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveriesService } from './deliveries.service.js';
import { DeliveriesExport } from './deliveries-export.js';
import { DeliveryDescriptions } from './delivery-descriptions.js';
import { GatesRepository } from './gates.repository.js';
import { LogRepository } from './log.repository.js';
import { ReceiptsRepository } from './receipts.repository.js';
import { ReceiptsService } from './receipts.service.js';

/** Reading the delivery log, and receipts; the controllers are in `api.module.ts`. */
@Module({
  imports: [DevicesModule, EventsModule, NotificationsModule],
  providers: [
    DeliveriesExport,
    DeliveriesRepository,
    DeliveriesService,
    DeliveryDescriptions,
    GatesRepository,
    LogRepository,
    ReceiptsRepository,
    ReceiptsService,
  ],
  exports: [DeliveriesExport, DeliveriesService, ReceiptsService],
})
export class DeliveriesLogModule {}
