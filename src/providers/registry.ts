import type { Config } from '../config/config.js';
import type { Clock } from '../lib/clock.js';
import type { Transport } from '../transport/transport.js';
import { ApnsProvider } from './apns/apns.provider.js';
import { endpointsOf } from './endpoints.js';
import { FcmProvider } from './fcm/fcm.provider.js';
import type { Provider, ProviderName, SharedTokenStore } from './provider.js';
import { WebPushProvider } from './webpush/webpush.provider.js';

/** The three adapters over one transport. A new provider is one more line here and one more folder. */
export function createProviders(
  config: Config,
  transport: Transport,
  store: SharedTokenStore,
  clock: Clock,
): ReadonlyMap<ProviderName, Provider> {
  const endpoints = endpointsOf(config);
  return new Map<ProviderName, Provider>([
    ['fcm', new FcmProvider(transport, store, clock, endpoints)],
    ['apns', new ApnsProvider(transport, store, clock, endpoints, config.APNS_UNAVAILABLE_MIN_DELAY_SECONDS * 1000)],
    [
      'webpush',
      new WebPushProvider(transport, clock, endpoints, {
        allowedHosts: config.WEBPUSH_ALLOWED_HOSTS.map((host) => host.toLowerCase()),
        allowInsecure: config.WEBPUSH_ALLOW_INSECURE,
      }),
    ],
  ]);
}
