import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { spreadText } from '../spread.js';

const HAS_PROC = existsSync('/proc/self/stat');

/** As {@link spreadText}, for what only Linux tells about processes. */
export function processText(values: readonly number[]): string {
  return HAS_PROC ? spreadText(values) : 'not measured: needs /proc, which Linux has';
}

/** Microseconds of one clock tick of /proc/<pid>/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_US = 10_000;

/**
 * CPU that a process and its threads have used so far, in microseconds; 0 once it has ended, NaN without /proc.
 *
 * @see https://docs.kernel.org/scheduler/sched-stats.html (/proc/<pid>/schedstat: nanoseconds on the CPU)
 */
export function cpuUsOf(pid: number): number {
  if (!HAS_PROC) return Number.NaN;
  try {
    let us = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      us += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1000;
    }
    return us;
  } catch {
    const stat = statOf(pid);
    return stat === undefined ? 0 : stat.ownUs;
  }
}

/** The same for a process with all its children, those that have ended included; precise to some 10 ms each. */
export function cpuUsOfFamily(root: number): number {
  if (!HAS_PROC) return Number.NaN;
  let us = 0;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = statOf(pid);
    if (stat === undefined) continue;
    if (pid === root) us += stat.ownUs + stat.endedChildrenUs;
    else if (stat.parent === root) us += stat.ownUs;
  }
  return us;
}

/** Fields 4 and 14 to 17 of /proc/<pid>/stat; field 2 may itself hold spaces and brackets. See proc(5). */
function statOf(pid: number): { parent: number; ownUs: number; endedChildrenUs: number } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number) => Number(fields[field - 3] ?? 0) * TICK_US;
  return { parent: Number(fields[1]), ownUs: ticks(14) + ticks(15), endedChildrenUs: ticks(16) + ticks(17) };
}

/** Resident memory in MiB; 0 once the process has ended, NaN without /proc. */
export function residentMiB(pid: number): number {
  if (!HAS_PROC) return Number.NaN;
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return Number(kib ?? 0) / 1024;
  } catch {
    return 0;
  }
}

const SAMPLE_MS = 100;

/** Looks at the resident memory of some processes, ten times a second, until it is stopped. */
export class MemorySampler {
  private readonly samples = new Map<number, number[]>();
  private readonly timer: NodeJS.Timeout;

  constructor(pids: readonly number[]) {
    for (const pid of pids) this.samples.set(pid, []);
    this.look();
    this.timer = setInterval(() => this.look(), SAMPLE_MS);
  }

  /** @returns the samples of each process, in MiB */
  stop(): number[][] {
    clearInterval(this.timer);
    this.look();
    return [...this.samples.values()];
  }

  private look(): void {
    for (const [pid, samples] of this.samples) samples.push(residentMiB(pid));
  }
}
