import type { Job } from './job.js';

/** FIFO of jobs that wait for a stream. Jobs whose time ran out stay until they are met: removing them would cost a search. */
export class JobQueue {
  private jobs: Job[] = [];
  private head = 0;

  push(job: Job): void {
    this.jobs.push(job);
  }

  /** The longest waiting job that is not settled yet. */
  shift(): Job | undefined {
    while (this.head < this.jobs.length) {
      const job = this.jobs[this.head];
      this.head += 1;
      if (job !== undefined && !job.isSettled) {
        this.compact();
        return job;
      }
    }
    this.compact();
    return undefined;
  }

  private compact(): void {
    if (this.head < 1_024 && this.head < this.jobs.length) return;
    this.jobs = this.jobs.slice(this.head);
    this.head = 0;
  }
}
