import { Process, Processor } from '@nestjs/bull';
import type { Job } from 'bull';
import { NOTIFY_QUEUE, type NotifyJob } from '../queue/queues.js';
import { Planner } from './planner.js';

/** Audiences that one worker walks at the same time. */
const CONCURRENCY = 4;

@Processor(NOTIFY_QUEUE)
export class NotifyProcessor {
  constructor(private readonly planner: Planner) {}

  @Process({ concurrency: CONCURRENCY })
  async process(job: Job<NotifyJob>): Promise<void> {
    await this.planner.plan(job.data.notificationId);
  }
}
