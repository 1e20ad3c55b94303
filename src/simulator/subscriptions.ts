import { createECDH, createPrivateKey, hash, hkdfSync, randomBytes } from 'node:crypto';
import type { Receiver } from './ece.js';

export const PROFILES = ['fcm', 'mozilla', 'apple', 'wns'] as const;
export type WebpushProfile = (typeof PROFILES)[number];

/**
 * Key pairs that subscriptions share. Their auth secrets are all different, so a message for one never decrypts for
 * another, and a hundred thousand subscriptions cost no more than a hash each.
 */
const KEY_PAIRS = 1024;
const ID = /^([A-Za-z0-9_-]+)\.([0-9a-f]{16}|any)(?:--([a-z0-9-]+))?$/;

/** What a browser's `PushSubscription.toJSON()` gives. */
export interface PushSubscriptionJson {
  endpoint: string;
  expirationTime: null;
  keys: { p256dh: string; auth: string };
}

/**
 * Subscriptions without a store: the id says which VAPID key it is bound to and how it behaves, its keys are derived
 * from the id and the home's secret. So they outlive a restart and cost no memory.
 */
export class Subscriptions {
  private readonly keyPairs = new Map<number, Omit<Receiver, 'auth'>>();

  constructor(private readonly secret: Buffer) {}

  /**
   * @param vapidKey base64url public key that it is bound to; absent: any key may send
   * @param behaviour what it does, see README.md
   */
  newId(prefix: string, vapidKey?: string, behaviour?: string): string {
    const tag = vapidKey === undefined ? 'any' : vapidTag(Buffer.from(vapidKey, 'base64url'));
    return `${prefix}.${tag}${behaviour === undefined ? '' : `--${behaviour}`}`;
  }

  describe(id: string, endpoint: string): PushSubscriptionJson {
    const { publicKey, auth } = this.receiver(id);
    return {
      endpoint,
      expirationTime: null,
      keys: { p256dh: publicKey.toString('base64url'), auth: auth.toString('base64url') },
    };
  }

  /** The keys of any id; there is no unknown one. */
  receiver(id: string): Receiver {
    const digest = hash('sha256', Buffer.concat([this.secret, Buffer.from(`subscription ${id}`)]), 'buffer');
    const pair = this.keyPair(digest.readUInt16BE(16) % KEY_PAIRS);
    return { ...pair, auth: digest.subarray(0, 16) };
  }

  private keyPair(index: number): Omit<Receiver, 'auth'> {
    let pair = this.keyPairs.get(index);
    if (!pair) {
      const scalar = Buffer.from(hkdfSync('sha256', this.secret, '', `receiver key ${index}`, 32));
      // Below the order of P-256, whatever the other bits are.
      scalar[0] = (scalar[0] ?? 0) & 0x7f;
      const ecdh = createECDH('prime256v1');
      ecdh.setPrivateKey(scalar);
      const publicKey = ecdh.getPublicKey();
      const jwk = {
        kty: 'EC',
        crv: 'P-256',
        d: scalar.toString('base64url'),
        x: publicKey.subarray(1, 33).toString('base64url'),
        y: publicKey.subarray(33).toString('base64url'),
      };
      pair = { privateKey: createPrivateKey({ key: jwk, format: 'jwk' }), publicKey };
      this.keyPairs.set(index, pair);
    }
    return pair;
  }
}

/** A fresh start of ids. */
export function newPrefix(): string {
  return randomBytes(9).toString('hex');
}

/** What ids say about the VAPID key that they are bound to. */
export function vapidTag(publicKey: Buffer): string {
  return hash('sha256', publicKey).slice(0, 16);
}

/** True unless the id names another VAPID key. Ids that this simulator never made are bound to none. */
export function isBoundTo(id: string, publicKey: Buffer): boolean {
  const tag = ID.exec(id)?.[2] ?? 'any';
  return tag === 'any' || tag === vapidTag(publicKey);
}
