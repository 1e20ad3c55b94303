import type { Row } from './rows.js';

/** The rows of the FCM table: what the simulator says, and the fact that comes of it. */
export const fcmRows: Row[] = [
  [
    'a malformed token, told by the text',
    { status: 400, reason: 'MALFORMED_TOKEN' },
    { kind: 'token_invalid', code: 'INVALID_ARGUMENT' },
  ],
  [
    'a malformed token, told by the field',
    { status: 400, reason: 'MALFORMED_TOKEN_FIELD' },
    { kind: 'token_invalid', code: 'INVALID_ARGUMENT' },
  ],
  [
    'an invalid argument without a field',
    { status: 400, reason: 'INVALID_ARGUMENT' },
    { kind: 'message_invalid', code: 'INVALID_ARGUMENT' },
  ],
  [
    'an invalid argument at another field',
    { status: 400, reason: 'INVALID_ARGUMENT_FIELD' },
    { kind: 'message_invalid', code: 'INVALID_ARGUMENT' },
  ],
  [
    'a message too big, which has no details',
    { status: 400, reason: 'TOO_BIG' },
    { kind: 'message_invalid', code: 'INVALID_ARGUMENT' },
  ],
  [
    'a bad APNs key stored in Firebase',
    { status: 401, reason: 'THIRD_PARTY_AUTH_ERROR' },
    { kind: 'message_invalid', code: 'THIRD_PARTY_AUTH_ERROR' },
  ],
  [
    'the same by its old name',
    { status: 401, reason: 'APNS_AUTH_ERROR' },
    { kind: 'message_invalid', code: 'APNS_AUTH_ERROR' },
  ],
  [
    'another sender’s token',
    { status: 403, reason: 'SENDER_ID_MISMATCH' },
    { kind: 'token_refused', code: 'SENDER_ID_MISMATCH' },
  ],
  [
    'no permission',
    { status: 403, reason: 'PERMISSION_DENIED' },
    { kind: 'credential_invalid', code: 'IAM_PERMISSION_DENIED' },
  ],
  [
    'the API switched off',
    { status: 403, reason: 'SERVICE_DISABLED' },
    { kind: 'credential_invalid', code: 'SERVICE_DISABLED' },
  ],
  ['an unregistered token', { status: 404, reason: 'UNREGISTERED' }, { kind: 'token_invalid', code: 'UNREGISTERED' }],
  ['an unknown project', { status: 404, reason: 'NOT_FOUND' }, { kind: 'credential_invalid', code: 'NOT_FOUND' }],
  [
    'a 404 page',
    { status: 404, body: '<!DOCTYPE html><title>Error 404</title>', headers: { 'content-type': 'text/html' } },
    { kind: 'credential_invalid', code: '404' },
  ],
  [
    'the project’s quota, without a header',
    { status: 429, reason: 'QUOTA_EXCEEDED' },
    { kind: 'throttled', scope: 'lane', code: 'QUOTA_EXCEEDED', minimumDelayMs: 60_000, retryAfterMs: undefined },
  ],
  [
    'the project’s quota, with Retry-After',
    { status: 429, reason: 'QUOTA_EXCEEDED', retryAfterSeconds: 17 },
    { kind: 'throttled', scope: 'lane', minimumDelayMs: 10_000, retryAfterMs: 17_000 },
  ],
  [
    'a topic’s quota',
    { status: 429, reason: 'TOPIC_QUOTA_EXCEEDED' },
    { kind: 'throttled', scope: 'lane', minimumDelayMs: 60_000 },
  ],
  [
    'one device’s quota',
    { status: 429, reason: 'DEVICE_QUOTA_EXCEEDED' },
    { kind: 'throttled', scope: 'token', minimumDelayMs: 60_000 },
  ],
  [
    'one device’s quota by its legacy name',
    { status: 429, reason: 'DeviceMessageRateExceeded' },
    { kind: 'throttled', scope: 'token', code: 'DeviceMessageRateExceeded' },
  ],
  [
    'an internal error',
    { status: 500, reason: 'INTERNAL' },
    { kind: 'unavailable', code: 'INTERNAL', minimumDelayMs: 10_000 },
  ],
  [
    'an outage',
    { status: 503, reason: 'UNAVAILABLE' },
    { kind: 'unavailable', code: 'UNAVAILABLE', minimumDelayMs: 10_000, retryAfterMs: undefined },
  ],
  [
    'an outage with Retry-After',
    { status: 503, reason: 'UNAVAILABLE', retryAfterSeconds: 120 },
    { kind: 'unavailable', retryAfterMs: 120_000, minimumDelayMs: 10_000 },
  ],
  [
    'Retry-After beyond all reason',
    { status: 503, reason: 'UNAVAILABLE', headers: { 'retry-after': '999999999' } },
    { kind: 'unavailable', retryAfterMs: 86_400_000 },
  ],
  [
    'Retry-After below zero',
    { status: 503, reason: 'UNAVAILABLE', headers: { 'retry-after': '-5' } },
    { kind: 'unavailable', retryAfterMs: undefined },
  ],
  [
    'Retry-After as a date that has passed',
    { status: 503, reason: 'UNAVAILABLE', headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } },
    { kind: 'unavailable', retryAfterMs: 0 },
  ],
  [
    'a 504 page',
    { status: 504, body: '<html>gateway timeout</html>', headers: { 'content-type': 'text/html' } },
    { kind: 'ambiguous', code: '504', minimumDelayMs: 10_000 },
  ],
  ['an unknown 4xx', { status: 418, reason: 'TEAPOT' }, { kind: 'message_invalid', code: 'TEAPOT' }],
  [
    'UNSPECIFIED_ERROR as 4xx',
    { status: 400, reason: 'UNSPECIFIED_ERROR' },
    { kind: 'message_invalid', code: 'UNSPECIFIED_ERROR' },
  ],
  ['an unknown 5xx', { status: 599, reason: 'UNSPECIFIED_ERROR' }, { kind: 'unavailable', code: 'UNSPECIFIED_ERROR' }],
  ['a 200 that is not FCM’s', { status: 200, body: 'hello' }, { kind: 'ambiguous', code: '200' }],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://example.com/' }, body: '' },
    { kind: 'message_invalid', code: '302' },
  ],
];
