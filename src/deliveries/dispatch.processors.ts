import { Process, Processor } from '@nestjs/bull';
import { Injectable, type Type } from '@nestjs/common';
import type { Job } from 'bull';
import type { Lane } from '../lib/names.js';
import { type DispatchJob, dispatchQueuesOf } from '../queue/queues.js';
import { Dispatcher } from './dispatcher.js';

/** Outside the bulk lane a job is often a single push, and each waits for the round trips that it shares with its neighbours. */
const SMALL_JOBS_FACTOR = 2;

/** One consumer per lane and provider, so that none can take another's slots. */
export function dispatchProcessors(lanes: readonly Lane[], concurrency: number): Type<unknown>[] {
  return dispatchQueuesOf(lanes).map(({ name, lane }) => {
    @Injectable()
    @Processor(name)
    class DispatchProcessor {
      constructor(private readonly dispatcher: Dispatcher) {}

      @Process({ concurrency: lane === 'bulk' ? concurrency : SMALL_JOBS_FACTOR * concurrency })
      async process(job: Job<DispatchJob>): Promise<void> {
        await this.dispatcher.run(lane, job.data);
      }
    }
    Object.defineProperty(DispatchProcessor, 'name', { value: `DispatchProcessor ${name}` });
    return DispatchProcessor;
  });
}
