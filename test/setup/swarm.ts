import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestApi } from './app.js';
import { publish, tokenFor } from './realtime.js';
import type { ClientSpec, SwarmOrder, SwarmReport } from './swarm-process.js';

const SCRIPT = fileURLToPath(new URL('./swarm-process.ts', import.meta.url));
const STRIP_TYPES = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];

type Answer = { id: number; answer: unknown };

/** One process with clients. */
class SwarmProcess {
  private lastId = 0;
  private readonly waiting = new Map<number, (answer: unknown) => void>();
  private readonly ended: Promise<never>;

  constructor(private readonly child: ChildProcess) {
    child.on('message', ({ id, answer }: Answer) => {
      this.waiting.get(id)?.(answer);
      this.waiting.delete(id);
    });
    this.ended = new Promise((_, reject) => {
      child.once('exit', (code, signal) => reject(new Error(`the clients' process ended: ${signal ?? code}`)));
    });
    this.ended.catch(() => undefined);
  }

  ask<T>(order: SwarmOrder): Promise<T> {
    this.lastId += 1;
    const id = this.lastId;
    const answered = new Promise<unknown>((resolve) => this.waiting.set(id, resolve));
    this.child.send({ id, order });
    return Promise.race([answered as Promise<T>, this.ended]);
  }

  close(): void {
    this.child.kill('SIGKILL');
  }
}

export interface SwarmOptions {
  processes?: number;
  /** Milliseconds over which those who were cut off come back, unless the service says when. */
  windowMs?: number;
}

/** Many realtime clients in processes of their own. */
export class Swarm {
  private constructor(private readonly processes: readonly SwarmProcess[]) {}

  /** Resolves when all clients follow all their channels. */
  static async start(
    { baseUrl }: Pick<TestApi, 'baseUrl'>,
    clients: readonly ClientSpec[],
    { processes: count = 2, windowMs = 5_000 }: SwarmOptions = {},
  ): Promise<Swarm> {
    const processes = Array.from({ length: count }, () => new SwarmProcess(fork(SCRIPT, { execArgv: STRIP_TYPES })));
    const swarm = new Swarm(processes);
    const opened = processes.map((one, i) => {
      const own = clients.filter((_, n) => n % count === i);
      return one.ask({ do: 'open', baseUrl, windowMs, clients: own });
    });
    await Promise.all(opened).catch((error: unknown) => {
      swarm.close();
      throw error;
    });
    return swarm;
  }

  /** What all of them have to tell. @param expected ids of the newest messages, by channel */
  async report(expected: Readonly<Record<string, string>> = {}): Promise<SwarmReport> {
    const all = await Promise.all(this.processes.map((one) => one.ask<SwarmReport>({ do: 'report', expected })));
    return all.reduce((sum, one) => ({
      live: sum.live + one.live,
      away: [...sum.away, ...one.away],
      messages: sum.messages + one.messages,
      repeats: sum.repeats + one.repeats,
      holes: sum.holes + one.holes,
      gaps: sum.gaps + one.gaps,
      inboxGaps: sum.inboxGaps + one.inboxGaps,
      behind: sum.behind + one.behind,
      offences: [...sum.offences, ...one.offences],
      tries: [...sum.tries, ...one.tries],
      returns: [...sum.returns, ...one.returns],
      ends: [...sum.ends, ...one.ends],
      latencies: [...sum.latencies, ...one.latencies],
    }));
  }

  /** What came of it when each client tried again by every way, and how often. */
  async tryAgain(): Promise<Readonly<Record<string, number>>> {
    const all = await Promise.all(this.processes.map((one) => one.ask<Record<string, number>>({ do: 'tryAgain' })));
    const sum: Record<string, number> = {};
    for (const counts of all) for (const [why, n] of Object.entries(counts)) sum[why] = (sum[why] ?? 0) + n;
    return sum;
  }

  close(): void {
    for (const one of this.processes) one.close();
  }
}

/** What so many percent of the latencies do not exceed, in ms; NaN without any. */
export function percentile(latencies: SwarmReport['latencies'], percent: number): number {
  const sorted = latencies.toSorted(([a], [b]) => a - b);
  let left = (sorted.reduce((sum, [, count]) => sum + count, 0) * percent) / 100;
  for (const [ms, count] of sorted) {
    left -= count;
    if (left <= 0) return ms;
  }
  return Number.NaN;
}

/** How many of these moments fall into each span of `widthMs`, from the first to the last. */
export function spread(momentsMs: readonly number[], widthMs: number): number[] {
  const firstMs = momentsMs.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  const buckets: number[] = [];
  for (const ms of momentsMs) {
    const at = Math.floor((ms - firstMs) / widthMs);
    while (buckets.length <= at) buckets.push(0);
    buckets[at] = (buckets[at] ?? 0) + 1;
  }
  return buckets;
}

/** Runs `work` for each item, `width` at a time. */
export async function eachOf<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = left.next(); !next.done; next = left.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** One realtime token for each user; all channels are allowed. */
export async function tokensFor(
  api: Pick<TestApi, 'baseUrl'>,
  key: string,
  userIds: readonly string[],
  ttlSeconds = 3_600,
): Promise<Awaited<ReturnType<typeof tokenFor>>[]> {
  const tokens: Awaited<ReturnType<typeof tokenFor>>[] = [];
  await eachOf(userIds.entries(), 32, async ([i, userId]) => {
    tokens[i] = await tokenFor(api, key, { userId, ttlSeconds });
  });
  return tokens;
}

/** Publishes at a steady rate until it is stopped. */
export class Publisher {
  taken = 0;
  refused = 0;
  /** Nobody knows whether these were taken. */
  unanswered = 0;
  private sent = 0;
  private readonly underWay = new Set<Promise<void>>();
  private readonly timer: NodeJS.Timeout;
  private readonly startedMs = performance.now();

  /** @param channelOf of the n-th message */
  constructor(
    private readonly api: Pick<TestApi, 'baseUrl'>,
    private readonly key: string,
    private readonly perSecond: number,
    private readonly channelOf: (n: number) => string,
    private readonly filler = '',
  ) {
    this.timer = setInterval(() => this.catchUp(), 20);
  }

  get seconds(): number {
    return (performance.now() - this.startedMs) / 1_000;
  }

  /** Resolves when every message has its answer. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.underWay);
  }

  private catchUp(): void {
    for (; this.sent < this.seconds * this.perSecond; this.sent += 1) {
      const one: Promise<void> = this.send(this.channelOf(this.sent)).finally(() => this.underWay.delete(one));
      this.underWay.add(one);
    }
  }

  private async send(channel: string): Promise<void> {
    try {
      const { status } = await publish(this.api, this.key, channel, { t: Date.now(), x: this.filler });
      if (status === 201) this.taken += 1;
      else this.refused += 1;
    } catch {
      this.unanswered += 1;
    }
  }
}

/** One last message to each of these channels. @returns their ids: everything before them was taken earlier */
export async function lastMessages(
  api: Pick<TestApi, 'baseUrl'>,
  key: string,
  channels: readonly string[],
): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  await eachOf(channels, 16, async (channel) => {
    const { status, body } = await publish(api, key, channel, 'last');
    if (status !== 201) throw new Error(`the last message to ${channel} was answered with ${status}`);
    ids[channel] = body.id;
  });
  return ids;
}
