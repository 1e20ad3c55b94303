import { Module } from '@nestjs/common';
import { DevicesModule } from '../devices/devices.module.js';
import { EventsModule } from '../events/events.module.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveriesService } from './deliveries.service.js';
import { DeliveriesExport } from './deliveries-export.js';
import { DeliveryDescriptions } from './delivery-descriptions.js';
import { DeliveryDetailsService } from './delivery-details.service.js';
import { GatesRepository } from './gates.repository.js';
import { LogRepository } from './log.repository.js';
import { ReceiptsRepository } from './receipts.repository.js';
import { ReceiptsService } from './receipts.service.js';
import { SingleRepository } from './single.repository.js';
import { WhyRepository } from './why.repository.js';
import { WhyService } from './why.service.js';

/** Reading the delivery log, and receipts; the controllers are in `api.module.ts`. */
@Module({
  imports: [DevicesModule, EventsModule, NotificationsModule],
  providers: [
    DeliveriesExport,
    DeliveriesRepository,
    DeliveriesService,
    DeliveryDescriptions,
    DeliveryDetailsService,
    GatesRepository,
    LogRepository,
    ReceiptsRepository,
    ReceiptsService,
    SingleRepository,
    WhyRepository,
    WhyService,
  ],
  exports: [DeliveriesExport, DeliveriesService, DeliveryDetailsService, ReceiptsService, WhyService],
})
export class DeliveriesLogModule {}
