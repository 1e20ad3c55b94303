import { type Measurement, runContender } from '../contender.js';
import {
  CONTEST_COLUMNS,
  contestRow,
  cpuOf,
  medianOf,
  progress,
  type Rounds,
  ratioRow,
  ratios,
  speedOf,
} from '../contest-table.js';
import { IN_FLIGHT, type Kind, sampleFiles, sampleRequests } from '../requests.js';
import { interleave } from '../rounds.js';
import type { Bench, Section } from '../section.js';
import { startNghttpd } from '../servers/nghttpd.js';
import type { Served } from '../servers/served.js';
import type { TransportInput } from './contender.js';
import { prepareH2load } from './h2load.js';

const CONTENDER = new URL('./contender.js', import.meta.url);

const TITLES = {
  bare: 'bare `node:http2`, one warm session',
  node: 'ours over `node:http2` (`PROVIDER_TRANSPORT=node`)',
  wire: 'ours',
  h2load: 'h2load, in C',
} as const;
type Name = keyof typeof TITLES;

/** Requests per round: a few seconds each. */
const COUNTS: Record<Name, number> = { bare: 50_000, node: 50_000, wire: 400_000, h2load: 400_000 };

const KINDS: Record<Kind, string> = { fcm: 'FCM’s request', apns: 'APNs’ request' };

/** One connection each, the same requests, the same nghttpd. */
export async function runTransport(bench: Bench): Promise<Section[]> {
  const sections: Section[] = [];
  for (const kind of ['fcm', 'apns'] as const) {
    const rounds = await measureKind(bench, kind);
    const cpu = ratios(rounds.bare, rounds.wire, cpuOf);
    const speed = ratios(rounds.wire, rounds.h2load, speedOf);
    sections.push({
      title: `Transport: ${KINDS[kind]}`,
      columns: CONTEST_COLUMNS,
      rows: [
        ...(Object.keys(TITLES) as Name[]).map((name) => contestRow(TITLES[name], rounds[name], '200')),
        ratioRow('bare `node:http2` ÷ ours, CPU', cpu, '≥ 10'),
        ratioRow('ours ÷ h2load, requests/s', speed, '≥ 0.6'),
      ],
      figures: { ...medianOf(`transport.${kind}.cpu`, cpu), ...medianOf(`transport.${kind}.h2load`, speed) },
      note: NOTE,
    });
  }
  return sections;
}

const NOTE = `One TLS connection on loopback to the same nghttpd, ${IN_FLIGHT} requests in flight. Ratios are taken round by round.`;

async function measureKind(bench: Bench, kind: Kind): Promise<Record<Name, Rounds>> {
  let served: Served;
  try {
    served = await startNghttpd(bench, sampleFiles());
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    return { bare: reason, node: reason, wire: reason, h2load: reason };
  }
  try {
    return await contest(bench, kind, served);
  } finally {
    await served.stop();
  }
}

async function contest(bench: Bench, kind: Kind, { url, ca }: Served): Promise<Record<Name, Rounds>> {
  const countOf = (name: Name) => (bench.isQuick ? COUNTS[name] / 20 : COUNTS[name]);
  const ours = (client: TransportInput['client']) => () => {
    const input: TransportInput = { client, kind, url, ca };
    return runContender(CONTENDER, { warmUp: countOf(client) / 5, count: countOf(client), input });
  };
  let prepared: ReturnType<typeof prepareH2load> | undefined;
  const h2load = async () => {
    prepared ??= prepareH2load(bench, url, sampleRequests(kind));
    return (await prepared).measure(countOf('h2load'));
  };
  return interleave<Name, Measurement>(
    bench.rounds,
    { bare: ours('bare'), node: ours('node'), wire: ours('wire'), h2load },
    progress(bench, `transport ${kind}`),
  );
}
