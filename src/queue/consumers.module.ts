import { BullModule } from '@nestjs/bull';
import type { DynamicModule } from '@nestjs/common';
import type { ConsumerConnections } from './queues.js';

/** Makes this process a consumer of these queues; import it where their processors are provided. */
export function consumersOf(names: readonly string[], connections: ConsumerConnections): DynamicModule {
  return BullModule.registerQueue(...names.map((name) => ({ name, ...connections.optionsOf(name) })));
}
