import { type Measurement, runContender } from '../contender.js';
import { medianOf, progress, type Rounds } from '../contest-table.js';
import { interleave } from '../rounds.js';
import type { Bench, Section } from '../section.js';
import { startFcm } from '../servers/fcm.js';
import type { Served } from '../servers/served.js';
import { spreadText } from '../spread.js';
import type { LatencyInput } from './contender.js';

const CONTENDER = new URL('./contender.js', import.meta.url);
const DELAY_MS = 50;
const MAX_STREAMS = 100;
/** Requests that the callers have in flight or waiting at any time. */
const IN_FLIGHT = [100, 400, 800, 1_600, 3_200] as const;
/** Of each measurement, were the line the only limit. */
const SECONDS = 4;
/** Requests/s that one process is to reach. */
const GOAL = 20_000;

/** One process, one origin that takes 50 ms for every answer: connections are opened as load × latency asks. */
export async function runLatency(bench: Bench): Promise<Section[]> {
  const served = await startFcm(bench, { delayMs: DELAY_MS, maxStreams: MAX_STREAMS });
  try {
    const rounds = await contest(bench, served);
    return [
      {
        title: `Transport at ${DELAY_MS} ms latency, ${MAX_STREAMS} streams per connection`,
        columns: ['in flight', 'requests/s', 'connections', 'p50 ms', 'p99 ms', 'CPU µs each'],
        rows: IN_FLIGHT.map((inFlight) => row(inFlight, rounds[inFlight])),
        figures: medianOf('latency.perSecond', speeds(rounds[1_600])),
        note: `\`PooledTransport\` as production makes it, in one process, against a server of our own that answers each request after ${DELAY_MS} ms and refuses streams beyond ${MAX_STREAMS}. Goal: ${GOAL.toLocaleString('en-US')}/s.`,
      },
    ];
  } finally {
    await served.stop();
  }
}

function contest(bench: Bench, { url, ca }: Served): Promise<Record<string, Rounds>> {
  const measure = (inFlight: number) => () => {
    const count = Math.round(((inFlight * 1_000) / DELAY_MS) * (bench.isQuick ? SECONDS / 8 : SECONDS));
    const input: LatencyInput = { url, ca, inFlight };
    return runContender(CONTENDER, { warmUp: count / 4, count, input });
  };
  const contenders = Object.fromEntries(IN_FLIGHT.map((inFlight) => [String(inFlight), measure(inFlight)]));
  return interleave<string, Measurement>(bench.rounds, contenders, progress(bench, 'latency'));
}

function speeds(rounds: Rounds | undefined): number[] {
  return Array.isArray(rounds) ? rounds.map(({ perSecond }) => perSecond) : [];
}

function row(inFlight: number, rounds: Rounds | undefined): string[] {
  const label = inFlight.toLocaleString('en-US');
  if (!Array.isArray(rounds)) return [label, `not measured: ${rounds?.message ?? ''}`, '', '', '', ''];
  const extra = (name: string) => spreadText(rounds.map((round) => round.extra?.[name] ?? Number.NaN));
  const failed = rounds.reduce((sum, { count, ends }) => sum + count - (ends['200'] ?? 0), 0);
  return [
    failed === 0 ? label : `${label} (${failed} did not end with 200)`,
    spreadText(speeds(rounds)),
    extra('connections'),
    extra('p50Ms'),
    extra('p99Ms'),
    spreadText(rounds.map(({ cpuUs }) => cpuUs)),
  ];
}
