import type { Row } from './rows.js';

const invalidMessages = [
  'BadCollapseId',
  'BadExpirationDate',
  'BadMessageId',
  'BadPriority',
  'InvalidPushType',
  'DuplicateHeaders',
  'PayloadEmpty',
  'MissingDeviceToken',
].map((reason): Row => [reason, { status: 400, reason }, { kind: 'message_invalid', code: reason }]);

const invalidCredentials = [
  'InvalidProviderToken',
  'MissingProviderToken',
  'BadCertificate',
  'BadCertificateEnvironment',
  'BadEnvironmentKeyIdInToken',
  'BadEnvironmentKeyInToken',
  'Forbidden',
].map((reason): Row => [reason, { status: 403, reason }, { kind: 'credential_invalid', code: reason }]);

const invalidTopics = ['BadTopic', 'MissingTopic', 'TopicDisallowed'].map(
  (reason): Row => [reason, { status: 400, reason }, { kind: 'credential_invalid', code: reason }],
);

const SINCE = 1_700_000_000_123;

/** The rows of the APNs table: what the simulator says, and the fact that comes of it. */
export const apnsRows: Row[] = [
  ['BadDeviceToken', { status: 400, reason: 'BadDeviceToken' }, { kind: 'token_refused', code: 'BadDeviceToken' }],
  [
    'DeviceTokenNotForTopic',
    { status: 400, reason: 'DeviceTokenNotForTopic' },
    { kind: 'token_refused', code: 'DeviceTokenNotForTopic' },
  ],
  ...invalidTopics,
  ...invalidMessages,
  ...invalidCredentials,
  ['BadPath', { status: 404, reason: 'BadPath' }, { kind: 'message_invalid', code: 'BadPath' }],
  ['MethodNotAllowed', { status: 405, reason: 'MethodNotAllowed' }, { kind: 'message_invalid' }],
  [
    'Unregistered, since a moment in milliseconds',
    { status: 410, reason: 'Unregistered', timestampMs: SINCE },
    { kind: 'token_invalid', code: 'Unregistered', invalidSince: new Date(SINCE) },
  ],
  [
    'ExpiredToken',
    { status: 410, reason: 'ExpiredToken', timestampMs: SINCE },
    { kind: 'token_invalid', code: 'ExpiredToken', invalidSince: new Date(SINCE) },
  ],
  [
    'Unregistered without a moment',
    { status: 410, body: '{"reason":"Unregistered"}' },
    { kind: 'token_invalid', invalidSince: undefined },
  ],
  ['PayloadTooLarge', { status: 413, reason: 'PayloadTooLarge' }, { kind: 'message_invalid', code: 'PayloadTooLarge' }],
  [
    'TooManyRequests concerns one device',
    { status: 429, reason: 'TooManyRequests' },
    { kind: 'throttled', scope: 'token', code: 'TooManyRequests', minimumDelayMs: 10_000 },
  ],
  [
    'TooManyRequests with Retry-After',
    { status: 429, reason: 'TooManyRequests', retryAfterSeconds: 40 },
    { kind: 'throttled', scope: 'token', retryAfterMs: 40_000 },
  ],
  [
    'TooManyProviderTokenUpdates concerns the key',
    { status: 429, reason: 'TooManyProviderTokenUpdates' },
    { kind: 'throttled', scope: 'lane', minimumDelayMs: 300_000 },
  ],
  [
    'InternalServerError, no sooner than 15 minutes',
    { status: 500, reason: 'InternalServerError' },
    { kind: 'unavailable', code: 'InternalServerError', minimumDelayMs: 900_000, retryAfterMs: undefined },
  ],
  [
    'ServiceUnavailable',
    { status: 503, reason: 'ServiceUnavailable' },
    { kind: 'unavailable', code: 'ServiceUnavailable', minimumDelayMs: 900_000 },
  ],
  ['an unknown 4xx', { status: 400, reason: 'SomethingNew' }, { kind: 'message_invalid', code: 'SomethingNew' }],
  ['an unknown 5xx', { status: 507, reason: 'SomethingNew' }, { kind: 'unavailable', code: 'SomethingNew' }],
  [
    'a page of something in between',
    { status: 502, body: '<html></html>', headers: { 'content-type': 'text/html' } },
    { kind: 'ambiguous', code: '502' },
  ],
];
