import { Module } from '@nestjs/common';
import { QueueModule } from '../queue/queue.module.js';
import { BatchesRepository } from './batches.repository.js';
import { BatchesService } from './batches.service.js';
import { CheckpointRepository } from './checkpoint.repository.js';
import { FeedRepository } from './feed.repository.js';
import { Feeder } from './feeder.js';
import { Leases } from './leases.js';
import { Sweep } from './sweep.js';

@Module({
  imports: [QueueModule],
  providers: [BatchesRepository, BatchesService, CheckpointRepository, FeedRepository, Leases, Feeder, Sweep],
  exports: [BatchesService, Leases, Feeder, Sweep],
})
export class BatchesModule {}
