import { Module } from '@nestjs/common';
import { EventLog } from './event-log.js';

/** Telling of facts, for every feature that makes some. */
@Module({ providers: [EventLog], exports: [EventLog] })
export class EventsModule {}
