import { availableParallelism } from 'node:os';
import type { Lane } from '../lib/names.js';

/** Worker processes that a machine runs unless told otherwise: each keeps a pool of connections to Postgres. */
const MAX_DEFAULT_PROCESSES = 8;
/** Connections of each, where there are several; eight of them and an api stay below the 100 that Postgres allows by default. */
const POOL_SIZE_OF_SEVERAL = 6;

/** What one of several worker processes does. */
export interface WorkerProcess {
  /** `critical+normal`, `bulk-1`: for logs and metrics. */
  name: string;
  lanes: readonly Lane[];
  /** It also plans, counts and cleans up. */
  isBackground: boolean;
  /** Connections to Postgres unless the operator says how many; undefined: as many as any process. */
  poolSize: number | undefined;
}

/** One per core. `availableParallelism` knows the limits of a container. */
export function defaultWorkerProcesses(cores: number = availableParallelism()): number {
  return Math.min(Math.max(cores, 1), MAX_DEFAULT_PROCESSES);
}

/**
 * Shares lanes out over `count` processes, so that no campaign and no planner takes the processor from a push that somebody
 * waits for: critical and normal have the first for themselves, the others send the bulk, and one of those does the work in
 * the background. Where there is no bulk, the last does nothing else.
 *
 * @param count as many as are wanted; fewer are made where more would have nothing to do
 */
export function shareOut(lanes: readonly Lane[], count: number, isBackground: boolean): WorkerProcess[] {
  const urgent = lanes.filter((lane) => lane !== 'bulk');
  const bulk = lanes.filter((lane) => lane === 'bulk');
  if (count <= 1 || lanes.length === 0) return named([{ lanes, isBackground }]);
  if (bulk.length === 0) {
    const senders = times(isBackground ? count - 1 : count, { lanes: urgent, isBackground: false });
    return named(isBackground ? [...senders, { lanes: [], isBackground }] : senders);
  }
  const bulkCount = urgent.length === 0 ? count : count - 1;
  return named([
    ...(urgent.length === 0 ? [] : [{ lanes: urgent, isBackground: false }]),
    { lanes: bulk, isBackground },
    ...times(bulkCount - 1, { lanes: bulk, isBackground: false }),
  ]);
}

/** What to change in the environment so that a process becomes this one of several workers. */
export function workerEnvironment(
  worker: WorkerProcess,
  environment: NodeJS.ProcessEnv = process.env,
): Record<string, string | undefined> {
  return {
    CARILLON_ROLE: 'worker',
    WORKER_PROCESSES: '1',
    WORKER_LANES: worker.lanes.join(',') || 'none',
    WORKER_BACKGROUND: String(worker.isBackground),
    WORKER_HEALTH_PORT: undefined,
    DATABASE_POOL_SIZE: environment['DATABASE_POOL_SIZE'] || worker.poolSize?.toString(),
  };
}

function times<T>(n: number, item: T): T[] {
  return Array.from({ length: n }, () => item);
}

function named(processes: readonly Omit<WorkerProcess, 'name' | 'poolSize'>[]): WorkerProcess[] {
  const base = ({ lanes }: Pick<WorkerProcess, 'lanes'>) => lanes.join('+') || 'background';
  const seen = new Map<string, number>();
  return processes.map((process) => {
    const name = base(process);
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    const isAlone = processes.filter((other) => base(other) === name).length === 1;
    const poolSize = processes.length > 1 ? POOL_SIZE_OF_SEVERAL : undefined;
    return { name: isAlone ? name : `${name}-${number}`, poolSize, ...process };
  });
}
