import type { Action } from './actions.js';
import type { ServiceName } from './service.js';

/** What a magic target does, and how many times before it behaves; 0 = always. */
export interface Magic {
  action: Action;
  times: number;
}

const SUFFIX = /^(device-)?([45]\d\d)(?:-(ra|date)(\d{1,5}))?(?:x(\d{1,4}))?$/;

type Named = Readonly<Record<string, Action>>;

const COMMON: Named = {
  hang: { type: 'hang', when: 'before' },
  'hang-after-accept': { type: 'hang', when: 'after-accept' },
  reset: { type: 'reset', when: 'before', scope: 'stream' },
  'reset-after-accept': { type: 'reset', when: 'after-accept', scope: 'stream' },
  html502: { type: 'html502' },
  truncate: { type: 'truncate' },
};

const FCM: Named = {
  ...COMMON,
  unregistered: { type: 'respond', status: 404, reason: 'UNREGISTERED' },
  malformed: { type: 'respond', status: 400, reason: 'MALFORMED_TOKEN' },
  'malformed-field': { type: 'respond', status: 400, reason: 'MALFORMED_TOKEN_FIELD' },
  'sender-mismatch': { type: 'respond', status: 403, reason: 'SENDER_ID_MISMATCH' },
  'third-party-auth': { type: 'respond', status: 401, reason: 'THIRD_PARTY_AUTH_ERROR' },
  'invalid-argument': { type: 'respond', status: 400, reason: 'INVALID_ARGUMENT' },
};

const WEBPUSH: Named = {
  ...COMMON,
  expired: { type: 'respond', status: 410 },
  gone: { type: 'respond', status: 404 },
  'vapid-mismatch': { type: 'respond', status: 403, reason: 'VAPID_MISMATCH' },
  redirect: { type: 'respond', status: 307, reason: 'REDIRECT' },
  huge: { type: 'respond', status: 500, reason: 'HUGE' },
};

/** First eight hex digits of an APNs device token; the next two say how many times, `00` = always. */
const APNS: Readonly<Record<string, Action>> = {
  dead0400: { type: 'respond', status: 400, reason: 'BadDeviceToken' },
  dead0401: { type: 'respond', status: 400, reason: 'DeviceTokenNotForTopic' },
  dead0410: { type: 'respond', status: 410, reason: 'Unregistered' },
  dead0411: { type: 'respond', status: 410, reason: 'ExpiredToken' },
  dead0429: { type: 'respond', status: 429, reason: 'TooManyRequests' },
  dead0500: { type: 'respond', status: 500, reason: 'InternalServerError' },
  dead0503: { type: 'respond', status: 503, reason: 'ServiceUnavailable' },
  dead0504: { type: 'respond', status: 503, reason: 'Shutdown' },
  deada001: { type: 'hang', when: 'before' },
  deada002: { type: 'reset', when: 'before', scope: 'stream' },
  deada003: { type: 'reset', when: 'after-accept', scope: 'stream' },
  deada004: { type: 'goaway', code: 0, graceful: true },
};

/** The magic of this target, or nothing: an ordinary target. The table is in README.md. */
export function magicOf(service: ServiceName, target: string): Magic | undefined {
  if (service === 'apns') return apnsMagic(target);
  const at = target.lastIndexOf('--');
  return at < 0 ? undefined : parseBehaviour(service, target.slice(at + 2));
}

/** @param behaviour what follows the last `--` of an FCM token or a Web Push id */
export function parseBehaviour(service: ServiceName, behaviour: string): Magic | undefined {
  const table = service === 'fcm' ? FCM : WEBPUSH;
  const named = Object.hasOwn(table, behaviour) ? table[behaviour] : undefined;
  if (named) return { action: named, times: 0 };
  const match = SUFFIX.exec(behaviour);
  if (!match) return undefined;
  const [, device, digits, form, retryAfter, times] = match;
  const status = Number(digits);
  const isPassing = status === 429 || status === 406 || status >= 500;
  const reason = device ? 'DEVICE_QUOTA_EXCEEDED' : undefined;
  const retryAfterSeconds = retryAfter === undefined ? undefined : Number(retryAfter);
  const action: Action =
    status === 502 && service === 'fcm'
      ? { type: 'html502' }
      : { type: 'respond', status, reason, retryAfterSeconds, retryAfterAsDate: form === 'date' };
  return { action, times: times === undefined ? (isPassing ? 1 : 0) : Number(times) };
}

function apnsMagic(target: string): Magic | undefined {
  const action = target.startsWith('dead') ? APNS[target.slice(0, 8)] : undefined;
  return action && { action, times: Number.parseInt(target.slice(8, 10), 16) || 0 };
}
