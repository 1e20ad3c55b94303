import { Module } from '@nestjs/common';
import { QueueInspector } from './inspector.js';

/** For those who show how the queues stand. */
@Module({ providers: [QueueInspector], exports: [QueueInspector] })
export class InspectorModule {}
