import Bull from 'bull';
import { Redis } from 'ioredis';
import { producerOptions } from '../../src/queue/queues.js';

/** Data of the jobs that wait on one of the service's queues. */
export async function jobsOn(redisUrl: string, queue: string): Promise<unknown[]> {
  const client = new Redis(redisUrl);
  try {
    const jobs = await new Bull(queue, producerOptions(queue, client)).getWaiting();
    return jobs.map((job) => job.data);
  } finally {
    client.disconnect();
  }
}
