import type { Config } from '../config/config.js';
import type { Clock } from '../lib/clock.js';
import type { Transports } from '../transport/transport.js';
import { ApnsProvider } from './apns/apns.provider.js';
import { endpointsOf } from './endpoints.js';
import { FcmProvider } from './fcm/fcm.provider.js';
import type { Provider, ProviderName, SharedTokenStore } from './provider.js';
import { WebPushProvider } from './webpush/webpush.provider.js';

/**
 * The adapters. A new provider is one more line here and one more folder.
 *
 * @param transports `open` is for Web Push alone: its hosts are whatever callers register, and one that never answers must not
 *                   use up the connections of the others
 */
export function createProviders(
  config: Config,
  transports: Transports,
  store: SharedTokenStore,
  clock: Clock,
): ReadonlyMap<ProviderName, Provider> {
  const endpoints = endpointsOf(config);
  return new Map<ProviderName, Provider>([
    ['fcm', new FcmProvider(transports.known, store, clock, endpoints)],
    [
      'apns',
      new ApnsProvider(transports.known, store, clock, endpoints, config.APNS_UNAVAILABLE_MIN_DELAY_SECONDS * 1000),
    ],
    [
      'webpush',
      new WebPushProvider(transports.open, clock, endpoints, {
        allowedHosts: config.WEBPUSH_ALLOWED_HOSTS.map((host) => host.toLowerCase()),
        allowInsecure: config.WEBPUSH_ALLOW_INSECURE,
      }),
    ],
  ]);
}
