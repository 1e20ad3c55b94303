import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readEmbeddedConfig } from '../config/embedded-config.js';
import { PROVIDER_NAMES } from '../lib/names.js';
import { DemoAcceptances } from './demo-acceptances.js';
import { demoDevices } from './demo-devices.js';
import {
  type DemoDelivery,
  figuresOf,
  type ProviderFigures,
  progressLine,
  speedOf,
  table,
  total,
} from './demo-report.js';
import { type LoopbackRequest, loopbackRequest } from './loopback-http.js';

const DEVICES_PER_PROVIDER = 1_000;
const BULK_LINES = 5_000;
const PAGE = 1_000;
const POLL_MS = 250;
const GIVE_UP_MS = 300_000;

interface Ready {
  baseUrl: string;
  application: { id: string; serverKey: string };
  simulator: { controlUrl: string };
}

interface NotificationView {
  status: string;
  counts: Record<string, number>;
  progress: number;
}

/**
 * `npm run demo`: a campaign to 3,000 devices through all three simulated providers, one in ten dead, one in ten busy at first.
 *
 * @returns exit code: 0 when everything ended and the simulators counted what the API says of its devices
 */
export async function demo(): Promise<number> {
  const ready = await readReady();
  const api = (path: string, request: LoopbackRequest = {}) =>
    call(`${ready.baseUrl}${path}`, { key: ready.application.serverKey, ...request });
  const simulator = (path: string, body?: unknown) =>
    call(`${ready.simulator.controlUrl}${path}`, body === undefined ? {} : { method: 'POST', body });

  const run = `demo${Date.now().toString(36)}`;
  const { publicKey } = (await api(`/v1/applications/${ready.application.id}/webpush/public-key`)) as {
    publicKey: string;
  };
  const devices = await demoDevices(run, run, DEVICES_PER_PROVIDER, async (count, behaviour) => {
    const made = await simulator('/__subscribe', { vapidKey: publicKey, count, ...(behaviour && { behaviour }) });
    return (made as { subscriptions: unknown[] }).subscriptions;
  });
  say(`registering ${devices.length} devices: one in ten dead, one in ten answering 429 or 503 first`);
  for (let i = 0; i < devices.length; i += BULK_LINES) {
    await api('/v1/devices/bulk', { method: 'POST', lines: devices.slice(i, i + BULK_LINES), timeoutMs: 60_000 });
  }

  const acceptances = await DemoAcceptances.start(simulator, devices);
  const { id } = (await api('/v1/notifications', {
    method: 'POST',
    body: {
      audience: { topics: [run] },
      content: { title: 'Carillon', body: 'Your first campaign', data: { run } },
      options: { ttlSeconds: 3_600 },
    },
  })) as { id: string };
  say(`notification ${id}`);
  await follow(id, api, acceptances);

  const deliveries: DemoDelivery[] = [];
  const figures: ProviderFigures[] = [];
  for (const provider of PROVIDER_NAMES) {
    const own = (await all(`/v1/notifications/${id}/deliveries?provider=${provider}`, api)) as DemoDelivery[];
    const pruned = await all(`/v1/devices?topic=${run}&provider=${provider}&status=invalid`, api);
    deliveries.push(...own);
    figures.push(figuresOf(provider, own, pruned.length));
  }
  const speed = speedOf(deliveries);
  say(`\n${table([...figures, total(figures)])}\n`);
  say(`${speed.perSecond} first attempts/s, provider latency p50 ${speed.p50Ms} ms, p99 ${speed.p99Ms} ms`);
  await acceptances.catchUp();
  return judge(figures, acceptances.counts);
}

/** Compares the API's figures with what the simulators counted themselves. */
function judge(figures: readonly ProviderFigures[], acceptances: Record<string, number>): number {
  const wrong = figures.flatMap(({ provider, accepted, failed, planned, pruned, other }) => {
    const counted = acceptances[provider] ?? 0;
    return [
      ...(counted === accepted ? [] : [`${provider}: the simulator accepted ${counted}, the API says ${accepted}`]),
      ...(planned === DEVICES_PER_PROVIDER
        ? []
        : [`${provider}: ${planned} deliveries planned for ${DEVICES_PER_PROVIDER} devices`]),
      ...(other === 0 ? [] : [`${provider}: ${other} deliveries neither accepted nor failed`]),
      ...(pruned === failed ? [] : [`${provider}: ${failed} failed, but ${pruned} devices pruned`]),
    ];
  });
  for (const line of wrong) say(`WRONG  ${line}`);
  if (wrong.length === 0) say('every delivery ended, and the simulators counted the same');
  return wrong.length === 0 ? 0 : 1;
}

async function follow(
  id: string,
  api: (path: string) => Promise<unknown>,
  acceptances: DemoAcceptances,
): Promise<void> {
  const startMs = performance.now();
  let shown = '';
  for (;;) {
    const { status, counts, progress } = (await api(`/v1/notifications/${id}`)) as NotificationView;
    const seconds = (performance.now() - startMs) / 1000;
    const line = progressLine(counts, progress, seconds);
    if (process.stdout.isTTY) process.stdout.write(`\r${line}`);
    else if (line.slice(0, 40) !== shown.slice(0, 40)) say(line);
    shown = line;
    if (status === 'completed' || status === 'cancelled') break;
    if (seconds * 1000 > GIVE_UP_MS) throw new Error(`the campaign is still ${status} after ${Math.round(seconds)} s`);
    await Promise.all([acceptances.catchUp(), delay(POLL_MS)]);
  }
  if (process.stdout.isTTY) say('');
}

async function all(path: string, api: (path: string) => Promise<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const at: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await api(`${path}&limit=${PAGE}${at}`)) as { items: unknown[]; nextCursor: string | null };
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}

async function call(url: string, request: LoopbackRequest): Promise<unknown> {
  const { status, body } = await loopbackRequest(url, request);
  if (status >= 300)
    throw new Error(`${request.method ?? 'GET'} ${new URL(url).pathname} answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

async function readReady(): Promise<Ready> {
  const { home } = readEmbeddedConfig();
  const text = await readFile(join(home, 'ready.json'), 'utf8').catch(() => {
    throw new Error(`nothing runs in ${home}: start Carillon with "npm start" in another terminal first`);
  });
  return JSON.parse(text) as Ready;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await demo().catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
