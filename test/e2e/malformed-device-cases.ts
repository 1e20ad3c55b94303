import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Refusal } from './malformed-support.js';

/** A body for `POST /v1/devices`, and what must be said about it. */
export type DeviceCase = [name: string, body: Record<string, unknown>, refusal: Refusal];

const P256DH = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
const AUTH = randomBytes(16).toString('base64url');
const ENDPOINT = 'https://fcm.googleapis.com/fcm/send/never-registered';

/** The uncompressed point: 65 bytes that start with 4. */
function point(): Buffer {
  return P256DH.export({ type: 'spki', format: 'der' }).subarray(-65);
}

const GOOD_KEYS = { p256dh: point().toString('base64url'), auth: AUTH };

function changed(bytes: Buffer, at: number, value: number): string {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy.toString('base64url');
}

const invalid = (path: string): Refusal => ({ status: 400, code: 'invalid_token', path });

const fcm = (name: string, token: string): DeviceCase => [
  `FCM token: ${name}`,
  { provider: 'fcm', token },
  invalid('token'),
];
const apns = (name: string, token: unknown): DeviceCase => [
  `APNs token: ${name}`,
  { provider: 'apns', token },
  invalid('token'),
];
const keys = (name: string, given: unknown, path: string): DeviceCase => [
  `Web Push keys: ${name}`,
  { provider: 'webpush', token: { endpoint: ENDPOINT, keys: given } },
  invalid(path),
];
const p256dh = (name: string, value: unknown): DeviceCase =>
  keys(`p256dh ${name}`, { ...GOOD_KEYS, p256dh: value }, 'token.keys.p256dh');
const auth = (name: string, value: unknown): DeviceCase =>
  keys(`auth ${name}`, { ...GOOD_KEYS, auth: value }, 'token.keys.auth');

export const TOKEN_CASES: DeviceCase[] = [
  fcm('with a space', 'abc def:APA91b'),
  fcm('with a line break', 'abc:APA91b\r\nx-evil: 1'),
  fcm('with a quote', 'abc","topic":"all'),
  fcm('with a backslash', 'abc\\u0022'),
  fcm('of Korean letters', '토큰'.repeat(20)),
  fcm('of 4,097 characters', 'x'.repeat(4097)),
  fcm('of 200,000 characters', 'x'.repeat(200_000)),
  ['FCM token: a subscription', { provider: 'fcm', token: { endpoint: ENDPOINT, keys: GOOD_KEYS } }, invalid('token')],
  apns('not hexadecimal', 'z'.repeat(64)),
  apns('with spaces and brackets, as old code prints it', `<${'ab12cd34 '.repeat(8).trim()}>`),
  apns('of an odd length', 'a'.repeat(63)),
  apns('of 202 digits', 'a'.repeat(202)),
  apns('with a path in it', `../../3/device/${'a'.repeat(32)}`),
  apns('with a header in it', `${'a'.repeat(64)}\r\napns-topic: evil`),
  apns('an object', { toString: 'a'.repeat(64) }),
  ['Web Push token: a string', { provider: 'webpush', token: ENDPOINT }, invalid('token')],
  [
    'Web Push token: an unknown field',
    { provider: 'webpush', token: { endpoint: ENDPOINT, keys: GOOD_KEYS, contentEncoding: 'aesgcm' } },
    invalid('token.contentEncoding'),
  ],
  ['Web Push token: no endpoint', { provider: 'webpush', token: { keys: GOOD_KEYS } }, invalid('token.endpoint')],
  keys('missing', undefined, 'token.keys.p256dh'),
  keys('a string', 'p256dh', 'token.keys.p256dh'),
  keys('an array', [GOOD_KEYS.p256dh, AUTH], 'token.keys.auth'),
  keys('with a third', { ...GOOD_KEYS, extra: 'x' }, 'token.keys.extra'),
  p256dh('missing', undefined),
  p256dh('not base64', '!'.repeat(87)),
  p256dh('a point beside the curve', changed(point(), 64, (point()[64] ?? 0) ^ 1)),
  p256dh('the origin', Buffer.concat([Buffer.of(4), Buffer.alloc(64)]).toString('base64url')),
  p256dh('beyond the field', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 0xff)]).toString('base64url')),
  p256dh('compressed', Buffer.concat([Buffer.of(2), point().subarray(1, 33)]).toString('base64url')),
  p256dh('with another first byte', changed(point(), 0, 6)),
  p256dh('a byte short', point().subarray(0, 64).toString('base64url')),
  p256dh('a byte long', Buffer.concat([point(), Buffer.of(0)]).toString('base64url')),
  p256dh('on another curve', otherCurve('P-384')),
  p256dh('on secp256k1', otherCurve('secp256k1')),
  p256dh('a number', 4),
  auth('missing', undefined),
  auth('of 15 bytes', randomBytes(15).toString('base64url')),
  auth('of 17 bytes', randomBytes(17).toString('base64url')),
  auth('empty', ''),
  auth('null', null),
  auth('not base64', '{}{}{}{}{}{}{}{}{}{}{}'),
  [
    'environment for FCM',
    { provider: 'fcm', token: 'abc:APA91b', environment: 'sandbox' },
    { code: 'invalid_request', path: 'environment' },
  ],
  [
    'VAPID key for APNs',
    { provider: 'apns', token: 'ab'.repeat(32), vapidPublicKey: GOOD_KEYS.p256dh },
    { code: 'invalid_request', path: 'vapidPublicKey' },
  ],
  [
    'VAPID key beside the curve',
    {
      provider: 'webpush',
      token: { endpoint: ENDPOINT, keys: GOOD_KEYS },
      vapidPublicKey: changed(point(), 64, (point()[64] ?? 0) ^ 1),
    },
    invalid('vapidPublicKey'),
  ],
  ['a locale that is none', { provider: 'fcm', token: 'abc:APA91b', locale: 'not_a_locale!' }, { path: 'locale' }],
  [
    'a time zone that is none',
    { provider: 'fcm', token: 'abc:APA91b', timeZone: 'Mars/Olympus' },
    { path: 'timeZone' },
  ],
  ['an offset as time zone', { provider: 'fcm', token: 'abc:APA91b', timeZone: '+09:00' }, { path: 'timeZone' }],
  [
    '51 tags',
    {
      provider: 'fcm',
      token: 'abc:APA91b',
      tags: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`t${i}`, ''])),
    },
    { path: 'tags' },
  ],
];

function otherCurve(namedCurve: string): string {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve });
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-65).toString('base64url');
}

/** Where a subscription may not lead: every spelling that some parser takes for something else (SSRF). */
const ENDPOINTS: unknown[] = [
  'http://fcm.googleapis.com/fcm/send/x',
  'http://127.0.0.1/',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://127.0.1/x',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0x7f.0.0.1/',
  'https://0177.0.0.1/',
  'https://0/',
  'https://0.0.0.0/',
  'https://[::1]/',
  'https://[::]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[fe80::1%25eth0]/',
  'https://localhost/',
  'https://localhost:6379/',
  'https://localhost.localdomain/',
  'https://10.0.0.1/',
  'https://192.168.1.1/',
  'https://172.16.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://[fd00:ec2::254]/latest/meta-data/',
  'https://metadata.google.internal/computeMetadata/v1/',
  'https://100.100.100.200/',
  'https://8.8.8.8/',
  'https://example.com/push',
  'https://user:secret@fcm.googleapis.com/x',
  'https://user@fcm.googleapis.com/x',
  'https://:@fcm.googleapis.com@example.com/x',
  'https://fcm.googleapis.com@example.com/x',
  'https://fcm.googleapis.com:443@example.com/x',
  'https://fcm.googleapis.com%40example.com/x',
  'https://example.com\\@fcm.googleapis.com/x',
  'https://fcm.googleapis.com\\.example.com/x',
  'https://fcm.googleapis.com:8443/x',
  'https://fcm.googleapis.com:80/x',
  'https://fcm.googleapis.com:22/x',
  'https://fcm.googleapis.com:99999/x',
  'https://fcm.googleapis.com.example.com/x',
  'https://fcm.googleapis.com%2eexample.com/x',
  'https://evilfcm.googleapis.com/x',
  'https://fcm-googleapis.com/x',
  'https://googleapis.com/x',
  'https://storage.googleapis.com/x',
  'https://fcm.googleapis.com./x',
  'https://fcm.googleapis.co/x',
  'https://push.services.mozilla.com/x',
  'https://evilpush.services.mozilla.com/x',
  'https://evilnotify.windows.com/x',
  'https://push.apple.com.example.com/x',
  'https://web.push.apple.com:8443/x',
  'https://ƒcm.googleapis.com/x',
  'https://fcm。googleapis。com/x',
  'https://ｆｃｍ.googleapis.com/x',
  'https://example.com/?https://fcm.googleapis.com/x',
  'https://example.com/#https://fcm.googleapis.com/x',
  'https://example.com/fcm.googleapis.com',
  'https://fcm.googleapis.com/x#fragment',
  'https://fcm.googleapis.com/x\r\nhost: example.com',
  'https://fcm.googleapis.com/x\tx',
  ' https://fcm.googleapis.com/x',
  'https://fcm.googleapis.com/x y',
  'https://',
  'https:///x',
  'https://?x',
  '//fcm.googleapis.com/x',
  'fcm.googleapis.com/x',
  '/fcm/send/x',
  'file:///etc/passwd',
  'ftp://fcm.googleapis.com/x',
  'gopher://127.0.0.1:6379/_FLUSHALL',
  'dict://127.0.0.1:6379/info',
  'unix:///var/run/docker.sock',
  'ws://fcm.googleapis.com/x',
  'javascript:alert(1)',
  'data:text/plain,x',
  'blob:https://fcm.googleapis.com/x',
  'about:blank',
  '',
  '\0',
  `https://fcm.googleapis.com/${'x'.repeat(2048)}`,
  42,
  null,
  [ENDPOINT],
  { href: ENDPOINT },
];

export const ENDPOINT_CASES: DeviceCase[] = ENDPOINTS.map((endpoint) => [
  `endpoint ${String(JSON.stringify(endpoint)).slice(0, 70)}`,
  { provider: 'webpush', token: { endpoint, keys: GOOD_KEYS } },
  // U+0000 is refused wherever it is, before anybody looks at what it is for.
  { status: 400, path: 'token.endpoint', ...(endpoint === '\0' ? {} : { code: 'invalid_token' }) },
]);

/** The controls: the same requests with nothing wrong in them, or with what is only spelt differently. */
export const GOOD_DEVICES: [name: string, body: Record<string, unknown>][] = [
  ['a usual subscription', { provider: 'webpush', token: { endpoint: ENDPOINT, keys: GOOD_KEYS } }],
  [
    'as the browser gives it',
    { provider: 'webpush', token: { endpoint: `${ENDPOINT}-2`, expirationTime: null, keys: GOOD_KEYS } },
  ],
  [
    'a host in capitals',
    { provider: 'webpush', token: { endpoint: 'https://FCM.googleapis.com:443/x', keys: GOOD_KEYS } },
  ],
  [
    'keys in standard base64',
    {
      provider: 'webpush',
      token: {
        endpoint: `${ENDPOINT}-3`,
        keys: { p256dh: point().toString('base64'), auth: Buffer.from(AUTH, 'base64url').toString('base64') },
      },
    },
  ],
];
