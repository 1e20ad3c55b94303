import { Injectable } from '@nestjs/common';
import { QueueInspector, type QueueState } from '../queue/inspector.js';
import { SystemRepository, type WorkerActivity } from './system.repository.js';

export interface QueuesState {
  lanes: QueueState[];
  workers: WorkerActivity[];
  /** Null where Redis does not tell. */
  processes: number | null;
}

/** What lies on Bull's queues, and who takes it from there. */
@Injectable()
export class QueuesService {
  constructor(
    private readonly inspector: QueueInspector,
    private readonly system: SystemRepository,
  ) {}

  /** @throws DomainError `redis_unavailable` */
  async read(): Promise<QueuesState> {
    const [lanes, workers] = await Promise.all([this.inspector.look(), this.system.workers()]);
    // A process is connected once to each of its queues.
    const known = lanes.flatMap(({ consumers }) => (consumers === null ? [] : [consumers]));
    return { lanes, workers, processes: known.length === 0 ? null : Math.max(...known) };
  }
}
