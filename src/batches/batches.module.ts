import { Module } from '@nestjs/common';
import { QueueModule } from '../queue/queue.module.js';
import { BatchesRepository } from './batches.repository.js';
import { BatchesService } from './batches.service.js';
import { CheckpointRepository } from './checkpoint.repository.js';
import { FeedRepository } from './feed.repository.js';
import { Feeder } from './feeder.js';
import { Leases } from './leases.js';
import { SuppressionRepository } from './suppression.repository.js';
import { Suppressions } from './suppressions.js';
import { Sweep } from './sweep.js';

@Module({
  imports: [QueueModule],
  providers: [
    BatchesRepository,
    BatchesService,
    CheckpointRepository,
    FeedRepository,
    SuppressionRepository,
    Leases,
    Feeder,
    Suppressions,
    Sweep,
  ],
  exports: [BatchesService, Leases, Feeder, Suppressions, Sweep],
})
export class BatchesModule {}
