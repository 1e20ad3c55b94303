import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccountsController } from './accounts/accounts.controller.js';
import { AccountsModule } from './accounts/accounts.module.js';
import { SessionController } from './accounts/session.controller.js';
import { AdminController } from './admin/admin.controller.js';
import { AdminModule } from './admin/admin.module.js';
import { OverviewController } from './admin/overview.controller.js';
import { ApiKeysController } from './applications/api-keys.controller.js';
import { ApplicationsController } from './applications/applications.controller.js';
import { ApplicationsModule } from './applications/applications.module.js';
import { AuditController } from './applications/audit.controller.js';
import { CallerGuard } from './applications/caller.guard.js';
import { ConsoleAudit } from './applications/console-audit.js';
import { ConsoleCallers } from './applications/console-callers.js';
import { Cors } from './applications/cors.js';
import { CredentialsController } from './applications/credentials.controller.js';
import { DeliveriesController } from './deliveries/deliveries.controller.js';
import { DeliveriesExportController } from './deliveries/deliveries-export.controller.js';
import { DeliveriesLogModule } from './deliveries/deliveries-log.module.js';
import { ExplainedController } from './deliveries/explained.controller.js';
import { ReceiptsController } from './deliveries/receipts.controller.js';
import { DevicesController } from './devices/devices.controller.js';
import { DevicesModule } from './devices/devices.module.js';
import { ConsoleController } from './http/console.controller.js';
import { HttpModule } from './http/http.module.js';
import { OpenApiController } from './http/openapi.controller.js';
import { SdkController } from './http/sdk.controller.js';
import { NotificationsController } from './notifications/notifications.controller.js';
import { NotificationsModule } from './notifications/notifications.module.js';
import { OperationsController } from './notifications/operations.controller.js';
import { AcknowledgementsController } from './realtime/acknowledgements.controller.js';
import { LongPollController } from './realtime/long-poll.controller.js';
import { PresenceController } from './realtime/presence.controller.js';
import { RealtimeController } from './realtime/realtime.controller.js';
import { RealtimeModule } from './realtime/realtime.module.js';
import { SseController } from './realtime/sse.controller.js';
import { WebsocketGateway } from './realtime/websocket.gateway.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** What the api role runs: every controller and gateway. The modules bring the services that these use. */
@Module({
  imports: [
    HttpModule,
    AccountsModule,
    ApplicationsModule,
    DevicesModule,
    NotificationsModule,
    DeliveriesLogModule,
    RealtimeModule,
    WebhooksModule,
    AdminModule,
  ],
  controllers: [
    SessionController,
    AccountsController,
    ApplicationsController,
    ApiKeysController,
    CredentialsController,
    AuditController,
    DevicesController,
    NotificationsController,
    OperationsController,
    DeliveriesController,
    DeliveriesExportController,
    ExplainedController,
    ReceiptsController,
    RealtimeController,
    PresenceController,
    SseController,
    LongPollController,
    AcknowledgementsController,
    WebhooksController,
    AdminController,
    OverviewController,
    OpenApiController,
    SdkController,
    ConsoleController,
  ],
  providers: [{ provide: APP_GUARD, useClass: CallerGuard }, ConsoleCallers, ConsoleAudit, Cors, WebsocketGateway],
})
export class ApiModule {}
