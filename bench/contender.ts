import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What one contender did in the measured part of one round. */
export interface Measurement {
  count: number;
  /** Wall clock. */
  ms: number;
  /** User and system time of the whole process, in microseconds for each of `count`. */
  cpuUs: number;
  perSecond: number;
  /** Ends by kind: an HTTP status, an outcome. Whoever asked judges whether that is what was to be measured. */
  ends: Record<string, number>;
  /** What else the contender wants to say, such as the connections that it opened. */
  extra?: Record<string, number>;
}

/** A contender, in its own process: `setUp` once, then `run` for the warm-up and again for the measured part. */
export interface Contender<Input> {
  setUp(input: Input): Promise<Contest>;
}

export interface Contest {
  /** Does `count` of them; tells how each ended. */
  run(count: number): Promise<Record<string, number>>;
  extra?(): Record<string, number>;
  tearDown(): Promise<void>;
}

interface Order {
  warmUp: number;
  count: number;
  input: unknown;
}

/** Milliseconds. A contender that needs longer hangs. */
const TIMEOUT_MS = 180_000;

/**
 * Runs a contender's script in a process of its own.
 *
 * @param script as built, calling {@link contend}
 * @param input plain data for its `setUp`
 * @throws Error with the contender's last words when it fails
 */
export function runContender(
  script: URL,
  { warmUp, count, input }: Order,
  execArgv: readonly string[] = [],
): Promise<Measurement> {
  const child = fork(fileURLToPath(script), [], {
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2_000);
  });
  return new Promise((resolve, reject) => {
    let measurement: Measurement | undefined;
    child.on('message', (message) => {
      measurement = message as Measurement;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (measurement !== undefined) resolve(measurement);
      else reject(new Error(`${script.pathname.split('/').at(-1)} ended with ${signal ?? code}: ${lastWords.trim()}`));
    });
    child.send({ warmUp, count, input });
  });
}

/** The other side of {@link runContender}: what a contender's script calls. */
export function contend<Input>(contender: Contender<Input>): void {
  // Nobody is left to report to.
  process.once('disconnect', () => process.exit(1));
  process.once('message', (order: Order) => {
    measure(contender, order).then(
      (measurement) => process.send?.(measurement, () => process.exit(0)),
      (error: unknown) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        process.stderr.write(text, () => process.exit(1));
      },
    );
  });
}

async function measure<Input>(contender: Contender<Input>, order: Order): Promise<Measurement> {
  const contest = await contender.setUp(order.input as Input);
  await contest.run(order.warmUp);
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const ends = await contest.run(order.count);
  const ms = performance.now() - startedMs;
  const cpu = process.cpuUsage(cpuBefore);
  const extra = contest.extra?.();
  await contest.tearDown();
  return {
    count: order.count,
    ms,
    cpuUs: (cpu.user + cpu.system) / order.count,
    perSecond: (order.count / ms) * 1000,
    ends,
    ...(extra !== undefined && { extra }),
  };
}

/** Keeps `inFlight` of them going until `count` have ended. */
export function sustain(
  count: number,
  inFlight: number,
  start: (done: (end: string | number) => void) => void,
): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  return new Promise((resolve) => {
    let started = 0;
    let ended = 0;
    const done = (end: string | number): void => {
      ends[end] = (ends[end] ?? 0) + 1;
      ended += 1;
      if (started < count) {
        started += 1;
        start(done);
      } else if (ended === count) resolve(ends);
    };
    for (; started < Math.min(inFlight, count); ) {
      started += 1;
      start(done);
    }
  });
}
