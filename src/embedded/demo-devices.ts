import { randomBytes } from 'node:crypto';
import { PROVIDER_NAMES, type ProviderName } from '../lib/names.js';

/** A device of the demo campaign as `POST /v1/devices` takes it. */
export interface DemoDevice {
  provider: ProviderName;
  token: unknown;
  topics: string[];
  userId: string;
}

/** What the simulators do with a device's token: accept, declare it dead, or answer 429 or 503 first and then accept. */
type Behaviour = 'live' | 'dead' | 'busy';

/** Of every ten devices the first is dead and the second busy. */
function behaviourOf(index: number): Behaviour {
  return index % 10 === 0 ? 'dead' : index % 10 === 1 ? 'busy' : 'live';
}

/** Asks the simulator for this many Web Push registrations that behave so. */
export type Subscribe = (count: number, behaviour: string | undefined) => Promise<unknown[]>;

/**
 * Makes `perProvider` devices for each provider, with tokens that tell the simulators how to behave; the table of those
 * tokens is in the simulators' README.
 *
 * @param run makes this campaign's tokens different from every other's; letters and digits
 */
export async function demoDevices(
  run: string,
  topic: string,
  perProvider: number,
  subscribe: Subscribe,
): Promise<DemoDevice[]> {
  const webpush = await webpushTokens(perProvider, subscribe);
  const tokenOf: Record<ProviderName, (index: number) => unknown> = {
    fcm: (index) => fcmToken(run, index),
    apns: apnsToken,
    webpush: (index) => webpush[index],
  };
  return PROVIDER_NAMES.flatMap((provider) =>
    Array.from({ length: perProvider }, (_, index) => ({
      provider,
      token: tokenOf[provider](index),
      topics: [topic],
      userId: `${run}-${index}`,
    })),
  );
}

function fcmToken(run: string, index: number): string {
  const token = `${run}${index}:APA91b${randomBytes(60).toString('hex')}`;
  const behaviour = behaviourOf(index);
  if (behaviour === 'live') return token;
  if (behaviour === 'dead') return `${token}--unregistered`;
  return `${token}${index % 20 === 1 ? '--device-429-ra2' : '--503-ra2'}`;
}

/** A 503 of APNs is not repeated for 15 minutes, as Apple asks; so all its busy devices answer 429 once. */
function apnsToken(index: number): string {
  const prefix: Record<Behaviour, string> = { live: '00', dead: 'dead041000', busy: 'dead042901' };
  return (prefix[behaviourOf(index)] + randomBytes(32).toString('hex')).slice(0, 64);
}

async function webpushTokens(count: number, subscribe: Subscribe): Promise<unknown[]> {
  const kinds = ['expired', '429-ra2', '503-ra2', undefined] as const;
  const kindOf = (index: number) => {
    const behaviour = behaviourOf(index);
    if (behaviour === 'live') return undefined;
    if (behaviour === 'dead') return 'expired';
    return index % 20 === 1 ? '429-ra2' : '503-ra2';
  };
  const needed = Array.from({ length: count }, (_, index) => kindOf(index));
  const made = new Map<string | undefined, unknown[]>();
  for (const kind of kinds) {
    const n = needed.filter((other) => other === kind).length;
    made.set(kind, n === 0 ? [] : await subscribe(n, kind));
  }
  return needed.map((kind) => made.get(kind)?.pop());
}
