/**
 * Realtime clients in a process of their own, so that they share neither the server's event loop nor that of the test. Each
 * keeps account of what it got: after every message it stands where that message stands, and whatever lies between that place
 * and the one before must have been announced. Started straight from source, hence no imports from src or test and only
 * erasable TypeScript.
 */
import { createHash } from 'node:crypto';
import type { Follower, Listener, Message } from './swarm-transports.js';

// Node runs sources only by their own names.
const { openIo, openPoll, openRaw, openSdk, openSse, ticketFor } = (await import(
  new URL('./swarm-transports.ts', import.meta.url).href
)) as typeof import('./swarm-transports.js');

export type ClientKind = 'raw' | 'io' | 'sse' | 'poll' | 'sdk';

export interface ClientSpec {
  id: number;
  kind: ClientKind;
  token: string;
  channels: readonly string[];
  /** False: takes nothing from its connection any more once it follows its channels. Default true. */
  reads?: boolean;
  /** False: once it was cut off it stays away. Default true. */
  returns?: boolean;
  /** It also gets a ticket, for {@link SwarmOrder} `tryAgain`. */
  wantsTicket?: boolean;
}

export type SwarmOrder =
  | { do: 'open'; baseUrl: string; windowMs: number; clients: readonly ClientSpec[] }
  /** Positions by channel, as ids: whoever follows the channel and is elsewhere is behind. */
  | { do: 'report'; expected: Readonly<Record<string, string>> }
  /** Each client tries once by every way that there is. Answers how often which end came of it; `admitted` is one. */
  | { do: 'tryAgain' };

export interface SwarmReport {
  live: number;
  /** The first few that are not, with the last that they heard. */
  away: string[];
  messages: number;
  /** Messages that a client had already. */
  repeats: number;
  /** Messages before which something is missing that no gap announced. */
  holes: number;
  gaps: number;
  /** Those of inboxes among them. */
  inboxGaps: number;
  /** Pairs of client and channel that are not where they should be. */
  behind: number;
  /** The first few of what should not be, in words. */
  offences: string[];
  /** For each client that was lost, the moment in epoch ms for which it planned its first try: a busy machine is later. */
  tries: [id: number, atMs: number][];
  /** Epoch ms of the moments at which one followed everything again. */
  returns: number[];
  /** Who was cut off or refused, why, and when in epoch ms. */
  ends: [id: number, why: string, atMs: number][];
  /** Milliseconds from `data.t` of a message to its arrival, and how often. */
  latencies: [ms: number, count: number][];
}

interface Position {
  epoch: string;
  seq: number;
}

const MAX_OFFENCES = 10;
const OPEN_AT_ONCE = 100;
/** Milliseconds: the span over which one comes back doubles with every try that failed, up to this. */
const MAX_WINDOW_MS = 30_000;
/** Ends after which the same token is of no use. */
const FINAL = /^(token_|realtime_token_|http_204|io server disconnect)/;

/** Those that come back by themselves. */
const COMES_BACK: ReadonlySet<ClientKind> = new Set(['io', 'sdk']);

const tally = emptyTally();
let clients: Client[] = [];

function emptyTally() {
  const lists = { offences: [] as string[], tries: [] as SwarmReport['tries'], returns: [] as number[] };
  const latencies = new Map<number, number>();
  return {
    messages: 0,
    repeats: 0,
    holes: 0,
    gaps: 0,
    inboxGaps: 0,
    ends: [] as SwarmReport['ends'],
    latencies,
    ...lists,
  };
}

class Client implements Follower {
  baseUrl: string;
  windowMs: number;
  spec: ClientSpec;
  cursor: string | undefined;
  ticket: string | undefined;
  isLive = false;
  lastEnd = 'nothing';
  /** Losses since it last followed everything. */
  failures = 0;
  positions = new Map<string, Position>();
  private isTrying = false;
  private whenLive: (() => void)[] = [];

  constructor(baseUrl: string, windowMs: number, spec: ClientSpec) {
    this.baseUrl = baseUrl;
    this.windowMs = windowMs;
    this.spec = spec;
  }

  /** Resolves when it follows all its channels. */
  async open(): Promise<void> {
    if (this.spec.wantsTicket) this.ticket = await ticketFor(this.baseUrl, this.spec.token);
    this.connect();
    await new Promise<void>((resolve) => this.whenLive.push(resolve));
  }

  private connect(): void {
    TRANSPORTS[this.spec.kind](this, {
      live: (cursor) => this.becameLive(cursor),
      message: (message, cursor) => this.take(message, cursor),
      trying: () => this.noteTry(Date.now()),
      over: (why, afterMs) => this.lost(why, afterMs),
    });
  }

  private becameLive(cursor: string): void {
    this.isLive = true;
    this.failures = 0;
    this.cursor = cursor;
    const known = new Map(cursor.split('~').map((entry) => entry.split('.') as [string, string]));
    for (const channel of this.spec.channels) {
      const id = known.get(tagOf(channel));
      if (id !== undefined && !this.positions.has(channel)) this.positions.set(channel, parseId(id));
    }
    if (this.isTrying) tally.returns.push(Date.now());
    this.isTrying = false;
    for (const resolve of this.whenLive.splice(0)) resolve();
  }

  private take(message: Message, cursor: string): void {
    this.cursor = cursor;
    tally.messages += 1;
    const next = parseId(message.id);
    const last = this.positions.get(message.channel);
    if (message.event === 'gap') {
      tally.gaps += 1;
      if (message.channel.startsWith('user:')) tally.inboxGaps += 1;
      const from = message.data.from as string | null;
      if (from !== null && last && from !== idOf(last)) this.offend(`a gap from ${from}`, message, last);
    } else if (last && next.epoch === last.epoch && next.seq <= last.seq) {
      tally.repeats += 1;
      this.offend('a repeat', message, last);
      return;
    } else if (last && (next.epoch !== last.epoch || next.seq !== last.seq + 1)) {
      tally.holes += 1;
      this.offend('a hole', message, last);
    }
    this.positions.set(message.channel, next);
    const sentMs = message.data?.t;
    if (typeof sentMs !== 'number') return;
    const ms = Math.max(0, Date.now() - sentMs);
    tally.latencies.set(ms, (tally.latencies.get(ms) ?? 0) + 1);
  }

  private offend(what: string, { id, channel }: Message, last: Position): void {
    const { id: client, kind } = this.spec;
    if (tally.offences.length >= MAX_OFFENCES) return;
    tally.offences.push(`${what}: ${kind} ${client} has ${id} of ${channel} after ${idOf(last)}`);
  }

  private lost(why: string, afterMs?: number): void {
    this.isLive = false;
    this.lastEnd = why;
    tally.ends.push([this.spec.id, why, Date.now()]);
    if (this.spec.returns === false || COMES_BACK.has(this.spec.kind) || FINAL.test(why)) return;
    const spanMs = Math.min(this.windowMs * 2 ** this.failures, MAX_WINDOW_MS);
    this.failures += 1;
    const delayMs = afterMs ?? Math.random() * spanMs;
    this.noteTry(Date.now() + delayMs);
    setTimeout(() => this.connect(), delayMs);
  }

  private noteTry(atMs: number): void {
    if (!this.isTrying) tally.tries.push([this.spec.id, atMs]);
    this.isTrying = true;
  }
}

const TRANSPORTS: Readonly<Record<ClientKind, (client: Follower, listener: Listener) => () => void>> = {
  raw: openRaw,
  io: openIo,
  sse: (client, listener) => openSse(client, listener),
  poll: openPoll,
  sdk: openSdk,
};

function tagOf(channel: string): string {
  return createHash('sha256').update(channel).digest('base64url').slice(0, 8);
}

function parseId(id: string): Position {
  const [epoch = '', seq] = id.split('-');
  return { epoch, seq: Number(seq) };
}

function idOf({ epoch, seq }: Position): string {
  return `${epoch}-${seq}`;
}

async function eachOf<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const lane = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** @returns `admitted`, or why not */
function outcomeOf(open: (listener: Listener) => () => void): Promise<string> {
  return new Promise((resolve) => {
    const close = open({
      live: () => {
        resolve('admitted');
        close();
      },
      message: () => undefined,
      trying: () => undefined,
      over: resolve,
    });
  });
}

async function tryAgain(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  await eachOf(clients, OPEN_AT_ONCE, async (client) => {
    const { ticket } = client;
    const ways = [openRaw, openSse, openPoll].map((open) => outcomeOf((listener) => open(client, listener)));
    ways.push(ticketFor(client.baseUrl, client.spec.token).then((fresh) => (fresh ? 'admitted' : 'no ticket')));
    if (ticket !== undefined) ways.push(outcomeOf((listener) => openSse(client, listener, ticket)));
    for (const outcome of await Promise.all(ways)) counts[outcome] = (counts[outcome] ?? 0) + 1;
  });
  return counts;
}

function report(expected: Readonly<Record<string, string>>): SwarmReport {
  let behind = 0;
  for (const { spec, positions } of clients) {
    for (const channel of spec.channels) {
      const position = positions.get(channel);
      const wanted = expected[channel];
      if (wanted !== undefined && (position === undefined || idOf(position) !== wanted)) behind += 1;
    }
  }
  const away = clients
    .filter(({ isLive }) => !isLive)
    .map(({ spec, lastEnd }) => `${spec.kind} ${spec.id}: ${lastEnd}`);
  const live = clients.length - away.length;
  return { ...tally, latencies: [...tally.latencies], live, away: away.slice(0, MAX_OFFENCES), behind };
}

async function obey(order: SwarmOrder): Promise<unknown> {
  if (order.do === 'report') return report(order.expected);
  if (order.do === 'tryAgain') return tryAgain();
  clients = order.clients.map((spec) => new Client(order.baseUrl, order.windowMs, spec));
  await eachOf(clients, OPEN_AT_ONCE, (client) => client.open());
  return undefined;
}

process.on('message', ({ id, order }: { id: number; order: SwarmOrder }) => {
  void obey(order).then((answer) => process.send?.({ id, answer }));
});
process.on('disconnect', () => process.exit(0));
