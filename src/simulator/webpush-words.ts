import type { Reply } from './exchange.js';
import type { Failure } from './service.js';
import type { WebpushProfile } from './subscriptions.js';
import type { VapidFault } from './vapid.js';

/** A request that is wrong in itself. */
export type RequestFault =
  | 'ttl-missing'
  | 'ttl'
  | 'ttl-wns'
  | 'topic'
  | 'urgency'
  | 'encoding'
  | 'too-large'
  | 'method'
  | 'path';

const TEXT = { 'content-type': 'text/plain; charset=utf-8' } as const;
const JSON_TYPE = { 'content-type': 'application/json' } as const;

/** Bytes: far above what a sender should be willing to read. */
const HUGE_BYTES = 8 * 1024 * 1024;
const MISMATCH_TEXT =
  'the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.';

/** FCM's texts, from Chromium's list. */
const FCM_VAPID: Readonly<Record<VapidFault, string>> = {
  missing: 'sender is not authenticated.',
  scheme: 'sender is not authenticated.',
  key: 'public key must be 65 bytes long',
  jwt: 'invalid JWT provided',
  signature: 'invalid JWT provided',
  aud: 'invalid aud claim',
  'exp-missing': 'exp claim is missing',
  'exp-type': 'invalid JWT provided',
  expired: 'token has expired',
  'exp-too-far': 'exp claim MUST NOT be more than 24 hours from the time of the request.',
  sub: 'invalid sub claim',
  mismatch: MISMATCH_TEXT,
};

const STATUS: Readonly<Record<RequestFault, number>> = {
  'ttl-missing': 400,
  ttl: 400,
  'ttl-wns': 400,
  topic: 400,
  urgency: 400,
  encoding: 400,
  'too-large': 413,
  method: 405,
  path: 404,
};

const MOZILLA_ERRNO: Readonly<Record<RequestFault, number>> = {
  'ttl-missing': 111,
  ttl: 112,
  'ttl-wns': 112,
  topic: 113,
  urgency: 110,
  encoding: 110,
  'too-large': 104,
  method: 999,
  path: 102,
};

const APPLE_REASON: Readonly<Record<RequestFault, string>> = {
  'ttl-missing': 'BadTtl',
  ttl: 'BadTtl',
  'ttl-wns': 'BadTtl',
  topic: 'BadWebPushTopic',
  urgency: 'BadUrgency',
  encoding: 'BadContentEncoding',
  'too-large': 'PayloadTooLarge',
  method: 'MethodNotAllowed',
  path: 'BadPath',
};

const WNS_DESCRIPTION: Readonly<Record<RequestFault, string>> = {
  'ttl-missing': 'TTL header is missing',
  ttl: 'TTL header is invalid',
  'ttl-wns': 'Ttl value conflicts with X-WNS-Cache-Policy',
  topic: 'Topic header is invalid',
  urgency: 'Urgency header is invalid',
  encoding: 'Content-Encoding header is invalid',
  'too-large': 'Payload is too large',
  method: 'Method not allowed',
  path: 'No such channel',
};

/** What a push service says about a VAPID header, and the code it is counted under. */
export function vapidReply(profile: WebpushProfile, fault: VapidFault): Reply & { reason: string } {
  switch (profile) {
    case 'fcm':
      return {
        status: fault === 'missing' ? 401 : 403,
        headers: TEXT,
        body: FCM_VAPID[fault],
        reason: `vapid ${fault}`,
      };
    case 'mozilla':
      return { ...mozilla(401, 109, 'Unauthorized', `Request did not validate: ${fault}`), reason: 'errno 109' };
    case 'apple': {
      const reason = fault === 'mismatch' ? 'VapidPkHashMismatch' : 'BadJwtToken';
      const status = fault === 'mismatch' ? 400 : fault === 'missing' ? 401 : 403;
      return { ...apple(status, reason), reason };
    }
    case 'wns':
      return {
        ...wns(fault === 'missing' || fault === 'expired' ? 401 : 403, `VAPID: ${fault}`),
        reason: `vapid ${fault}`,
      };
  }
}

export function requestReply(profile: WebpushProfile, fault: RequestFault): Reply {
  const status = STATUS[fault];
  switch (profile) {
    case 'fcm':
      return {
        status,
        headers: TEXT,
        body: fault === 'too-large' ? 'payload is too large' : `invalid request: ${fault}`,
      };
    case 'mozilla':
      return mozilla(status, MOZILLA_ERRNO[fault], 'Bad Request', fault);
    case 'apple':
      return apple(status, APPLE_REASON[fault]);
    case 'wns':
      return wns(status, WNS_DESCRIPTION[fault]);
  }
}

/** The answer for a failure that a rule, a target state or a magic id asked for. */
export function webpushFailure(profile: WebpushProfile, failure: Failure, redirectTo: string): Reply {
  const said = baseReply(profile, failure, redirectTo);
  return {
    status: said.status,
    headers: { ...said.headers, ...failure.headers },
    body: failure.body ?? said.body ?? '',
  };
}

function baseReply(profile: WebpushProfile, failure: Failure, redirectTo: string): Reply {
  const { status, reason } = failure;
  if (reason === 'VAPID_MISMATCH') return vapidReply(profile, 'mismatch');
  if (reason === 'REDIRECT') return { status, headers: { location: redirectTo } };
  if (reason === 'HUGE') return { status, headers: TEXT, body: 'x'.repeat(HUGE_BYTES) };
  switch (profile) {
    case 'fcm':
      return { status, headers: TEXT, body: reason ?? fcmText(status) };
    case 'mozilla':
      return mozilla(status, mozillaErrno(status), reason ?? 'Error', reason ?? `status ${status}`);
    case 'apple':
      return apple(status, reason ?? appleReason(status));
    case 'wns':
      return wns(status, reason ?? `status ${status}`);
  }
}

function fcmText(status: number): string {
  return status === 404 || status === 410 ? 'push subscription has unsubscribed or expired.' : `error ${status}`;
}

function mozillaErrno(status: number): number {
  return { 404: 102, 410: 106, 413: 104, 503: 201 }[status] ?? 999;
}

function appleReason(status: number): string {
  return (
    { 404: 'BadPath', 410: 'Unregistered', 413: 'PayloadTooLarge', 429: 'TooManyRequests' }[status] ??
    (status >= 500 ? 'InternalServerError' : 'BadRequest')
  );
}

function mozilla(code: number, errno: number, error: string, message: string): Reply {
  const more_info = 'http://autopush.readthedocs.io/en/latest/http.html#error-codes';
  return { status: code, headers: JSON_TYPE, body: JSON.stringify({ code, errno, error, message, more_info }) };
}

function apple(status: number, reason: string): Reply {
  return { status, headers: JSON_TYPE, body: JSON.stringify({ reason }) };
}

function wns(status: number, description: string): Reply {
  return {
    status,
    headers: {
      'x-wns-error-description': description,
      'x-wns-status': 'dropped',
      'x-wns-notificationstatus': 'dropped',
    },
  };
}
