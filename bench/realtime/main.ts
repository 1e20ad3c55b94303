import { setTimeout as delay } from 'node:timers/promises';
import { FRUGAL_FLAGS } from '../../src/embedded/app-process.js';
import { medianOf } from '../contest-table.js';
import { interleave } from '../rounds.js';
import type { Bench, Section } from '../section.js';
import { figure, spreadText } from '../spread.js';
import { cpuUsOf, residentMiB } from '../system/processes.js';
import { Stack } from '../system/stack.js';
import type { Dialect } from './clients-process.js';
import { ClientsProcess, type Contestant, startBare, startOurs } from './contestants.js';

interface Load {
  idleLines: number;
  lines: number;
  /** Whose latency is looked at. */
  watched: number;
  floodMessages: number;
  /** Messages under way at most; below what a slow reader is cut off for. */
  window: number;
  paceMessages: number;
  pacePerSecond: number;
}

const LOAD: Load = {
  idleLines: 3_000,
  lines: 1_000,
  watched: 20,
  floodMessages: 1_000,
  window: 100,
  paceMessages: 100,
  pacePerSecond: 20,
};
const QUICK: Load = { ...LOAD, idleLines: 500, lines: 200, floodMessages: 500, paceMessages: 40 };

/** Connections that a server has had before its memory is looked at. */
const WARM_UP = { lines: 200, messages: 300 };

/** What one contestant did in one round. Latencies are absent where nothing was sent. */
interface Round {
  idleKiB: number;
  perSecond?: number;
  cpuUs?: number;
  p50Ms?: number;
  p99Ms?: number;
}

type Rounds = Round[] | Error;

/** Many connections that wait, and one channel that all of them follow. */
export async function runRealtime(bench: Bench): Promise<Section[]> {
  const load = bench.isQuick ? QUICK : LOAD;
  return Stack.with(bench, async (stack) => {
    const ours = (dialect: Dialect) => () => round(() => startOurs(stack), dialect, load);
    const bare = (script: string, dialect: Dialect) => () =>
      round(() => startBare(script, FRUGAL_FLAGS), dialect, load);
    const rounds = await interleave<string, Round>(
      bench.rounds,
      {
        'socket.io': ours('socket.io'),
        'bare socket.io': bare('./bare-socket-io.js', 'bare-socket.io'),
        sse: ours('sse'),
        'bare sse': bare('./bare-sse.js', 'bare-sse'),
        poll: ours('poll'),
      },
      (name, number, { idleKiB, perSecond = 0, cpuUs = 0, p50Ms = 0, p99Ms = 0 }) =>
        bench.say(
          `realtime, round ${number}: ${name} ${figure(idleKiB)} KiB, ${figure(perSecond)}/s, ${figure(cpuUs)} µs, p50 ${figure(p50Ms)} ms, p99 ${figure(p99Ms)} ms`,
        ),
    );
    return [table(load, rounds)];
  });
}

async function round(start: () => Promise<Contestant>, dialect: Dialect, load: Load): Promise<Round> {
  const contestant = await start();
  const clients = await ClientsProcess.to(contestant, dialect);
  try {
    const isPoll = dialect === 'poll';
    if (!isPoll) {
      await clients.order({ do: 'open', lines: WARM_UP.lines, watched: 0 });
      await clients.order({ do: 'flood', messages: WARM_UP.messages, window: load.window });
      await clients.order({ do: 'close' });
    }
    const idleKiB = await idleMemory(contestant, clients, load.idleLines);
    if (isPoll) return { idleKiB };
    await clients.order({ do: 'open', lines: load.lines, watched: 0 });
    const before = cpuUsOf(contestant.pid);
    const flood = await clients.order({ do: 'flood', messages: load.floodMessages, window: load.window });
    const cpuUs = (cpuUsOf(contestant.pid) - before) / flood.received;
    await clients.order({ do: 'close' });
    await clients.order({ do: 'open', lines: load.lines, watched: load.watched });
    const { p50Ms, p99Ms } = await clients.order({
      do: 'pace',
      messages: load.paceMessages,
      perSecond: load.pacePerSecond,
    });
    return { idleKiB, perSecond: (flood.received / flood.ms) * 1_000, cpuUs, p50Ms, p99Ms };
  } finally {
    await clients.stop();
    await contestant.stop();
  }
}

/** KiB that each line which only waits keeps resident. */
async function idleMemory({ pid }: Contestant, clients: ClientsProcess, lines: number): Promise<number> {
  const before = await settledMiB(pid);
  await clients.order({ do: 'open', lines, watched: 0 });
  const after = await settledMiB(pid);
  await clients.order({ do: 'close' });
  return ((after - before) * 1_024) / lines;
}

/** Resident memory once it has stood still, within half a MiB, for two seconds. */
async function settledMiB(pid: number): Promise<number> {
  let last = residentMiB(pid);
  for (let stillMs = 0, waitedMs = 0; stillMs < 2_000 && waitedMs < 15_000; waitedMs += 500) {
    await delay(500);
    const now = residentMiB(pid);
    stillMs = Math.abs(now - last) < 0.5 ? stillMs + 500 : 0;
    last = now;
  }
  return last;
}

function table(load: Load, rounds: Record<string, Rounds>): Section {
  const contestRow = (title: string, measured: Rounds | undefined) => {
    if (!Array.isArray(measured)) return [title, `not measured: ${measured?.message ?? ''}`, '', '', '', ''];
    const text = (of: (one: Round) => number | undefined) => {
      const values = measured.flatMap((one) => of(one) ?? []);
      return values.length === 0 ? '' : spreadText(values);
    };
    return [
      title,
      text(({ idleKiB }) => idleKiB),
      text(({ perSecond }) => perSecond),
      text(({ cpuUs }) => cpuUs),
      text(({ p50Ms }) => p50Ms),
      text(({ p99Ms }) => p99Ms),
    ];
  };
  const memory = (name: string) => ratios(rounds[name], rounds[`bare ${name}`], ({ idleKiB }) => idleKiB);
  const speed = (name: string) => ratios(rounds[name], rounds[`bare ${name}`], ({ perSecond }) => perSecond);
  const ratioRow = (title: string, name: string) => [
    `**${title}**`,
    `**${bold(memory(name))}**, goal ≤ 1.3`,
    `**${bold(speed(name))}**, goal ≥ 0.8`,
    '',
    '',
    '',
  ];
  return {
    title: 'Realtime connections',
    columns: [
      '',
      'idle, KiB per connection',
      'broadcast, messages/s',
      'server, CPU µs per message',
      'p50 ms',
      'p99 ms',
    ],
    rows: [
      contestRow('ours, Socket.IO', rounds['socket.io']),
      contestRow('bare `socket.io` server', rounds['bare socket.io']),
      contestRow('ours, server-sent events', rounds['sse']),
      contestRow('bare server-sent events', rounds['bare sse']),
      contestRow('ours, long polling', rounds['poll']),
      ratioRow('ours ÷ bare, Socket.IO', 'socket.io'),
      ratioRow('ours ÷ bare, server-sent events', 'sse'),
    ],
    figures: {
      ...medianOf('realtime.socketIoSpeed', speed('socket.io')),
      ...medianOf('realtime.sseSpeed', speed('sse')),
    },
    note: `One process serves, with the same V8 flags for all; clients, Redis and Postgres share the machine. Idle: ${load.idleLines.toLocaleString('en-US')} connections that follow a channel in which nothing happens. Broadcast: ${load.floodMessages.toLocaleString('en-US')} messages of 200 bytes, published one by one over HTTP to one channel with ${load.lines.toLocaleString('en-US')} followers, ${load.window} under way at most; a message counts once for each follower that got it. Latency: from the publisher's request to the follower, at ${load.pacePerSecond} messages a second to as many followers. The bare servers number, store, authorise and resume nothing.`,
  };
}

function ratios(ours: Rounds | undefined, bare: Rounds | undefined, of: (one: Round) => number | undefined): number[] {
  if (!Array.isArray(ours) || !Array.isArray(bare)) return [];
  return ours.flatMap((one, index) => {
    const [above, other] = [of(one), bare[index]];
    const below = other && of(other);
    return above === undefined || below === undefined ? [] : [above / below];
  });
}

function bold(values: readonly number[]): string {
  return values.length === 0 ? 'not measured' : spreadText(values);
}
