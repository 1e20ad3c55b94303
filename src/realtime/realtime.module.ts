import { Module, type OnModuleInit } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { ApplicationsModule } from '../applications/applications.module.js';
import { DevicesModule } from '../devices/devices.module.js';
import { DevicesService } from '../devices/devices.service.js';
import { HttpModule } from '../http/http.module.js';
import { Metrics } from '../http/metrics.js';
import { LiveService } from '../notifications/live.service.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { Acknowledgements } from './acknowledgements.js';
import { Connections } from './connections.js';
import { Hints } from './hints.js';
import { Hub } from './hub.js';
import { InboxRepository } from './inbox.repository.js';
import { LiveDelivery } from './live-delivery.js';
import { NoticesRepository } from './notices.repository.js';
import { OnlineUsers } from './online-users.js';
import { Presence } from './presence.js';
import { PresenceLog } from './presence-log.js';
import { PresenceRedis } from './presence-redis.js';
import { RealtimeAccess } from './realtime-access.js';
import { RealtimeTokensService } from './realtime-tokens.service.js';
import { RedisLog } from './redis-log.js';
import { Revocations } from './revocations.js';
import { RevocationsRepository } from './revocations.repository.js';
import { RealtimeStream } from './stream.js';
import { RealtimeUpkeep } from './upkeep.js';
import { WebsocketRequests } from './websocket-requests.js';

/**
 * Channels, whoever follows them, and what lets them; the controllers are in `api.module.ts`.
 *
 * A further transport admits its clients with `RealtimeAccess`, counts them with `Connections`, and gives each a `Session`
 * and an `Outbox`.
 */
@Module({
  imports: [HttpModule, ApplicationsModule, DevicesModule, NotificationsModule],
  providers: [
    Acknowledgements,
    Connections,
    Hints,
    Hub,
    InboxRepository,
    LiveDelivery,
    NoticesRepository,
    OnlineUsers,
    Presence,
    PresenceLog,
    PresenceRedis,
    RealtimeAccess,
    RealtimeStream,
    RealtimeTokensService,
    RealtimeUpkeep,
    RedisLog,
    Revocations,
    RevocationsRepository,
    WebsocketRequests,
  ],
  exports: [
    Acknowledgements,
    Connections,
    Hub,
    OnlineUsers,
    Presence,
    RealtimeAccess,
    RealtimeStream,
    RealtimeTokensService,
    WebsocketRequests,
  ],
})
export class RealtimeModule implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly connections: Connections,
    private readonly hub: Hub,
    private readonly devices: DevicesService,
    private readonly stream: RealtimeStream,
    private readonly tokens: RealtimeTokensService,
    private readonly live: LiveService,
  ) {}

  onModuleInit(): void {
    this.devices.onForgetUser(async (applicationId, userId) => {
      await this.tokens.revoke(applicationId, { userId });
      await this.stream.deleteInbox(applicationId, userId);
      await this.live.forgetUser(applicationId, userId);
    });
    this.showMetrics();
  }

  private showMetrics(): void {
    const registers = [this.metrics.registry];
    const connections = new Gauge({
      name: 'carillon_realtime_connections',
      help: 'Sockets, streams and held polls of this process.',
      registers,
    });
    const channels = new Gauge({
      name: 'carillon_realtime_channels',
      help: 'Channels that connections of this process follow.',
      registers,
    });
    this.metrics.onScrape(async () => {
      connections.set(this.connections.size);
      channels.set(this.hub.size);
    });
  }
}
