import { Agent, get } from 'node:http';
import type { Bench, RunSection, Section } from '../section.js';
import { figure } from '../spread.js';
import { percentile } from '../system/percentile.js';
import { MemorySampler } from '../system/processes.js';
import { profiling, Stack } from '../system/stack.js';
import { writeLog } from './data.js';
import { measureFirstPages, pagesOf, pageTable } from './first-pages.js';
import { type Kind, kindsOf, takeSamples } from './requests.js';

const DEVICES = 1_000_000;
const QUICK_DEVICES = 20_000;
const SINGLES = 4_000;
/** Requests of each kind in each round; one round more comes before, and does not count. */
const REQUESTS = 12;
const GOAL_P95_MS = 300;

interface Measured {
  title: string;
  ms: number[];
  /** Answers that were not 200, by their status. */
  wrong: Map<number, number>;
}

interface Download {
  format: string;
  ms: number;
  lines: number;
  bytes: number;
  /** Resident memory of the api that was added at most, MiB. */
  grownMiB: number;
}

/** What the console asks, over HTTP, of a log of five million attempts. */
export const runConsole: RunSection = (bench) =>
  Stack.with(bench, async (stack) => {
    await stack.startApi(profiling(bench));
    const { id } = (await stack.admin('POST', '/v1/applications', { name: 'console' })) as { id: string };
    const path = `/v1/applications/${id}/keys`;
    const { key } = (await stack.admin('POST', path, { role: 'admin' })) as { key: string };
    const devices = bench.devices ?? (bench.isQuick ? QUICK_DEVICES : DEVICES);
    const data = await writeLog(stack.db, id, devices, bench.isQuick ? SINGLES / 10 : SINGLES, bench.say);
    const kinds = kindsOf(id, data, await takeSamples(stack.db));
    const client = new Client(stack.baseUrl, key);
    const measured = await measure(bench, client, kinds);
    const last = data.campaigns.at(-2)?.id ?? '';
    const downloads: Download[] = [];
    for (const format of ['csv', 'ndjson']) {
      downloads.push(await client.download(format, `/v1/notifications/${last}/deliveries/export`, stack.api?.pid ?? 0));
    }
    client.close();
    const pages = await measureFirstPages(bench, stack, pagesOf(id, data));
    return [listTable(data.attempts, devices, measured), pageTable(pages), exportTable(downloads)];
  });

/** Kind by kind in turn, so that what slows the machine down meets all of them. */
async function measure(bench: Bench, client: Client, kinds: readonly Kind[]): Promise<Measured[]> {
  const all = kinds.map(({ title }): Measured => ({ title, ms: [], wrong: new Map() }));
  for (let round = 0; round <= bench.rounds; round += 1) {
    for (const [index, { path }] of kinds.entries()) {
      const own = all[index];
      for (let i = 0; own && i < REQUESTS; i += 1) {
        const { status, ms } = await client.ask(path());
        if (status !== 200) own.wrong.set(status, (own.wrong.get(status) ?? 0) + 1);
        if (round > 0) own.ms.push(ms);
      }
    }
    bench.say(round === 0 ? 'console: warm' : `console: round ${round} of ${bench.rounds}`);
  }
  return all;
}

/** One connection, one request after the other, as a person makes them. */
class Client {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(
    private readonly baseUrl: string,
    private readonly key: string,
  ) {}

  close(): void {
    this.agent.destroy();
  }

  /** The time until the last byte is there. */
  async ask(path: string, onData: (chunk: Buffer) => void = () => {}): Promise<{ status: number; ms: number }> {
    const startMs = performance.now();
    const headers = { authorization: `Bearer ${this.key}` };
    return new Promise((resolve, reject) => {
      const request = get(this.baseUrl + path, { headers, agent: this.agent, timeout: 60_000 }, (response) => {
        response.on('data', onData);
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, ms: performance.now() - startMs }));
      });
      request.on('timeout', () => request.destroy(new Error(`no answer to ${path}`)));
      request.on('error', reject);
    });
  }

  async download(format: string, path: string, pid: number): Promise<Download> {
    let [bytes, lines] = [0, 0];
    const sampler = new MemorySampler([pid]);
    const { status, ms } = await this.ask(`${path}?format=${format}`, (chunk) => {
      bytes += chunk.length;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
    });
    if (status !== 200) throw new Error(`the export was answered ${status}`);
    const [samples = []] = sampler.stop();
    return { format, ms, lines, bytes, grownMiB: Math.max(...samples) - (samples[0] ?? 0) };
  }
}

function listTable(attempts: number, devices: number, measured: readonly Measured[]): Section {
  const rows = measured.map(({ title, ms, wrong }) => {
    const sorted = ms.toSorted((a, b) => a - b);
    const faults = [...wrong].map(([status, n]) => `${n} answered ${status}`).join(', ');
    return [
      faults === '' ? title : `${title} (${faults})`,
      ...[percentile(sorted, 0.5), percentile(sorted, 0.95), sorted.at(-1) ?? Number.NaN].map(figure),
    ];
  });
  const p95 = measured.map(({ ms }) =>
    percentile(
      ms.toSorted((a, b) => a - b),
      0.95,
    ),
  );
  const worst = Math.max(...p95);
  const count = (n: number) => n.toLocaleString('en-US');
  return {
    title: `Lists and searches over ${count(attempts)} attempts and ${count(devices)} devices`,
    columns: ['', 'p50 ms', 'p95 ms', 'slowest ms'],
    rows: [...rows, ['**the slowest p95**', '', `**${figure(worst)}**`, `goal ≤ ${GOAL_P95_MS}`]],
    figures: { consoleWorstP95Ms: worst },
    note: `From the request to the last byte of a page of 50, one request after the other over one connection to one api process; ${measured[0]?.ms.length ?? 0} requests of each kind, in turn, after a round that does not count. Deep: from a random place in the list. Five days of 45 campaigns and some thousand notifications to single users, one campaign being sent.`,
  };
}

function exportTable(downloads: readonly Download[]): Section {
  return {
    title: 'Exporting a campaign',
    columns: ['', 'lines', 'lines/s', 'MB/s', 'api, memory added, MiB'],
    rows: downloads.map(({ format, lines, bytes, ms, grownMiB }) => [
      format,
      lines.toLocaleString('en-US'),
      figure((lines / ms) * 1000),
      figure(bytes / ms / 1000),
      figure(grownMiB),
    ]),
    note: 'One export at a time, read as fast as it comes.',
  };
}
