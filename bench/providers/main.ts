import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import webpush from 'web-push';
import type { ProviderName } from '../../src/providers/provider.js';
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
} from '../contest-table.js';
import { FCM_ANSWER, FCM_PATH, IN_FLIGHT, sampleFiles } from '../requests.js';
import { interleave } from '../rounds.js';
import type { Bench, Section } from '../section.js';
import { startNghttpd } from '../servers/nghttpd.js';
import { startNginx } from '../servers/nginx.js';
import type { Served } from '../servers/served.js';
import { spreadOf } from '../spread.js';
import type { CryptoInput } from './crypto.js';
import type { FirebaseInput } from './firebase.js';
import { BUNDLE_ID, PROJECT_ID, VAPID_SUBJECT } from './message.js';
import type { ApnInput } from './node-apn.js';
import type { OursInput } from './ours.js';
import { SUBSCRIPTIONS, writeSubscriptions } from './subscriptions.js';
import type { WebPushInput } from './web-push.js';

/** The servers of this section; where a program is missing, why. */
interface Servers {
  nghttpd: Served | Error;
  nginx: Served | Error;
}

/** What is measured, and with how many messages a round. */
interface Entry {
  title: string;
  count: number;
  measure(count: number, nodeFlags: readonly string[]): Promise<Measurement>;
}

/** Payload, send and outcome: our adapter beside what its vendor's package does. */
export const runProvider = {
  fcm: (bench: Bench) => withServers(bench, fcmSection),
  apns: (bench: Bench) => withServers(bench, apnsSection),
  webpush: (bench: Bench) => withServers(bench, webPushSection),
};

async function withServers(
  bench: Bench,
  run: (bench: Bench, servers: Servers) => Promise<Section>,
): Promise<Section[]> {
  const orError = (served: Promise<Served>): Promise<Served | Error> =>
    served.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  const answers = [
    { path: FCM_PATH, status: 200, body: FCM_ANSWER.replaceAll('\n', '') },
    { path: '/push/', status: 201 },
  ];
  const servers: Servers = {
    nghttpd: await orError(startNghttpd(bench, sampleFiles(), { maxStreams: IN_FLIGHT })),
    nginx: await orError(startNginx(bench, answers)),
  };
  try {
    return [await run(bench, servers)];
  } finally {
    for (const served of Object.values(servers)) if (!(served instanceof Error)) await served.stop();
  }
}

/** Where a contender sends to. @throws why it cannot */
function at(served: Served | Error): { url: string; ca: string } {
  if (served instanceof Error) throw served;
  return { url: served.url, ca: served.ca };
}

function contender<Input>(script: string, count: number, title: string, input: () => Input): Entry {
  const url = new URL(`./${script}.js`, import.meta.url);
  const warmUp = (measured: number) => Math.ceil(measured / 4);
  return {
    title,
    count,
    measure: async (measured, nodeFlags) =>
      runContender(url, { warmUp: warmUp(measured), count: measured, input: input() }, nodeFlags),
  };
}

async function contest<Name extends string>(
  bench: Bench,
  what: string,
  entries: Readonly<Record<Name, Entry>>,
): Promise<{ rounds: Record<Name, Rounds>; rows: string[][] }> {
  const names = Object.keys(entries) as Name[];
  const measures = Object.fromEntries(
    names.map((name) => {
      const { measure, count } = entries[name];
      const isProfiled = bench.profileDir !== undefined && name === 'ours';
      const nodeFlags = isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${bench.profileDir}`] : [];
      return [name, () => measure(bench.isQuick ? Math.ceil(count / 20) : count, nodeFlags)];
    }),
  ) as Record<Name, () => Promise<Measurement>>;
  const rounds = await interleave(bench.rounds, measures, progress(bench, what));
  return { rounds, rows: names.map((name) => contestRow(entries[name].title, rounds[name], 'accepted')) };
}

/** Of those that could be measured, the one that needs the least CPU. */
function bestOf(all: readonly Rounds[]): Rounds {
  const measured = all.filter((rounds): rounds is Measurement[] => !(rounds instanceof Error));
  const medianCpu = (rounds: Measurement[]) => spreadOf(rounds.map(cpuOf)).median;
  return measured.sort((a, b) => medianCpu(a) - medianCpu(b))[0] ?? new Error('none could be measured');
}

function ours(provider: ProviderName, served: Served | Error, credential: unknown, subscriptionFile?: string) {
  return (): OursInput => ({
    provider,
    ...at(served),
    credential,
    ...(subscriptionFile !== undefined && { subscriptionFile }),
  });
}

async function fcmSection(bench: Bench, { nghttpd, nginx }: Servers): Promise<Section> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = {
    project_id: PROJECT_ID,
    client_email: 'bench@example.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  const firebase = (mode: FirebaseInput['mode'], served: Served | Error) => (): FirebaseInput => ({
    mode,
    ...at(served),
  });
  const { rounds, rows } = await contest(bench, 'fcm', {
    send: contender('firebase', 20_000, 'firebase-admin `send()`, as used (HTTP/1.1)', firebase('send', nginx)),
    sendEach: contender('firebase', 20_000, 'firebase-admin `sendEach(500)`, as used', firebase('sendEach', nghttpd)),
    warm: contender(
      'firebase',
      30_000,
      'firebase-admin `send()`, its HTTP/2 on one warm session',
      firebase('warm', nghttpd),
    ),
    bare: contender(
      'firebase',
      40_000,
      'firebase-admin `send()`, bare `node:http2` injected',
      firebase('bare', nghttpd),
    ),
    ours: contender('ours', 200_000, 'ours', ours('fcm', nghttpd, { serviceAccount: account })),
  });
  const { ours: own, ...vendors } = rounds;
  const better = ratios(bestOf(Object.values(vendors)), own, cpuOf);
  return {
    title: 'Dispatch: FCM',
    columns: CONTEST_COLUMNS,
    rows: [...rows, ratioRow('vendor package at its best ÷ ours, CPU', better, '≥ 5')],
    figures: medianOf('fcm.vendor', better),
    note: `Payload, request and outcome of one message to ${IN_FLIGHT} devices at a time; nghttpd answers HTTP/2, nginx HTTP/1.1. \`sendEach\` says \`:scheme: https:\`, which servers refuse as malformed; the scheme is put right on its way out. The two rows above ours put a session that stays where the package has none.`,
  };
}

async function apnsSection(bench: Bench, { nghttpd }: Servers): Promise<Section> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const ids = { keyId: 'ABCDEFGHIJ', teamId: 'TEAMID1234' };
  const credential = { ...ids, bundleId: BUNDLE_ID, environment: 'production', privateKey: key };
  const apn = (mode: ApnInput['mode']) => (): ApnInput => ({ mode, ...at(nghttpd), key });
  const { rounds, rows } = await contest(bench, 'apns', {
    one: contender('node-apn', 40_000, '@parse/node-apn `send(notification, token)`', apn('one')),
    many: contender('node-apn', 40_000, '@parse/node-apn `send(notification, 500 tokens)`', apn('many')),
    ours: contender('ours', 200_000, 'ours', ours('apns', nghttpd, credential)),
  });
  const better = ratios(bestOf([rounds.one, rounds.many]), rounds.ours, cpuOf);
  return {
    title: 'Dispatch: APNs',
    columns: CONTEST_COLUMNS,
    rows: [...rows, ratioRow('vendor package at its best ÷ ours, CPU', better, '≥ 5')],
    figures: medianOf('apns.vendor', better),
    note: 'Over HTTP/2 to nghttpd, one connection, which node-apn keeps by itself.',
  };
}

async function webPushSection(bench: Bench, { nginx }: Servers): Promise<Section> {
  const subscriptionFile = join(bench.workDir, 'subscriptions.json');
  writeSubscriptions(subscriptionFile, bench.isQuick ? SUBSCRIPTIONS / 10 : SUBSCRIPTIONS);
  const vapid = webpush.generateVAPIDKeys();
  const credential = { subject: VAPID_SUBJECT, ...vapid };
  const vendor = (mode: WebPushInput['mode']) => (): WebPushInput => ({ mode, ...at(nginx), subscriptionFile, vapid });
  const bare = (mode: CryptoInput['mode']) => (): CryptoInput => ({ mode, subscriptionFile });
  const { rounds, rows } = await contest(bench, 'webpush', {
    asUsed: contender('web-push', 5_000, 'web-push `sendNotification`, as used', vendor('asUsed')),
    best: contender('web-push', 8_000, 'web-push, keep-alive agent and cached VAPID headers', vendor('best')),
    ours: contender('ours', 20_000, 'ours', ours('webpush', nginx, credential, subscriptionFile)),
    calls: contender('crypto', 20_000, 'bare `node:crypto`: key pair, ECDH, 3 × HKDF, AES-GCM', bare('bytes')),
    objects: contender('crypto', 20_000, 'the same with `KeyObject`s in place of bytes', bare('objects')),
    keys: contender('crypto', 20_000, 'the same, and reading their key and writing ours', bare('keys')),
  });
  const better = ratios(rounds.best, rounds.ours, cpuOf);
  const crypto = ratios(rounds.ours, rounds.calls, cpuOf);
  return {
    title: 'Dispatch: Web Push',
    columns: CONTEST_COLUMNS,
    rows: [
      ...rows,
      ratioRow('web-push with keep-alive and cached VAPID ÷ ours, CPU', better, '≥ 2'),
      ratioRow('ours ÷ bare `node:crypto`, CPU', crypto, '≤ 1.5'),
      ratioRow('ours ÷ bare `node:crypto` with `KeyObject`s, CPU', ratios(rounds.ours, rounds.objects, cpuOf), ''),
      ratioRow('ours ÷ bare `node:crypto`, keys read and written, CPU', ratios(rounds.ours, rounds.keys, cpuOf), ''),
    ],
    figures: { ...medianOf('webpush.vendor', better), ...medianOf('webpush.crypto', crypto) },
    note: 'Encryption, request and outcome of one message to 10,000 browsers, all different, against nginx; web-push speaks HTTP/1.1 and nothing else, ours HTTP/2. Of the bare calls, the last kind is what no implementation on `node:crypto` can do without.',
  };
}
