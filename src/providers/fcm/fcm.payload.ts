import type { Problem } from '../../lib/errors.js';
import { SplicedBody } from '../../transport/spliced-body.js';
import { fitsEasily } from '../fits-easily.js';
import { deepMerge, overridesOf } from '../overrides.js';
import type { Message, SendTiming } from '../provider.js';
import { dataProblems, NOTIFICATION_ID_KEY } from '../reserved-data.js';
import {
  ANDROID_TTL_SLOT,
  ANY_SLOT,
  APNS_EXPIRATION_SLOT,
  adminMessage,
  plainMessage,
  TOKEN_SLOT,
  WEB_TTL_SLOT,
} from './fcm.message.js';
import {
  FCM_MAX_TTL_SECONDS,
  FCM_RESERVED_DATA_KEY,
  fcmOverrideProblems,
  recordOf,
  toRestNames,
} from './fcm.overrides.js';
import { compileWithFirebase, FcmMessageError } from './fcm-compiler.js';

/** Bytes of keys and values, for one device. firebase.google.com "About FCM messages", read 2026-11. */
export const FCM_MAX_PAYLOAD_BYTES = 4096;

/** A message that was checked and translated once; each device costs only two copies. */
export interface FcmTemplate {
  /** Keys and values as FCM counts them. */
  payloadBytes(): number;
  /** The request body for one device. `validate_only` is left out. */
  body(token: string, timing: Pick<SendTiming, 'ttlSeconds' | 'expiresAt'>): SplicedBody;
}

/** @throws FcmMessageError when firebase-admin refuses what overrides made of it; {@link fcmProblems} says so earlier and better */
export function compileFcm(message: Message): FcmTemplate {
  const { merged, caps } = mergedMessage(message);
  const parts = JSON.stringify({ message: { ...merged, token: TOKEN_SLOT } }).split(ANY_SLOT);
  let rendered: { ttlSeconds: number; expirySeconds: number; head: Buffer; tail: Buffer } | undefined;
  return {
    payloadBytes: () => payloadBytes(merged),
    body(token, timing) {
      const { ttlSeconds } = timing;
      const expirySeconds = ttlSeconds === 0 ? 0 : Math.floor(timing.expiresAt.getTime() / 1000);
      if (rendered?.ttlSeconds !== ttlSeconds || rendered.expirySeconds !== expirySeconds) {
        rendered = { ttlSeconds, expirySeconds, ...render(parts, ttlSeconds, expirySeconds, caps) };
      }
      // Tokens were checked to be ASCII that needs no escaping in JSON when they were registered.
      return new SplicedBody(rendered.head, token, rendered.tail);
    },
  };
}

/** Everything that is wrong with a message for FCM, sizes included. */
export function fcmProblems(message: Message): Problem[] {
  const { value: overrides, problems } = overridesOf(message.overrides, 'overrides.fcm');
  problems.push(...dataProblems(message));
  if (message.overrides !== undefined) problems.push(...fcmOverrideProblems(overrides));
  for (const key of Object.keys(message.content.data ?? {})) {
    if (FCM_RESERVED_DATA_KEY.test(key))
      problems.push({ path: `content.data.${key}`, message: 'FCM reserves this key' });
  }
  if (problems.length > 0) return problems;
  if (isImageKnown(message) && fitsEasily(message, FCM_MAX_PAYLOAD_BYTES)) return problems;
  try {
    if (!isImageKnown(message)) compileWithFirebase(adminMessage(message));
    const bytes = compileFcm(message).payloadBytes();
    if (bytes > FCM_MAX_PAYLOAD_BYTES) {
      problems.push({ path: 'content', message: `${bytes} bytes for FCM, at most ${FCM_MAX_PAYLOAD_BYTES}` });
    }
    if (message.overrides === undefined) rememberImage(message);
  } catch (error) {
    if (!(error instanceof FcmMessageError)) throw error;
    problems.push({ path: /image/i.test(error.message) ? 'content.imageUrl' : 'content', message: error.message });
  }
  return problems;
}

/** Image URLs that firebase-admin took: of a message without overrides it refuses nothing else that the API lets through. */
const knownImages = new Set<string>();
const MAX_KNOWN_IMAGES = 1_000;

function isImageKnown({ content }: Message): boolean {
  return content.imageUrl === undefined || knownImages.has(content.imageUrl);
}

function rememberImage({ content }: Message): void {
  if (content.imageUrl === undefined) return;
  if (knownImages.size >= MAX_KNOWN_IMAGES) knownImages.clear();
  knownImages.add(content.imageUrl);
}

/** Upper bounds that the caller's overrides put on what is otherwise the remaining time. */
interface Caps {
  androidTtlSeconds: number;
  webTtlSeconds: number;
  apnsExpirySeconds: number;
}

const NO_CAPS: Caps = {
  androidTtlSeconds: FCM_MAX_TTL_SECONDS,
  webTtlSeconds: FCM_MAX_TTL_SECONDS,
  apnsExpirySeconds: Number.MAX_SAFE_INTEGER,
};

/** What differs per moment is put in last, so that no override can displace it. */
function mergedMessage(message: Message): { merged: Record<string, unknown>; caps: Caps } {
  // firebase-admin takes 150 µs, half of what a single push costs otherwise between claim and send.
  if (message.overrides === undefined) return { merged: plainMessage(message), caps: NO_CAPS };
  const compiled = toRestNames(compileWithFirebase(adminMessage(message)));
  const overrides = toRestNames(overridesOf(message.overrides, 'overrides.fcm').value);
  const header = (part: string, name: string) => recordOf(recordOf(overrides[part])['headers'])[name];
  const caps = {
    androidTtlSeconds: Number.parseFloat(String(recordOf(overrides['android'])['ttl'] ?? FCM_MAX_TTL_SECONDS)),
    webTtlSeconds: Number(header('webpush', 'TTL') ?? FCM_MAX_TTL_SECONDS),
    apnsExpirySeconds: Number(header('apns', 'apns-expiration') ?? Number.MAX_SAFE_INTEGER),
  };
  const timed = {
    data: { [NOTIFICATION_ID_KEY]: message.notificationId },
    android: { ttl: `${ANDROID_TTL_SLOT}s` },
    apns: { headers: { 'apns-expiration': APNS_EXPIRATION_SLOT } },
    webpush: { headers: { TTL: WEB_TTL_SLOT } },
  };
  return { merged: deepMerge(deepMerge(compiled, overrides), timed), caps };
}

function render(parts: readonly string[], ttlSeconds: number, expirySeconds: number, caps: Caps) {
  const values: Record<string, string> = {
    [ANDROID_TTL_SLOT]: String(Math.min(ttlSeconds, caps.androidTtlSeconds)),
    [WEB_TTL_SLOT]: String(Math.min(ttlSeconds, caps.webTtlSeconds)),
    [APNS_EXPIRATION_SLOT]: String(Math.min(expirySeconds, caps.apnsExpirySeconds)),
  };
  const at = parts.indexOf(TOKEN_SLOT);
  const join = (some: readonly string[]) => Buffer.from(some.map((part) => values[part] ?? part).join(''));
  return { head: join(parts.slice(0, at)), tail: join(parts.slice(at + 1)) };
}

/**
 * Bytes of the largest form that one device may get: keys and values of data and notification for Android and the web,
 * the whole payload for iOS.
 */
function payloadBytes(message: Record<string, unknown>): number {
  const [android, apns, web] = ['android', 'apns', 'webpush'].map((part) => recordOf(message[part]));
  const data = recordOf(message['data']);
  const notification = recordOf(message['notification']);
  const androidBytes =
    mapBytes({ ...data, ...recordOf(android?.['data']) }) +
    mapBytes({ ...notification, ...recordOf(android?.['notification']) });
  const apnsBytes = apns?.['payload'] === undefined ? 0 : Buffer.byteLength(JSON.stringify(apns['payload']));
  const webBytes = mapBytes(recordOf(web?.['data'])) + mapBytes(recordOf(web?.['notification']));
  return Math.max(androidBytes, apnsBytes, webBytes);
}

function mapBytes(map: Record<string, unknown>): number {
  return Object.entries(map).reduce(
    (bytes, [key, value]) =>
      bytes + Buffer.byteLength(key) + Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value)),
    0,
  );
}
