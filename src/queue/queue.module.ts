import { Module } from '@nestjs/common';
import { Producers } from './producers.js';

/** What every role needs of Bull: a way to add jobs. Consumers are registered in `worker.module.ts`. */
@Module({ providers: [Producers], exports: [Producers] })
export class QueueModule {}
