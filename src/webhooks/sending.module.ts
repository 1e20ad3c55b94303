import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ApplicationsModule } from '../applications/applications.module.js';
import { CLOCK, type Clock } from '../lib/clock.js';
import { consumersOf } from '../queue/consumers.module.js';
import { QueueModule } from '../queue/queue.module.js';
import { type ConsumerConnections, WEBHOOK_QUEUE } from '../queue/queues.js';
import { PooledTransport } from '../transport/pooled-transport.js';
import type { Transport } from '../transport/transport.js';
import { MessagesRepository } from './messages.repository.js';
import { WEBHOOK_TRANSPORT, WebhookSender } from './sender.js';
import { SendingLoops } from './sending-loops.js';
import { WebhooksModule } from './webhooks.module.js';
import { WebhooksProcessor } from './webhooks.processor.js';

/** Receivers are many, and each gets few calls: connections are few, and do not stay long. */
const CONNECTIONS = { maxConnectionsPerOrigin: 16, maxConnections: 256, idleCloseMs: 60_000 };
/** Bytes of an answer that are read. */
const MAX_BODY_BYTES = 65_536;

/** What sends events. Workers with WORKER_BACKGROUND only. */
@Module({})
export class WebhookSendingModule implements OnApplicationShutdown {
  constructor(@Inject(WEBHOOK_TRANSPORT) private readonly transport: Transport) {}

  static of(connections: ConsumerConnections): DynamicModule {
    return {
      module: WebhookSendingModule,
      imports: [consumersOf([WEBHOOK_QUEUE], connections), ApplicationsModule, QueueModule, WebhooksModule],
      providers: [
        MessagesRepository,
        SendingLoops,
        WebhookSender,
        WebhooksProcessor,
        {
          provide: WEBHOOK_TRANSPORT,
          inject: [CLOCK],
          useFactory: (clock: Clock) => new PooledTransport({ clock, ...CONNECTIONS, maxBodyBytes: MAX_BODY_BYTES }),
        },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.transport.close();
  }
}
