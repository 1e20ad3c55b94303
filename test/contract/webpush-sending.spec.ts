import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential, Outcome, SendTiming } from '../../src/providers/provider.js';
import { VapidHeaders, vapidSecret } from '../../src/providers/webpush/webpush.auth.js';
import { type EphemeralKey, EphemeralKeys, makeEphemeralKey, Salts } from '../../src/providers/webpush/webpush.keys.js';
import { WebPushSender } from '../../src/providers/webpush/webpush.sender.js';
import { PushServices } from '../../src/providers/webpush/webpush.services.js';
import { Turns } from '../../src/providers/webpush/webpush.turns.js';
import { bytesOf } from '../../src/transport/spliced-body.js';
import type { Transport, TransportRequest } from '../../src/transport/transport.js';
import { ProviderBench, testMessage } from './providers-support.js';

const HOUR_MS = 3_600_000;
const DEVICE_ID = '01890000-0000-7000-8000-000000000001';

let bench: ProviderBench;
let credential: Credential;

beforeAll(async () => {
  bench = await ProviderBench.start();
  credential = bench.credential('webpush', bench.simulator.setup.webpush.vapid);
});
beforeEach(async () => {
  await bench.simulator.reset();
  await advanceTo(0);
});
afterAll(() => bench.stop());

async function advanceTo(offsetMs: number, simulatorMs = offsetMs): Promise<void> {
  bench.clock.offsetMs = offsetMs;
  await bench.simulator.control('POST', '/__clock', { offsetMs: simulatorMs });
}

async function subscribe(vapidKey = credential.publicParts['publicKey']): Promise<string> {
  const subscription = await bench.simulator.control('POST', '/__subscribe', { profile: 'fcm', vapidKey });
  return bench.provider('webpush').parseToken(subscription, {}).token;
}

interface Sending {
  makeKey?: () => EphemeralKey;
  credentials?: [Credential, ...Credential[]];
  timing?: Partial<SendTiming>;
  vapid?: VapidHeaders;
}

/** Sends one message to all tokens and returns what each ended with, in order of the tokens, and what went out. */
function send(tokens: readonly string[], { makeKey, credentials = [credential], timing, vapid }: Sending = {}) {
  const requests: TransportRequest[] = [];
  const transport: Transport = {
    request: (origin, request, settle) => {
      requests.push(request);
      bench.transport.request(origin, request, settle);
    },
    warm: (origin) => bench.transport.warm(origin),
    retire: (connection) => bench.transport.retire(connection),
    stats: () => bench.transport.stats(),
    close: (graceMs) => bench.transport.close(graceMs),
  };
  const simulatorOrigins = new Set(Object.values(bench.simulator.urls.webpush));
  const { ca } = bench.simulator.urls;
  const endpoints = {
    fcm: () => undefined,
    apns: () => undefined,
    tokenUri: (uri: string) => ({ url: uri }),
    simulatedWebPush: (origin: string) => (simulatorOrigins.has(origin) ? { url: origin, ca } : undefined),
  };
  const reports: Outcome[][] = tokens.map(() => []);
  let missing = tokens.length;
  return new Promise<{ outcomes: (Outcome | undefined)[]; reports: Outcome[][]; requests: TransportRequest[] }>(
    (resolve) => {
      const keys = new EphemeralKeys(makeKey);
      const parts = {
        transport,
        clock: bench.clock,
        vapid: vapid ?? new VapidHeaders(bench.clock),
        services: new PushServices(endpoints, { allowedHosts: [], allowInsecure: false }),
        keys,
        salts: new Salts(),
        turns: new Turns(),
      };
      const report = (ref: number, outcome: Outcome): void => {
        reports[ref]?.push(outcome);
        missing -= 1;
        if (missing > 0) return;
        keys.close();
        // A second report would come within this turn.
        setImmediate(() => resolve({ outcomes: reports.map(([first]) => first), reports, requests }));
      };
      const sender = new WebPushSender(parts, { message: testMessage(), credentials, lane: 'normal', report });
      const expiresAt = new Date(Date.now() + HOUR_MS);
      for (const [ref, token] of tokens.entries()) {
        const full = { ttlSeconds: 3600, expiresAt, timeoutMs: 5000, ...timing };
        sender.send(ref, { deviceId: DEVICE_ID, token }, full);
      }
    },
  );
}

const saltOf = ({ body }: TransportRequest) => bytesOf(body)?.subarray(0, 16).toString('hex');
const keyOf = ({ body }: TransportRequest) => bytesOf(body)?.subarray(21, 86).toString('hex');

describe('many at once', () => {
  it('500 messages: every one decrypts, no key pair and no salt twice', async () => {
    const tokens = await Promise.all(Array.from({ length: 50 }, () => subscribe()));
    const { reports, requests } = await send(Array.from({ length: 10 }, () => tokens).flat());
    expect(reports.map((each) => each.map(({ kind }) => kind))).toEqual(reports.map(() => ['accepted']));
    expect(new Set(requests.map(saltOf)).size).toBe(500);
    expect(new Set(requests.map(keyOf)).size).toBe(500);
    expect(new Set(requests.map(({ headers }) => headers)).size).toBe(1);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('a repeat with a fresh VAPID header is encrypted anew', async () => {
    const token = await subscribe();
    const vapid = new VapidHeaders(bench.clock);
    vapid.header(vapidSecret(credential), new URL(JSON.parse(token).endpoint).origin);
    await advanceTo(6 * HOUR_MS, 12.5 * HOUR_MS);
    const { outcomes, requests } = await send([token], { vapid });
    expect(outcomes).toMatchObject([{ kind: 'accepted' }]);
    expect(requests.length).toBe(2);
    for (const part of [saltOf, keyOf, ({ headers }: TransportRequest) => headers['authorization']]) {
      expect(new Set(requests.map(part)).size).toBe(2);
    }
    expect(await bench.simulator.violations()).toEqual([]);
  });
});

describe('whatever is wrong, each delivery is reported once and none throws', () => {
  it('stored tokens that are broken, between good ones', async () => {
    const good = await subscribe();
    const { endpoint, p256dh, auth } = JSON.parse(good);
    const stored = (over: object) => JSON.stringify({ endpoint, p256dh, auth, ...over });
    const broken: [string, string][] = [
      ['', 'endpoint_not_allowed'],
      ['null', 'endpoint_not_allowed'],
      ['{"endpoint":', 'endpoint_not_allowed'],
      [stored({ endpoint: 42 }), 'endpoint_not_allowed'],
      [stored({ endpoint: 'https://' }), 'endpoint_not_allowed'],
      [stored({ endpoint: `${endpoint}#x` }), 'endpoint_not_allowed'],
      [stored({ endpoint: endpoint.replace('://', '://user@') }), 'endpoint_not_allowed'],
      [stored({ auth: null }), 'endpoint_not_allowed'],
      [stored({ auth: 'AAAA' }), 'subscription_keys_unusable'],
      [stored({ p256dh: 'AAAA' }), 'subscription_keys_unusable'],
      [stored({ p256dh: `BAAA${p256dh.slice(4)}` }), 'subscription_keys_unusable'],
    ];
    const { reports, requests } = await send([good, ...broken.map(([token]) => token), good]);
    expect(reports).toEqual([
      [expect.objectContaining({ kind: 'accepted' })],
      ...broken.map(([, code]) => [{ kind: 'token_refused', code }]),
      [expect.objectContaining({ kind: 'accepted' })],
    ]);
    expect(requests.length).toBe(2);
  });

  it('no key pair to be had: not sent, safe to repeat, and the next message has one again', async () => {
    let made = 0;
    const makeKey = () => {
      made += 1;
      if (made === 1) throw new Error('no entropy');
      return makeEphemeralKey();
    };
    const token = await subscribe();
    const { reports, requests } = await send([token, token], { makeKey });
    expect(reports).toEqual([
      [{ kind: 'not_processed', code: 'encryption_failed' }],
      [expect.objectContaining({ kind: 'accepted' })],
    ]);
    expect(requests.length).toBe(1);
  });

  it('a VAPID key that cannot sign is the credential’s fault and costs no device', async () => {
    const unusable = { ...credential, secret: { ...credential.secret, privateKey: 'AAAA' } };
    const { reports, requests } = await send([await subscribe()], { credentials: [unusable] });
    expect(reports).toEqual([[{ kind: 'credential_invalid', code: 'vapid_key_unusable' }]]);
    expect(requests).toEqual([]);
  });

  it('what ran out of time before its turn is not sent', async () => {
    const token = await subscribe();
    const { reports, requests } = await send([token, token], { timing: { timeoutMs: 0 } });
    expect(reports).toEqual([
      [{ kind: 'not_processed', code: 'timeout_before_send' }],
      [{ kind: 'not_processed', code: 'timeout_before_send' }],
    ]);
    expect(requests).toEqual([]);
  });
});
