import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.js';
import type { Environment } from './provider.js';

/** A provider's origin and the authorities to trust for it; no `ca`: the system's. */
export interface Endpoint {
  url: string;
  ca?: string;
}

/** Where the providers are, for real credentials and for simulated ones. */
export interface Endpoints {
  /** @returns undefined when a simulated credential is used in a process that knows no simulator */
  fcm(simulated: boolean): Endpoint | undefined;
  apns(environment: Environment, simulated: boolean): Endpoint | undefined;
  /** For the account's `token_uri`, which may be on another host than FCM itself. */
  tokenUri(uri: string, simulated: boolean): Endpoint;
  /** The push service at this origin when it is one of the simulators. */
  simulatedWebPush(origin: string): Endpoint | undefined;
}

/**
 * Reads the hosts from the configuration. A certificate file is read when it is first needed: the simulators write
 * theirs when they start.
 */
export function endpointsOf(config: Config): Endpoints {
  const simulatorCa = lazyFile(config.SIMULATOR_CA_FILE);
  const providerCa = lazyFile(config.PROVIDER_CA_FILE);
  const simulated = (url: string | undefined) => (url === undefined ? undefined : withCa(url, simulatorCa()));
  const real = (url: string, isOverridden: boolean) => withCa(url, isOverridden ? providerCa() : undefined);
  const simulatedOrigins = new Set(config.SIMULATOR_WEBPUSH_URLS.map((url) => new URL(url).origin));
  return {
    fcm: (isSimulated) =>
      isSimulated ? simulated(config.SIMULATOR_FCM_URL) : real(config.FCM_BASE_URL, isElsewhere(config.FCM_BASE_URL)),
    apns: (environment, isSimulated) => {
      const isSandbox = environment === 'sandbox';
      if (isSimulated) return simulated(isSandbox ? config.SIMULATOR_APNS_SANDBOX_URL : config.SIMULATOR_APNS_URL);
      const url = isSandbox ? config.APNS_SANDBOX_BASE_URL : config.APNS_BASE_URL;
      return real(url, isElsewhere(url));
    },
    tokenUri: (uri, isSimulated) =>
      withCa(
        uri,
        isSimulated ? simulatorCa() : isElsewhere(config.FCM_BASE_URL) && isElsewhere(uri) ? providerCa() : undefined,
      ),
    simulatedWebPush: (origin) => (simulatedOrigins.has(origin) ? withCa(origin, simulatorCa()) : undefined),
  };
}

/** Whether this is not the providers' own domain. Their hosts are never verified against anything but the system's authorities. */
function isElsewhere(url: string): boolean {
  return !/(^|\.)(googleapis\.com|apple\.com)$/.test(new URL(url).hostname);
}

function withCa(uri: string, ca: string | undefined): Endpoint {
  const url = new URL(uri).origin;
  return ca === undefined ? { url } : { url, ca };
}

function lazyFile(path: string | undefined): () => string | undefined {
  let text: string | undefined;
  return () => {
    if (text === undefined && path !== undefined) text = readFileSync(path, 'utf8');
    return text;
  };
}
