import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/** What a browser hands to its page. */
export interface Subscription {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/** As many as a worker meets between two of the same, so that nothing of one browser can be kept for the next message. */
export const SUBSCRIPTIONS = 10_000;

/** Makes them once for all contenders. */
export function writeSubscriptions(file: string, count: number): void {
  const keys = Array.from({ length: count }, (_, device) => ({
    path: `/push/${String(device).padStart(6, '0')}${'gAAAAABn'.repeat(16)}`,
    keys: { p256dh: freshPoint(), auth: randomBytes(16).toString('base64url') },
  }));
  writeFileSync(file, JSON.stringify(keys));
}

/** @param url origin of the push service */
export function readSubscriptions(file: string, url: string): Subscription[] {
  const stored = JSON.parse(readFileSync(file, 'utf8')) as { path: string; keys: Subscription['keys'] }[];
  return stored.map(({ path, keys }) => ({ endpoint: `${url}${path}`, keys }));
}

/** A public key as 65 bytes in base64url. */
function freshPoint(): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // The last 65 bytes of its SPKI are the uncompressed point.
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-65).toString('base64url');
}
