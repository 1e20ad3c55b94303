import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../../src/config/embedded-config.js';
import { type FoundTool, findTool, H2LOAD, toolCacheDirs } from '../../src/embedded/debian-packages.js';
import type { Measurement } from '../contender.js';
import { IN_FLIGHT, type SampleRequest } from '../requests.js';
import type { Bench } from '../section.js';

const run = promisify(execFile);

/** Clock ticks per second in `/proc/…/stat`; the kernel's ABI fixes them. */
const TICKS_PER_SECOND = 100;
/** Milliseconds; it waits for ever when the server leaves it alone. */
const TIMEOUT_MS = 120_000;

export interface H2load {
  /** One connection, {@link IN_FLIGHT} streams. */
  measure(count: number): Promise<Measurement>;
}

/**
 * The C reference client with the same requests; it repeats one head and body for all paths.
 *
 * @throws Error that says how to get h2load
 */
export async function prepareH2load(bench: Bench, url: string, requests: readonly SampleRequest[]): Promise<H2load> {
  const tool = await findTool(H2LOAD, toolCacheDirs(), bench.say);
  const [sample] = requests;
  if (sample === undefined) throw new RangeError('no requests');
  const name = sample.path.replaceAll(/\W/g, '');
  const bodyFile = join(bench.workDir, `h2load-${name}.json`);
  const pathFile = join(bench.workDir, `h2load-${name}.txt`);
  await writeFile(bodyFile, sample.body);
  await writeFile(pathFile, [...new Set(requests.map(({ path }) => `${url}${path}`))].join('\n'));
  const headers = Object.entries(sample.headers).flatMap(([field, value]) => ['-H', `${field}: ${value}`]);
  const args = ['-c1', `-m${IN_FLIGHT}`, '-d', bodyFile, '-i', pathFile, ...headers];
  return { measure: (count) => measure(tool, args, count) };
}

async function measure(tool: FoundTool, args: readonly string[], count: number): Promise<Measurement> {
  const cpuBefore = childrenCpuUs();
  const { stdout } = await run(tool.command, [...args, `-n${count}`], {
    env: childEnvironment(tool.env),
    timeout: TIMEOUT_MS,
  });
  const cpuUs = (childrenCpuUs() - cpuBefore) / count;
  const perSecond = Number(/finished in [^,]+, ([\d.]+) req\/s/.exec(stdout)?.[1]);
  const succeeded = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1]);
  if (!(perSecond > 0) || !(succeeded >= 0)) throw new Error(`h2load said: ${stdout.slice(-500)}`);
  const others = count - succeeded;
  return {
    count,
    ms: (count / perSecond) * 1000,
    cpuUs,
    perSecond,
    ends: { '200': succeeded, ...(others > 0 && { other: others }) },
  };
}

/** CPU time of all children that have ended; NaN where there is no /proc. */
function childrenCpuUs(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // cutime and cstime, fields 16 and 17 of proc(5).
    return ((Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND) * 1_000_000;
  } catch {
    return Number.NaN;
  }
}
