import { createECDH } from 'node:crypto';
import webpush from 'web-push';
import type { Clock } from '../../lib/clock.js';
import { CredentialInput } from '../credential-input.js';
import { fingerprintOf } from '../derive.js';
import type { Credential, ParsedCredential } from '../provider.js';
import { decodeBase64, normalisedPoint } from './webpush.token.js';

/** Milliseconds. RFC 8292 allows 24 h as the push service's clock has it; half leaves room for clocks that differ. */
const LIFETIME_MS = 12 * 3_600_000;
/** Milliseconds of age from which a header is made anew beside the sends that use it … */
const RENEW_AFTER_MS = LIFETIME_MS - 2 * 3_600_000;
/** … and from which it is not used any more: a send that comes then makes the new one itself. */
const USABLE_MS = LIFETIME_MS - 3_600_000;
/** Milliseconds. A header younger than this was refused for another reason than its age. */
const MINIMUM_AGE_MS = 60_000;
/** Push services are few; WNS alone has some hundreds of hosts. */
const MAX_HEADERS = 10_000;

/** What {@link parseVapidCredential} stored. Keys are URL-safe base64 without padding. */
export interface VapidSecret extends Record<string, unknown> {
  subject: string;
  publicKey: string;
  privateKey: string;
}

/** The secret of an opened Web Push credential. */
export function vapidSecret(credential: Credential): VapidSecret {
  return credential.secret as VapidSecret;
}

/**
 * Checks `{ subject, publicKey, privateKey }`, or makes a pair for `{ subject, generate: true }`.
 *
 * @throws DomainError `invalid_credential`
 */
export function parseVapidCredential(input: unknown): ParsedCredential {
  const fields = new CredentialInput(input);
  const isGenerated = fields.has('generate');
  fields.refuseUnknown(isGenerated ? ['subject', 'generate'] : ['subject', 'publicKey', 'privateKey']);
  const subject = parseSubject(fields);
  if (isGenerated && fields.value('generate') !== true) fields.wrong('generate', 'must be true');
  const pair = isGenerated ? webpush.generateVAPIDKeys() : parsePair(fields);
  fields.finish('Web Push');
  const secret: VapidSecret = { subject, ...pair };
  return {
    publicParts: { subject, publicKey: pair.publicKey },
    secret,
    fingerprint: fingerprintOf(pair.publicKey, pair.privateKey),
  };
}

/** Apple refuses tokens whose `sub` is missing or at localhost; no push service can reach the operator there. */
function parseSubject(fields: CredentialInput): string {
  const subject = fields.value('subject');
  // URL parsers skip line breaks, which would be signed as they are.
  const isUrl = typeof subject === 'string' && /^[\x21-\x7e]{1,255}$/.test(subject) && URL.canParse(subject);
  const url = isUrl ? new URL(subject) : undefined;
  const isMail = url?.protocol === 'mailto:' && /^[^@\s]+@[^@\s]+$/.test(url.pathname);
  if (!isMail && url?.protocol !== 'https:') {
    fields.wrong('subject', subject === undefined ? 'is required' : 'must be a mailto: or https: URL');
  } else if (/(^|[@.])localhost$/.test(isMail ? url.pathname : url.hostname)) {
    fields.wrong('subject', 'must not be at localhost');
  }
  return String(subject);
}

function parsePair(fields: CredentialInput): { publicKey: string; privateKey: string } {
  const publicKey = normalisedPoint(fields.value('publicKey'));
  if (publicKey === undefined) fields.wrong('publicKey', 'must be a point on P-256: 65 bytes, uncompressed, in base64');
  const privateKey = decodeBase64(fields.value('privateKey'));
  if (privateKey?.length !== 32) fields.wrong('privateKey', 'must be 32 bytes in base64');
  else if (publicKey !== undefined && publicKeyOf(privateKey) !== publicKey) {
    fields.wrong('publicKey', 'does not belong to the private key');
  }
  return { publicKey: publicKey ?? '', privateKey: privateKey?.toString('base64url') ?? '' };
}

/** @returns undefined when the number is no private key of P-256 */
export function publicKeyOf(privateKey: Buffer): string | undefined {
  try {
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(privateKey);
    return curve.getPublicKey().toString('base64url');
  } catch {
    return undefined;
  }
}

interface VapidHeader {
  value: string;
  mintedAtMs: number;
  isRenewing: boolean;
}

/**
 * `Authorization` headers, one per key and push service: RFC 8292 encourages their reuse, and signing is dear. Sends wait for
 * the first one only, as long as there is one a day.
 */
export class VapidHeaders {
  private readonly headers = new Map<string, VapidHeader>();

  constructor(private readonly clock: Clock) {}

  /**
   * @param origin of the endpoint, which is the audience
   * @returns undefined when the key cannot sign
   */
  header(secret: VapidSecret, origin: string): string | undefined {
    const key = keyOf(secret, origin);
    const known = this.headers.get(key);
    const ageMs = known === undefined ? USABLE_MS : this.ageMs(known);
    if (known === undefined || ageMs >= USABLE_MS) return this.mint(key, secret, origin);
    if (ageMs >= RENEW_AFTER_MS && !known.isRenewing) {
      known.isRenewing = true;
      setImmediate(() => this.mint(key, secret, origin));
    }
    return known.value;
  }

  /**
   * Another header after one was refused as too old.
   *
   * @returns undefined when its age cannot be the reason: then a new one would be refused too
   */
  replacement(secret: VapidSecret, origin: string, refused: string, saysExpired: boolean): string | undefined {
    const key = keyOf(secret, origin);
    const known = this.headers.get(key);
    if (known !== undefined && known.value !== refused) return known.value;
    const isOld = known !== undefined && this.ageMs(known) > (saysExpired ? MINIMUM_AGE_MS : LIFETIME_MS / 2);
    return isOld ? this.mint(key, secret, origin) : undefined;
  }

  private ageMs(header: VapidHeader): number {
    return this.clock.now().getTime() - header.mintedAtMs;
  }

  private mint(key: string, secret: VapidSecret, origin: string): string | undefined {
    const mintedAtMs = this.clock.now().getTime();
    const value = signed(secret, origin, Math.floor((mintedAtMs + LIFETIME_MS) / 1000));
    if (value === undefined) return undefined;
    this.headers.delete(key);
    this.headers.set(key, { value, mintedAtMs, isRenewing: false });
    const oldest = this.headers.size > MAX_HEADERS ? this.headers.keys().next().value : undefined;
    if (oldest !== undefined) this.headers.delete(oldest);
    return value;
  }
}

/** All that a header says, but for its time: a corrected subject must not wait until the old header is too old. */
function keyOf({ publicKey, subject }: VapidSecret, origin: string): string {
  return `${publicKey} ${subject} ${origin}`;
}

function signed(secret: VapidSecret, origin: string, expiresAtSeconds: number): string | undefined {
  const { subject, publicKey, privateKey } = secret;
  try {
    return webpush.getVapidHeaders(origin, subject, publicKey, privateKey, 'aes128gcm', expiresAtSeconds).Authorization;
  } catch {
    return undefined;
  }
}
