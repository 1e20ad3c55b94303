import type { WebpushRow } from './rows.js';

const json = (body: object) => ({ body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
const MISMATCH =
  'the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.';

/** The rows of the Web Push table and the services' own words: what the simulator says, and the fact that comes of it. */
export const webpushRows: WebpushRow[] = [
  ['200', 'fcm', { status: 200 }, { kind: 'accepted', code: '200' }],
  ['202', 'fcm', { status: 202 }, { kind: 'accepted', code: '202' }],
  ['204', 'fcm', { status: 204 }, { kind: 'accepted', code: '204' }],
  ['400', 'fcm', { status: 400 }, { kind: 'message_invalid', code: '400' }],
  [
    '400 bad encryption at Mozilla',
    'mozilla',
    { status: 400, ...json({ code: 400, errno: 110 }) },
    { kind: 'message_invalid' },
  ],
  [
    '400 VapidPkHashMismatch at Apple',
    'apple',
    { status: 400, reason: 'VapidPkHashMismatch' },
    { kind: 'token_refused', code: 'VapidPkHashMismatch' },
  ],
  [
    '403 VapidPkHashMismatch at Apple',
    'apple',
    { status: 403, reason: 'VapidPkHashMismatch' },
    { kind: 'token_refused', code: 'VapidPkHashMismatch' },
  ],
  [
    '400 UnauthorizedRegistration at FCM',
    'fcm',
    { status: 400, body: 'UnauthorizedRegistration' },
    { kind: 'token_refused', code: '400' },
  ],
  ['401 at Mozilla', 'mozilla', { status: 401 }, { kind: 'credential_invalid', code: '401' }],
  [
    '401 at Mozilla for another key',
    'mozilla',
    { status: 401, ...json({ code: 401, errno: 109, error: 'Unauthorized', message: 'VAPID public key mismatch' }) },
    { kind: 'token_refused', code: '401' },
  ],
  ['403 for another key at FCM', 'fcm', { status: 403, body: MISMATCH }, { kind: 'token_refused', code: '403' }],
  [
    '403 invalid JWT',
    'fcm',
    { status: 403, body: 'invalid JWT provided' },
    { kind: 'credential_invalid', code: '403' },
  ],
  ['403 invalid aud', 'fcm', { status: 403, body: 'invalid aud claim' }, { kind: 'credential_invalid' }],
  [
    '403 BadJwtToken at Apple',
    'apple',
    { status: 403, reason: 'BadJwtToken' },
    { kind: 'credential_invalid', code: 'BadJwtToken' },
  ],
  ['404', 'mozilla', { status: 404 }, { kind: 'token_invalid', code: '404' }],
  ['410', 'mozilla', { status: 410 }, { kind: 'token_invalid', code: '410' }],
  ['410 at Apple', 'apple', { status: 410 }, { kind: 'token_invalid', code: 'Unregistered' }],
  ['410 at WNS', 'wns', { status: 410 }, { kind: 'token_invalid', code: '410' }],
  [
    '406 at WNS is throttling',
    'wns',
    { status: 406, retryAfterSeconds: 900 },
    { kind: 'throttled', scope: 'token', code: '406', retryAfterMs: 900_000 },
  ],
  ['413', 'mozilla', { status: 413 }, { kind: 'message_invalid', code: '413' }],
  [
    '429 without Retry-After',
    'fcm',
    { status: 429 },
    { kind: 'throttled', scope: 'token', minimumDelayMs: 10_000, retryAfterMs: undefined },
  ],
  [
    '429 in seconds',
    'fcm',
    { status: 429, retryAfterSeconds: 33 },
    { kind: 'throttled', scope: 'token', retryAfterMs: 33_000 },
  ],
  [
    '429 at a date that has passed',
    'fcm',
    { status: 429, headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } },
    { kind: 'throttled', retryAfterMs: 0 },
  ],
  ['500', 'mozilla', { status: 500 }, { kind: 'unavailable', code: '500', minimumDelayMs: 1000 }],
  [
    '503 with Retry-After',
    'mozilla',
    { status: 503, retryAfterSeconds: 5 },
    { kind: 'unavailable', retryAfterMs: 5000 },
  ],
  ['504 of something in between', 'fcm', { status: 504, body: '<html></html>' }, { kind: 'ambiguous', code: '504' }],
  ['an unknown 4xx', 'fcm', { status: 418 }, { kind: 'message_invalid', code: '418' }],
];
