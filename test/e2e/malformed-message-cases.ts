import type { Refusal } from './malformed-support.js';

/** A part of a body for `POST /v1/notifications`, and what must be said about it. */
export type MessageCase = [
  name: string,
  body: { content?: object; options?: object; overrides?: object },
  refusal: Refusal,
];

const refused = (path: string, message?: RegExp): Refusal => ({
  status: 422,
  code: 'message_invalid',
  path,
  ...(message && { message }),
});
const invalid = (path: string): Refusal => ({ status: 400, code: 'invalid_request', path });

const data = (name: string, given: object, path: string): MessageCase => [
  `data: ${name}`,
  { content: { data: given } },
  refused(path),
];
const fcm = (name: string, given: object, path: string): MessageCase => [
  `FCM override: ${name}`,
  { overrides: { fcm: given } },
  refused(`overrides.fcm${path}`),
];
const apnsHeader = (header: string, value: unknown): MessageCase => [
  `APNs header ${header}: ${JSON.stringify(value)}`.slice(0, 90),
  { overrides: { apns: { headers: { [header]: value } } } },
  refused(`overrides.apns.headers.${header.toLowerCase()}`),
];
const webHeader = (header: string, value: unknown): MessageCase => [
  `Web Push header ${header}: ${JSON.stringify(value)}`.slice(0, 90),
  { overrides: { webpush: { headers: { [header]: value } } } },
  refused(`overrides.webpush.headers.${header.toLowerCase()}`),
];

const SPLIT = 'x\r\nx-evil: 1';

export const MESSAGE_CASES: MessageCase[] = [
  ['nothing to say', { content: {} }, invalid('content')],
  ['a sound alone', { content: { sound: 'ping' } }, invalid('content')],
  ['an image that is no URL', { content: { title: 'x', imageUrl: 'cat.png' } }, invalid('content.imageUrl')],
  ['an image from a file', { content: { title: 'x', imageUrl: 'file:///etc/passwd' } }, invalid('content.imageUrl')],
  ['a link that runs', { content: { title: 'x', clickUrl: 'javascript:alert(1)' } }, invalid('content.clickUrl')],
  [
    'a link that runs, in disguise',
    { content: { title: 'x', clickUrl: ' java\tscript:alert(1)' } },
    invalid('content.clickUrl'),
  ],
  [
    'a link that is a page',
    { content: { title: 'x', clickUrl: 'data:text/html,<script>' } },
    invalid('content.clickUrl'),
  ],
  [
    '101 data keys',
    { content: { data: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, ''])) } },
    invalid('content.data'),
  ],
  ['a collapse key of 65 bytes', { options: { collapseKey: `${'가'.repeat(21)}xx` } }, invalid('options.collapseKey')],
  ['a time that is too far away', { options: { sendAt: '2999-01-01T00:00:00Z' } }, invalid('options.sendAt')],
  data('our own key', { carillonNotificationId: 'x' }, 'content.data.carillonNotificationId'),
  data('a key of FCM', { from: 'x' }, 'content.data.from'),
  data('another key of FCM', { 'google.c.a.e': 'x' }, 'content.data.google.c.a.e'),
  data('the key of APNs', { aps: '{}' }, 'content.data.aps'),
  ...['token', 'topic', 'condition', 'fid'].map((target) =>
    fcm(`another target: ${target}`, { [target]: 'x' }, `.${target}`),
  ),
  fcm('an unknown field', { notifications: {} }, '.notifications'),
  fcm('a text for android', { android: 'high' }, '.android'),
  fcm('a number in data', { data: { k: 1 } }, '.data.k'),
  fcm('our key in data', { data: { carillonNotificationId: 'x' } }, '.data.carillonNotificationId'),
  fcm('a number in a header', { webpush: { headers: { Topic: 1 } } }, '.webpush.headers.Topic'),
  fcm('a ttl that is none', { android: { ttl: 'soon' } }, '.android.ttl'),
  fcm('a ttl that is too long', { android: { ttl: '9999999s' } }, '.android.ttl'),
  ['APNs override: an unknown part', { overrides: { apns: { topic: 'x' } } }, refused('overrides.apns.topic')],
  ['APNs override: a text as payload', { overrides: { apns: { payload: 'x' } } }, refused('overrides.apns.payload')],
  [
    'APNs override: our key',
    { overrides: { apns: { payload: { carillonNotificationId: 'x' } } } },
    refused('overrides.apns.payload.carillonNotificationId'),
  ],
  apnsHeader('apns-topic', 'com.example.other'),
  apnsHeader('APNS-TOPIC', 'com.example.other'),
  apnsHeader('apns-id', '00000000-0000-4000-8000-000000000000'),
  apnsHeader('authorization', 'bearer x'),
  apnsHeader(':path', '/3/device/evil'),
  apnsHeader('host', 'evil'),
  apnsHeader('apns-collapse-id', SPLIT),
  apnsHeader('apns-collapse-id', 'x'.repeat(65)),
  apnsHeader('apns-priority', SPLIT),
  apnsHeader('apns-priority', 7),
  apnsHeader('apns-push-type', 'constructor'),
  apnsHeader('apns-push-type', 'mdm'),
  apnsHeader('apns-expiration', 'tomorrow'),
  apnsHeader('apns-topic-suffix', '.voip\r\nx: y'),
  apnsHeader('apns-topic-suffix', 'evil'),
  [
    'Web Push override: an unknown part',
    { overrides: { webpush: { endpoint: 'https://x' } } },
    refused('overrides.webpush.endpoint'),
  ],
  [
    'Web Push override: our key',
    { overrides: { webpush: { payload: { data: { carillonNotificationId: 'x' } } } } },
    refused('overrides.webpush.payload.data.carillonNotificationId'),
  ],
  webHeader('Authorization', 'vapid t=x, k=y'),
  webHeader('Content-Encoding', 'aesgcm'),
  webHeader('Crypto-Key', 'p256ecdsa=x'),
  webHeader('Content-Length', '0'),
  webHeader('Host', 'evil'),
  webHeader('Topic', SPLIT),
  webHeader('Topic', 'x'.repeat(33)),
  webHeader('Urgency', 'extreme'),
  webHeader('TTL', '-1'),
  webHeader('TTL', '1e3'),
  ...['fcm', 'apns', 'webpush'].flatMap((provider): MessageCase[] => [
    [`override for ${provider}: an array`, { overrides: { [provider]: [] } }, invalid(`overrides.${provider}`)],
    [
      `override for ${provider}: a function's name`,
      { overrides: { [provider]: { constructor: 'x' } } },
      refused(`overrides.${provider}.constructor`),
    ],
  ]),
];

const bytesFor = (name: string): RegExp => new RegExp(`\\b\\d{4,} bytes for ${name}, at most \\d{4}\\b`);

/** Beyond what a provider takes: the answer says how many bytes it is, and how many it may be. */
export const SIZE_CASES: MessageCase[] = [
  { name: 'a long body', content: { body: 'x'.repeat(4_096) } },
  { name: 'three letters in three bytes each', content: { body: '가'.repeat(1_400) } },
  { name: 'emoji', content: { title: 'x', body: '🔔'.repeat(1_050) } },
  { name: 'much data', content: { data: { a: 'x'.repeat(2_000), b: 'x'.repeat(2_100) } } },
  { name: 'quotes, which double in JSON', content: { body: '"'.repeat(2_100) } },
].flatMap(({ name, content }): MessageCase[] => {
  // FCM counts keys and values, not the JSON around them.
  const providers = name.startsWith('quotes') ? ['APNs', 'Web Push'] : ['FCM', 'APNs', 'Web Push'];
  return providers.map((provider) => [`${name}, for ${provider}`, { content }, refused('content', bytesFor(provider))]);
});
