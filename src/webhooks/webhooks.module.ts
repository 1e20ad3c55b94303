import { Module } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { EventsModule } from '../events/events.module.js';
import { HistoryRepository } from './history.repository.js';
import { HistoryService } from './history.service.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhooksRepository } from './webhooks.repository.js';
import { WebhooksService } from './webhooks.service.js';

/** Keeping webhooks and their history; the controller is in `api.module.ts`, what sends in `sending.module.ts`. */
@Module({
  imports: [ApplicationsModule, EventsModule],
  providers: [HistoryRepository, HistoryService, WebhookSecrets, WebhooksRepository, WebhooksService],
  exports: [HistoryRepository, HistoryService, WebhookSecrets, WebhooksService],
})
export class WebhooksModule {}
