import { Module } from '@nestjs/common';
import { ApplicationsModule } from './applications/applications.module.js';
import { HttpModule } from './http/http.module.js';

/** What the worker role runs: every processor, feeder and timer. No controllers but those of health. */
@Module({
  imports: [HttpModule, ApplicationsModule],
  providers: [],
})
export class WorkerModule {}
