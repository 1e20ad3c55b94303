import type { LinkProps } from '@tanstack/react-router';
import { api, dataOf } from '../api/client.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = /^[0-9a-f]{8,}$/i;
/** Notifications have UUIDs of version 7, devices of version 4. */
const NOTIFICATION_VERSION = '7';
/** Characters of a whole fingerprint, and of nearly every APNs token. */
const FINGERPRINT_LENGTH = 64;
/** Of a fingerprint that is sent: enough to find one device among all, too little of what may be a token. */
const SENT_LENGTH = 16;

/**
 * Whether a text is, or may be, the address of a device. Such a text is a secret: it stays in this page, and only its SHA-256
 * leaves it. A web push endpoint is a URL, a subscription is JSON, all other tokens are longer than what people call users.
 */
export function isTokenLike(text: string): boolean {
  return text.length > FINGERPRINT_LENGTH || /^(https?:|\{)|:APA91/i.test(text) || isFingerprintOrToken(text);
}

/** 64 hex digits are a fingerprint or an APNs token; nobody can tell by looking. */
const isFingerprintOrToken = (text: string) => text.length === FINGERPRINT_LENGTH && HEX.test(text);

/** What the fingerprint of a token is made from, see `tokenFingerprint` in the API. */
function identityOf(text: string): string {
  if (HEX.test(text)) return text.toLowerCase();
  const endpoint = text.startsWith('{') ? endpointIn(text) : text;
  return URL.canParse(endpoint) && /^https?:/i.test(endpoint) ? new URL(endpoint).href : endpoint;
}

function endpointIn(subscription: string): string {
  try {
    const { endpoint } = JSON.parse(subscription);
    return typeof endpoint === 'string' ? endpoint : subscription;
  } catch {
    return subscription;
  }
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Users whose ids begin with `prefix`; none for what may be a token. */
export async function usersLike(app: string, prefix: string, limit: number, signal?: AbortSignal) {
  if (prefix === '' || isTokenLike(prefix)) return [];
  const query = { prefix, limit, applicationId: app };
  return (await dataOf(api.GET('/v1/users', { params: { query }, ...(signal && { signal }) }))).items;
}

/**
 * Where something that was typed or pasted leads: a user id, the id of a device or a notification, a token or its fingerprint.
 * What is found nowhere leads to the search of devices, which says so.
 */
export async function find(app: string, text: string): Promise<LinkProps> {
  if (isTokenLike(text)) return findToken(app, text);
  const [user] = await usersLike(app, text, 1);
  if (user?.userId === text) return toUser(app, text);
  const version = UUID.exec(text)?.[1];
  if (version === NOTIFICATION_VERSION) return toNotification(app, text.toLowerCase());
  if (version !== undefined) return toDevice(app, text.toLowerCase());
  if (HEX.test(text)) {
    const [device, ...others] = await devicesBy(app, text);
    if (device && others.length === 0) return toDevice(app, device.id);
    if (device) return toFingerprint(app, text.toLowerCase());
  }
  return { to: '/apps/$app/devices', params: { app }, search: { search: text } };
}

async function findToken(app: string, text: string): Promise<LinkProps> {
  const hash = await sha256(identityOf(text));
  const candidates = isFingerprintOrToken(text) ? [hash, text.toLowerCase()] : [hash];
  for (const fingerprint of candidates) {
    const found = await devicesBy(app, fingerprint.slice(0, SENT_LENGTH));
    const devices = found.filter(({ tokenFingerprint }) => tokenFingerprint === fingerprint);
    if (devices[0] && devices.length === 1) return toDevice(app, devices[0].id);
    if (devices.length > 1) return toFingerprint(app, fingerprint);
  }
  return toFingerprint(app, hash);
}

async function devicesBy(app: string, tokenFingerprint: string) {
  const query = { tokenFingerprint, applicationId: app };
  return (await dataOf(api.GET('/v1/devices', { params: { query } }))).items;
}

export const toUser = (app: string, user: string): LinkProps => ({
  to: '/apps/$app/users/$user',
  params: { app, user },
});
const toDevice = (app: string, device: string): LinkProps => ({
  to: '/apps/$app/devices/$device',
  params: { app, device },
});
const toNotification = (app: string, notification: string): LinkProps => ({
  to: '/apps/$app/notifications/$notification',
  params: { app, notification },
});
const toFingerprint = (app: string, tokenFingerprint: string): LinkProps => ({
  to: '/apps/$app/devices',
  params: { app },
  search: { tokenFingerprint },
});
