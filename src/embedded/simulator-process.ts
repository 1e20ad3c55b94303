import { z } from 'zod';
import { type AppOptions, startApp } from './app-process.js';
import type { Running } from './supervised.js';

const addressesSchema = z.object({
  controlUrl: z.url(),
  fcm: z.url(),
  apns: z.url(),
  apnsSandbox: z.url(),
  /** One origin for each push service that is imitated. */
  webpush: z.object({ fcm: z.url(), mozilla: z.url(), apple: z.url(), wns: z.url() }),
  caFile: z.string(),
});

/** What the simulators say about themselves as soon as they are ready. */
export type SimulatorAddresses = z.infer<typeof addressesSchema>;

export interface RunningSimulator extends Running {
  addresses: SimulatorAddresses;
}

/** The same, as `ready.json` shows it. */
export interface ShownAddresses {
  controlUrl: string;
  fcm: string;
  apns: string;
  apnsSandbox: string;
  /** Of the push service where the simulators make a subscription unless told otherwise. */
  webpush: string;
  /** By push service. */
  webpushServices: Record<string, string>;
  caFile: string;
}

export function shownAddresses(addresses: SimulatorAddresses): ShownAddresses {
  const { controlUrl, fcm, apns, apnsSandbox, webpush, caFile } = addresses;
  return { controlUrl, fcm, apns, apnsSandbox, webpush: webpush.fcm, webpushServices: webpush, caFile };
}

const READY_TIMEOUT_MS = 30_000;

/** Starts the provider simulators; their home keeps ports and keys, so that a restart goes unnoticed. */
export async function startSimulatorProcess(options: Omit<AppOptions, 'script' | 'args'>): Promise<RunningSimulator> {
  const args = ['--home', options.home.path('simulator')];
  const { process: child, running } = await startApp({ ...options, script: 'dist/src/simulator/main.js', args });
  try {
    const line = await child.waitForLine(/^\{.*"controlUrl"/, READY_TIMEOUT_MS);
    return { ...running, addresses: addressesSchema.parse(JSON.parse(line)) };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** The variables by which the service finds the simulators, for simulated credentials only. */
export function simulatorEnvironment(addresses: SimulatorAddresses): Record<string, string> {
  return {
    SIMULATOR_FCM_URL: addresses.fcm,
    SIMULATOR_APNS_URL: addresses.apns,
    SIMULATOR_APNS_SANDBOX_URL: addresses.apnsSandbox,
    SIMULATOR_WEBPUSH_URLS: Object.values(addresses.webpush).join(','),
    SIMULATOR_CA_FILE: addresses.caFile,
  };
}
