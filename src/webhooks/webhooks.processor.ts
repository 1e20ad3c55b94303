import { Process, Processor } from '@nestjs/bull';
import type { Job } from 'bull';
import { WEBHOOK_QUEUE, type WebhookJob } from '../queue/queues.js';
import { WebhookSender } from './sender.js';

/** Calls that one worker has under way at the same time: each may last 15 s. */
const CONCURRENCY = 128;

@Processor(WEBHOOK_QUEUE)
export class WebhooksProcessor {
  constructor(private readonly sender: WebhookSender) {}

  @Process({ concurrency: CONCURRENCY })
  async process(job: Job<WebhookJob>): Promise<void> {
    await this.sender.send(job.data);
  }
}
