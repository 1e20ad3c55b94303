import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { ProviderName } from '../lib/names.js';
import type { Environment, Target } from '../providers/provider.js';

export const DEVICE_STATUSES = ['active', 'invalid', 'refused'] as const;
/** `invalid`: the provider said that the address is dead. `refused`: it belongs to another project, environment, key or topic. */
export type DeviceStatus = (typeof DEVICE_STATUSES)[number];

export const DEVICE_EVENTS = [
  'registered',
  'token_changed',
  'user_changed',
  'invalidated',
  'refused',
  'restored',
  'revived',
  'deleted',
] as const;
/**
 * What can happen to a device. `restored`: the mass guard found that a wrong project or environment had it refused; `revived`:
 * it registered again. To register again as before is no event.
 */
export type DeviceEvent = (typeof DEVICE_EVENTS)[number];

/** One installation of an application on a phone or in a browser. The token is not part of it: nothing but dispatching reads it. */
export interface Device {
  /** Internal, ascending in the order of registration; the audience walks by it. */
  id: number;
  /** What callers know. Random, so that it does not tell when the device was first seen. */
  publicId: string;
  provider: ProviderName;
  status: DeviceStatus;
  /** SHA-256 of the token's identity, hex: tells tokens apart, and leads nowhere. */
  tokenFingerprint: string;
  environment: Environment | null;
  vapidPublicKey: string | null;
  userId: string | null;
  topics: readonly string[];
  tags: Readonly<Record<string, string>>;
  locale: string | null;
  timeZone: string | null;
  appVersion: string | null;
  /** The last registration: what the provider says about earlier times no longer counts. */
  registeredAt: Date;
  invalidAt: Date | null;
  invalidReason: string | null;
}

/** What an application says about a device. Absent: unchanged; null: cleared. */
export interface DeviceProfile {
  userId?: string | null | undefined;
  topics?: readonly string[] | undefined;
  tags?: Readonly<Record<string, string>> | undefined;
  locale?: string | null | undefined;
  timeZone?: string | null | undefined;
  appVersion?: string | null | undefined;
}

/** A device as dispatching sees it: what its provider needs, and what decides whether it is still meant. */
export interface DispatchTarget extends Target {
  id: number;
  status: DeviceStatus;
  userId: string | null;
}

/** A token that a provider would not take. */
export interface TokenVerdict {
  deviceId: number;
  /** The one that was sent to; a device whose token changed meanwhile is left alone. */
  token: string;
  code: string;
  /** Since when the provider knows; absent: since the push was sent. */
  since?: Date;
  /** Milliseconds since the push was sent. */
  sentAgoMs: number;
}

const MAX_USER_ID_CHARACTERS = 255;
const MAX_TOPICS = 100;
const MAX_TAGS = 50;
const MAX_TAG_KEY_CHARACTERS = 64;
const MAX_TAG_VALUE_CHARACTERS = 256;
const MAX_APP_VERSION_CHARACTERS = 64;

const text = (maxCharacters: number) => z.string().min(1).max(maxCharacters);

export const userIdSchema = text(MAX_USER_ID_CHARACTERS);

/** The rule of FCM's own topics, so that names can be shared with them. */
export const topicSchema = z
  .string()
  .regex(/^[A-Za-z0-9\-_.~%]{1,128}$/, 'must be 1 to 128 characters out of A-Z a-z 0-9 - _ . ~ %');

/** Hex digits of {@link Device.tokenFingerprint}; fewer would find many devices, in an order that means nothing. */
export const fingerprintPrefixSchema = z
  .string()
  .regex(/^[0-9a-fA-F]{8,64}$/, 'must be 8 to 64 hex digits: the beginning of a token fingerprint')
  .toLowerCase();

export const topicsSchema = z
  .array(topicSchema)
  .max(MAX_TOPICS)
  .overwrite((topics) => [...new Set(topics)]);

export const tagsSchema = z
  .record(text(MAX_TAG_KEY_CHARACTERS), z.string().max(MAX_TAG_VALUE_CHARACTERS))
  .refine((tags) => Object.keys(tags).length <= MAX_TAGS, `must have at most ${MAX_TAGS} tags`);

export const localeSchema = z
  .string()
  .max(64)
  .refine((value) => canonicalLocale(value) !== undefined, 'must be a BCP 47 language tag, such as "ko-KR"')
  .overwrite((value) => canonicalLocale(value) ?? value);

export const timeZoneSchema = z.string().max(64).refine(isTimeZone, 'must be an IANA time zone, such as "Asia/Seoul"');

export const appVersionSchema = text(MAX_APP_VERSION_CHARACTERS);

/** Remembers what a slow pure function finds good, of which there is little; forgets all of it rather than growing without bound. */
function remembered<T>(compute: (value: string) => T): (value: string) => T {
  const answers = new Map<string, T>();
  return (value) => {
    const known = answers.get(value);
    if (known) return known;
    const answer = compute(value);
    if (answers.size >= 2_000) answers.clear();
    if (answer) answers.set(value, answer);
    return answer;
  };
}

/** The canonical spelling of a language tag (`ko-kr` → `ko-KR`); undefined when it is none. */
export const canonicalLocale = remembered((value): string | undefined => {
  try {
    return Intl.getCanonicalLocales(value)[0];
  } catch {
    return undefined;
  }
});

const isKnownTimeZone = remembered((value): boolean => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: value }));
  } catch {
    return false;
  }
});

/** True for names of the IANA database. Offsets such as `+09:00`, which Intl also takes, do not follow daylight saving time. */
export function isTimeZone(value: string): boolean {
  return /^[A-Za-z]/.test(value) && isKnownTimeZone(value);
}

/** What tells two devices apart: SHA-256 of the token's identity. */
export function hashToken(identity: string): Buffer {
  return createHash('sha256').update(identity).digest();
}

export const SECRET_BYTES = 32;
const SECRET_PATTERN = /^ds_[A-Za-z0-9_-]{43}$/;

/**
 * A new device secret: the proof that an installation may change its own device.
 *
 * @param random 32 random bytes
 */
export function deviceSecret(random: Buffer): string {
  if (random.length !== SECRET_BYTES) throw new Error(`a device secret needs ${SECRET_BYTES} random bytes`);
  return `ds_${random.toString('base64url')}`;
}

/** SHA-256, unsalted: the secret has 256 random bits. Undefined for what cannot be a secret. */
export function hashDeviceSecret(secret: string | undefined): Buffer | undefined {
  if (!secret || !SECRET_PATTERN.test(secret)) return undefined;
  return createHash('sha256').update(secret).digest();
}

/** Whether a presented secret is the device's. */
export function isDeviceSecret(presented: Buffer | undefined, stored: Buffer | null): boolean {
  return presented !== undefined && stored !== null && timingSafeEqual(presented, stored);
}

/** What callers get to see; never the token. */
export function presentDevice(device: Device) {
  return {
    id: device.publicId,
    provider: device.provider,
    status: device.status,
    tokenFingerprint: device.tokenFingerprint,
    environment: device.environment,
    vapidPublicKey: device.vapidPublicKey,
    userId: device.userId,
    topics: [...device.topics],
    tags: { ...device.tags },
    locale: device.locale,
    timeZone: device.timeZone,
    appVersion: device.appVersion,
    registeredAt: device.registeredAt.toISOString(),
    invalidAt: device.invalidAt?.toISOString() ?? null,
    invalidReason: device.invalidReason,
  };
}
