import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.js';
import { ApnsProvider } from '../../src/providers/apns/apns.provider.js';
import type { Endpoints } from '../../src/providers/endpoints.js';
import { FcmProvider } from '../../src/providers/fcm/fcm.provider.js';
import type {
  Credential,
  Provider,
  ProviderName,
  Sender,
  SharedTokenStore,
  Target,
} from '../../src/providers/provider.js';
import { WebPushProvider } from '../../src/providers/webpush/webpush.provider.js';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import { contend, sustain } from '../contender.js';
import { ACCESS_TOKEN, apnsToken, DEVICES, fcmToken, IN_FLIGHT } from '../requests.js';
import { MESSAGE, timing } from './message.js';
import { readSubscriptions } from './subscriptions.js';

export interface OursInput {
  provider: ProviderName;
  url: string;
  ca: string;
  /** As `parseCredential` takes it. */
  credential: unknown;
  subscriptionFile?: string;
}

/** Deliveries per sender, as in production. */
const BATCH = 1_000;

contend<OursInput>({
  setUp: async (input) => {
    const transport = new PooledTransport({ maxConnectionsPerOrigin: 1 });
    const provider = providerOf(input, transport);
    const credential = openCredential(provider, input.credential);
    const targets = targetsOf(input, provider);
    let done: (end: string) => void = () => {};
    let sender: Sender;
    let ref = BATCH;
    const openSender = () =>
      provider.openSender({
        message: MESSAGE,
        credentials: [credential],
        lane: 'bulk',
        report: (_ref, outcome) => done(outcome.kind === 'accepted' ? 'accepted' : `${outcome.kind} ${outcome.code}`),
      });
    let at = 0;
    const send = (next: (end: string) => void) => {
      done = next;
      if (ref === BATCH) {
        sender = openSender();
        ref = 0;
      }
      const target = targets[at % targets.length];
      at += 1;
      ref += 1;
      if (target !== undefined) sender.send(ref - 1, target, timing());
    };
    return {
      run: (count) => sustain(count, IN_FLIGHT, send),
      tearDown: () => transport.close(0),
    };
  },
});

/** A token that never runs out: what minting costs once an hour is not the question. */
const STORE: SharedTokenStore = {
  obtain: async () => ({
    value: ACCESS_TOKEN,
    issuedAt: new Date(),
    expiresAt: new Date(Date.now() + 3_600_000),
  }),
};

function providerOf({ provider, url, ca }: OursInput, transport: PooledTransport): Provider {
  const endpoint = { url, ca };
  const endpoints: Endpoints = {
    fcm: () => endpoint,
    apns: () => endpoint,
    tokenUri: () => endpoint,
    simulatedWebPush: () => endpoint,
  };
  if (provider === 'fcm') return new FcmProvider(transport, STORE, systemClock, endpoints);
  if (provider === 'apns') return new ApnsProvider(transport, STORE, systemClock, endpoints, 0);
  return new WebPushProvider(transport, systemClock, endpoints, { allowedHosts: [], allowInsecure: false });
}

function openCredential(provider: Provider, input: unknown): Credential {
  const { publicParts, secret } = provider.parseCredential(input, new Date());
  const id = randomUUID();
  return { id, applicationId: 'bench', provider: provider.name, version: 1, publicParts, secret, simulated: true };
}

function targetsOf({ url, subscriptionFile }: OursInput, provider: Provider): Target[] {
  const subscriptions = subscriptionFile === undefined ? [] : readSubscriptions(subscriptionFile, url);
  const tokens: unknown[] =
    provider.name === 'webpush'
      ? subscriptions
      : Array.from({ length: DEVICES }, (_, device) => (provider.name === 'fcm' ? fcmToken : apnsToken)(device));
  return tokens.map((token) => ({ deviceId: randomUUID(), token: provider.parseToken(token, {}).token }));
}
