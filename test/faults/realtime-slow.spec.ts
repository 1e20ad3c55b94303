import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiProcesses, startApiProcesses } from '../setup/api-processes.js';
import { createApplication } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';
import { lastMessages, Publisher, percentile, Swarm, tokensFor } from '../setup/swarm.js';
import type { ClientKind } from '../setup/swarm-process.js';

const SILENT = 1_000;
const READERS = 50;
/** The silent ones are flooded in turn: what the kernel keeps for each, some megabytes, is not what is measured here. */
const GROUPS = 4;
/** Up to ten megabytes fit into what the kernel keeps for one of them. */
const MESSAGE_BYTES = 20_000;
const FLOOD_PER_SECOND = 30;
const MAX_GROWTH_BYTES = 300 * 1_048_576;
/** Milliseconds from the first that is closed to the last of its group, since all of them owe the same. */
const CLOSED_MS = 10_000;
const WITHIN = { timeoutMs: 60_000, intervalMs: 100 };

let database: TestDatabase;
let api: ApiProcesses;
const swarms: Swarm[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const env = { REALTIME_MAX_CONNECTIONS_PER_IP: '20000' };
  api = await startApiProcesses({ database: database.url, redis: await testRedisUrl(), processes: 1, env });
}, 120_000);

afterAll(async () => {
  for (const swarm of swarms) swarm.close();
  api?.kill('SIGKILL');
  await api?.exited;
  await database?.drop();
});

const channelOf = (group: number) => `flood-${group}`;
const connections = async () => (await api.metric('carillon_realtime_connections')) ?? 0;

async function open(key: string, n: number, kind: (i: number) => ClientKind, of: (i: number) => object) {
  const users = Array.from({ length: n }, (_, i) => `${kind(i)}-${swarms.length}-${i}`);
  const tokens = await tokensFor(api, key, users);
  const clients = tokens.map(({ token }, i) => ({ id: i, kind: kind(i), token, channels: [] as string[], ...of(i) }));
  const swarm = await Swarm.start(api, clients, { processes: 1 });
  swarms.push(swarm);
  return swarm;
}

/** Sockets of the server for which the kernel keeps bytes, those that nobody owns any more included. */
function owingSockets(): number {
  // Elsewhere the kernel does not say.
  if (process.platform !== 'linux') return 0;
  const port = Number(new URL(api.baseUrl).port).toString(16).toUpperCase().padStart(4, '0');
  const owing = new RegExp(`^ *\\d+: \\w+:${port} \\w+:\\w+ \\w+ (?!00000000)\\w+:`);
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .filter((line) => owing.test(line)).length;
}

it('1,000 clients that never read cost little and are closed, and the others get everything', async () => {
  const { serverKey: key } = await createApplication(api);
  const floods = Array.from({ length: GROUPS }, (_, group) => channelOf(group));
  const readers = await open(
    key,
    READERS,
    (i) => (i % 2 === 0 ? 'sse' : 'raw'),
    () => ({ channels: ['ticker'] }),
  );
  await open(
    key,
    SILENT,
    (i) => (i % 2 === 0 ? 'raw' : 'sse'),
    (i) => ({ channels: [channelOf(i % GROUPS)], reads: false, returns: false }),
  );
  expect(await connections()).toBe(SILENT + READERS);
  const ticker = new Publisher(api, key, 20, () => 'ticker');
  await eventually(() => ticker.taken >= 100, WITHIN);
  const quiet = await readers.report();

  const residentBytes = async () => (await api.metric('process_resident_memory_bytes')) ?? Number.NaN;
  const beforeBytes = await residentBytes();
  let mostBytes = beforeBytes;
  const closings: number[] = [];
  for (const [group, channel] of floods.entries()) {
    const left = SILENT + READERS - ((group + 1) * SILENT) / GROUPS;
    const flood = new Publisher(api, key, FLOOD_PER_SECOND, () => channel, 'x'.repeat(MESSAGE_BYTES));
    let firstMs: number | undefined;
    await eventually(async () => {
      mostBytes = Math.max(mostBytes, await residentBytes());
      const now = await connections();
      if (now < left + SILENT / GROUPS) firstMs ??= performance.now();
      return now === left;
    }, WITHIN);
    closings.push(performance.now() - (firstMs ?? Number.NaN));
    await flood.stop();
    await eventually(() => expect(owingSockets()).toBeLessThan(READERS), { timeoutMs: CLOSED_MS });
  }
  await ticker.stop();

  const last = await lastMessages(api, key, ['ticker']);
  const report = await eventually(async () => {
    const now = await readers.report(last);
    expect(now.behind).toBe(0);
    return now;
  }, WITHIN);
  const grownBytes = mostBytes - beforeBytes;
  console.info(
    `grew by ${Math.round(grownBytes / 1_048_576)} MB from ${Math.round(beforeBytes / 1_048_576)} MB; ` +
      `groups closed within ${closings.map((ms) => `${Math.round(ms)} ms`).join(', ')}; readers: ` +
      `p50 ${percentile(report.latencies, 50)} ms, p99 ${percentile(report.latencies, 99)} ms of ${report.messages} messages, ` +
      `${percentile(quiet.latencies, 50)} and ${percentile(quiet.latencies, 99)} ms of the ${quiet.messages} before the flood`,
  );
  expect(report).toMatchObject({ live: READERS, holes: 0, gaps: 0, repeats: 0, ends: [], offences: [] });
  expect(grownBytes).toBeLessThanOrEqual(MAX_GROWTH_BYTES);
  for (const ms of closings) expect(ms).toBeLessThanOrEqual(CLOSED_MS);
  expect(await connections()).toBe(READERS);
}, 180_000);
