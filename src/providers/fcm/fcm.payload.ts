import { randomBytes } from 'node:crypto';
import type { AndroidConfig, ApnsConfig, TokenMessage, WebpushConfig } from 'firebase-admin/messaging';
import type { Problem } from '../../lib/errors.js';
import { SplicedBody } from '../../transport/spliced-body.js';
import { collapseIdOf, shortDigest } from '../derive.js';
import { fitsEasily } from '../fits-easily.js';
import { deepMerge, overridesOf } from '../overrides.js';
import type { Message, SendTiming } from '../provider.js';
import { CLICK_URL_KEY, dataProblems, NOTIFICATION_ID_KEY } from '../reserved-data.js';
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

/** Stand-ins for what differs per device or moment. Random, so that no content can hold one. */
const SLOT = randomBytes(12).toString('hex');
const TOKEN_SLOT = `token-${SLOT}`;
const ANDROID_TTL_SLOT = `android-ttl-${SLOT}`;
const APNS_EXPIRATION_SLOT = `apns-expiration-${SLOT}`;
const WEB_TTL_SLOT = `web-ttl-${SLOT}`;
const ANY_SLOT = new RegExp(`((?:token|android-ttl|apns-expiration|web-ttl)-${SLOT})`);

/** A message that was checked and translated once; each device costs only two copies. */
export interface FcmTemplate {
  /** Keys and values as FCM counts them. */
  payloadBytes: number;
  /** The request body for one device. `validate_only` is left out. */
  body(token: string, timing: Pick<SendTiming, 'ttlSeconds' | 'expiresAt'>): SplicedBody;
}

/** @throws FcmMessageError when firebase-admin refuses it; {@link fcmProblems} says so earlier and better */
export function compileFcm(message: Message): FcmTemplate {
  const { merged, caps } = mergedMessage(message);
  const parts = JSON.stringify({ message: { ...merged, token: TOKEN_SLOT } }).split(ANY_SLOT);
  let rendered: { ttlSeconds: number; expirySeconds: number; head: Buffer; tail: Buffer } | undefined;
  return {
    payloadBytes: payloadBytes(merged),
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
    const bytes = compileFcm(message).payloadBytes;
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

/** What differs per moment is put in last, so that no override can displace it. */
function mergedMessage(message: Message): { merged: Record<string, unknown>; caps: Caps } {
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

/** The message in firebase-admin's form, before overrides. */
function adminMessage(message: Message): TokenMessage {
  const { content, notificationId } = message;
  const isShown = content.title !== undefined || content.body !== undefined || content.imageUrl !== undefined;
  const collapseKey = message.collapseKey ?? notificationId;
  return {
    token: TOKEN_SLOT,
    data: {
      ...content.data,
      ...(content.clickUrl !== undefined && { [CLICK_URL_KEY]: content.clickUrl }),
      [NOTIFICATION_ID_KEY]: notificationId,
    },
    ...(isShown && {
      notification: {
        ...(content.title !== undefined && { title: content.title }),
        ...(content.body !== undefined && { body: content.body }),
        ...(content.imageUrl !== undefined && { imageUrl: content.imageUrl }),
      },
    }),
    android: androidPart(message, isShown, collapseKey),
    apns: apnsPart(message, isShown, collapseKey),
    webpush: webPart(message, collapseKey),
  };
}

function androidPart({ content, priority, ttlSeconds }: Message, isShown: boolean, tag: string): AndroidConfig {
  return {
    priority,
    ttl: ttlSeconds * 1000,
    ...(isShown && {
      // A tag replaces what is already shown. FCM keeps only four collapse keys per device, so none is used up here.
      notification: {
        tag,
        ...(content.sound !== undefined && { sound: content.sound }),
        ...(content.badge !== undefined && { notificationCount: content.badge }),
      },
    }),
  };
}

/** For tokens of iOS apps that use Firebase. What shows, rings or badges nothing has to be a background push. */
function apnsPart({ content, priority }: Message, isShown: boolean, collapseKey: string): ApnsConfig {
  const isAlert = isShown || content.badge !== undefined || content.sound !== undefined;
  return {
    headers: {
      'apns-push-type': isAlert ? 'alert' : 'background',
      'apns-priority': isAlert && priority === 'high' ? '10' : '5',
      'apns-collapse-id': collapseIdOf(collapseKey),
      'apns-expiration': APNS_EXPIRATION_SLOT,
    },
    payload: {
      aps: {
        ...(content.badge !== undefined && { badge: content.badge }),
        ...(content.sound !== undefined && { sound: content.sound }),
        ...(!isAlert && { contentAvailable: true }),
        ...(content.imageUrl !== undefined && { mutableContent: true }),
      },
    },
    ...(content.imageUrl !== undefined && { fcmOptions: { imageUrl: content.imageUrl } }),
  };
}

/** For tokens of web apps that use Firebase. */
function webPart({ content, priority }: Message, collapseKey: string): WebpushConfig {
  return {
    headers: { TTL: WEB_TTL_SLOT, Urgency: priority, Topic: shortDigest(collapseKey, 32) },
    // FCM takes https links only.
    ...(content.clickUrl?.startsWith('https://') && { fcmOptions: { link: content.clickUrl } }),
  };
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
