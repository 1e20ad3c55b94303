import { createECDH, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DomainError, type Problem } from '../../src/lib/errors.js';
import type { Message } from '../../src/providers/provider.js';
import { parseVapidCredential } from '../../src/providers/webpush/webpush.auth.js';
import { checkEndpoint, type EndpointRules } from '../../src/providers/webpush/webpush.endpoint.js';
import { webpushProblems } from '../../src/providers/webpush/webpush.payload.js';
import { parseSubscription } from '../../src/providers/webpush/webpush.token.js';

function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError) return error.problems;
    throw error;
  }
  return [];
}

const rules = (over: Partial<EndpointRules> = {}): EndpointRules => ({
  allowedHosts: [],
  allowInsecure: false,
  isSimulated: () => false,
  ...over,
});

function pair(): { publicKey: Buffer; privateKey: Buffer } {
  const curve = createECDH('prime256v1');
  const publicKey = curve.generateKeys();
  const scalar = curve.getPrivateKey();
  return { publicKey, privateKey: Buffer.concat([Buffer.alloc(32 - scalar.length), scalar]) };
}

describe('endpoints', () => {
  it.each([
    'https://fcm.googleapis.com/fcm/send/abc:def',
    'https://fcm.googleapis.com:443/wp/abc',
    'https://android.googleapis.com/gcm/send/abc',
    'https://updates.push.services.mozilla.com/wpush/v2/abc',
    'https://web.push.apple.com/QGuQyavXutnMH',
    'https://wns2-par02p.notify.windows.com/w/?token=BQYAAAB%2bE',
  ])('a push service: %s', (endpoint) => {
    expect(checkEndpoint(endpoint, rules())).toMatchObject({ class: 'service' });
  });

  it.each([
    'http://fcm.googleapis.com/fcm/send/abc',
    'https://fcm.googleapis.com:8443/fcm/send/abc',
    'https://fcm.googleapis.com.evil.tld/fcm/send/abc',
    'https://evil-push.apple.com.attacker.tld/x',
    'https://evilpush.apple.com/x',
    'https://push.apple.com.evil.tld/x',
    'https://user:password@fcm.googleapis.com/x',
    'https://fcm.googleapis.com@evil.tld/x',
    'https://fcm.googleapis.com\\@evil.tld/x',
    'https://evil.tld\\.push.apple.com/x',
    'https://fcm.googleapis.com/x#fragment',
    'https://fcm.googleapis.com/x#',
    'https://fcm.googleapis.com/a b',
    'https://fcm.googleapis.com/\n',
    'https://fcm.googleapis.com./x',
    'https://ｆcm.googleapis.com/x',
    'https://127.0.0.1/x',
    'https://2130706433/x',
    'https://0x7f.1/x',
    'https://[::ffff:127.0.0.1]/x',
    'https://169.254.169.254/latest/meta-data/',
    'https://metadata.google.internal/x',
    'https://localhost/x',
    'ftp://fcm.googleapis.com/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//fcm.googleapis.com/x',
    'fcm.googleapis.com/x',
    '',
    `https://fcm.googleapis.com/${'x'.repeat(2048)}`,
    undefined,
    42,
  ])('refused: %s', (endpoint) => {
    expect(checkEndpoint(endpoint, rules())).toEqual({ refused: expect.any(String) });
  });

  it.each<[string, string, Partial<EndpointRules>, string | undefined]>([
    ['a suffix', 'https://a.push.example/x', { allowedHosts: ['push.example'] }, 'added'],
    ['a suffix itself', 'https://push.example/x', { allowedHosts: ['.push.example'] }, 'added'],
    ['not on a label boundary', 'https://evilpush.example/x', { allowedHosts: ['push.example'] }, undefined],
    ['a suffix, other port', 'https://push.example:8443/x', { allowedHosts: ['push.example'] }, undefined],
    ['an exact host and port', 'https://push.example:8443/x', { allowedHosts: ['push.example:8443'] }, 'explicit'],
    ['an exact loopback', 'https://127.0.0.1:9443/x', { allowedHosts: ['127.0.0.1:9443'] }, 'explicit'],
    ['another port than the exact one', 'https://127.0.0.1:9444/x', { allowedHosts: ['127.0.0.1:9443'] }, undefined],
    ['exact, but http', 'http://127.0.0.1:9443/x', { allowedHosts: ['127.0.0.1:9443'] }, undefined],
    ['insecure: http and loopback', 'http://127.0.0.1:9443/x', { allowInsecure: true }, 'explicit'],
    [
      'insecure: any port below a suffix',
      'http://push.example:81/x',
      { allowInsecure: true, allowedHosts: ['push.example'] },
      'added',
    ],
    ['insecure opens nothing else', 'http://10.0.0.1/x', { allowInsecure: true }, undefined],
    ['insecure leaves the push services alone', 'http://fcm.googleapis.com/x', { allowInsecure: true }, undefined],
    [
      'a simulator',
      'https://127.0.0.1:4001/x',
      { isSimulated: (origin) => origin === 'https://127.0.0.1:4001' },
      'simulated',
    ],
    [
      'beside a simulator',
      'https://127.0.0.1:4002/x',
      { isSimulated: (origin) => origin === 'https://127.0.0.1:4001' },
      undefined,
    ],
  ])('%s', (_name, endpoint, over, expected) => {
    const checked = checkEndpoint(endpoint, rules(over));
    expect('class' in checked ? checked.class : undefined).toBe(expected);
  });
});

describe('a subscription', () => {
  const p256dh = pair().publicKey;
  const auth = Buffer.alloc(16, 0xfb);
  const endpoint = 'https://fcm.googleapis.com/fcm/send/abc';
  const subscription = { endpoint, keys: { p256dh: p256dh.toString('base64url'), auth: auth.toString('base64url') } };

  it('is stored alike however its keys were written', () => {
    const forms = [
      subscription,
      { ...subscription, expirationTime: null },
      { endpoint, keys: { p256dh: p256dh.toString('base64'), auth: auth.toString('base64') } },
      { endpoint: 'https://FCM.googleapis.com:443/fcm/send/abc', keys: subscription.keys },
    ].map((form) => parseSubscription(form, undefined, rules()));
    expect(new Set(forms.map(({ token }) => token)).size).toBe(1);
    expect(forms[0]?.identity).toBe(endpoint);
  });

  it('keeps the VAPID key that it was made with', () => {
    const key = pair().publicKey;
    const parsed = parseSubscription(subscription, key.toString('base64'), rules());
    expect(parsed.vapidPublicKey).toBe(key.toString('base64url'));
  });

  const offCurve = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]);
  it.each<[string, unknown, string[]]>([
    ['a string', 'token', ['token', 'token.endpoint', 'token.keys.p256dh', 'token.keys.auth']],
    ['an unknown field', { ...subscription, id: 1 }, ['token.id']],
    ['an endpoint elsewhere', { ...subscription, endpoint: 'https://example.com/' }, ['token.endpoint']],
    [
      'a point off the curve',
      { endpoint, keys: { ...subscription.keys, p256dh: offCurve.toString('base64url') } },
      ['token.keys.p256dh'],
    ],
    [
      'a short point',
      { endpoint, keys: { ...subscription.keys, p256dh: p256dh.subarray(1).toString('base64url') } },
      ['token.keys.p256dh'],
    ],
    [
      'an auth of 15 bytes',
      { endpoint, keys: { ...subscription.keys, auth: randomBytes(15).toString('base64url') } },
      ['token.keys.auth'],
    ],
    [
      'an auth of 17 bytes',
      { endpoint, keys: { ...subscription.keys, auth: randomBytes(17).toString('base64url') } },
      ['token.keys.auth'],
    ],
    [
      'an auth that is no base64',
      { endpoint, keys: { ...subscription.keys, auth: '!'.repeat(22) } },
      ['token.keys.auth'],
    ],
  ])('refused by name: %s', (_name, input, paths) => {
    expect(problemsOf(() => parseSubscription(input, undefined, rules())).map(({ path }) => path)).toEqual(paths);
  });

  it('a VAPID key that is none', () => {
    expect(problemsOf(() => parseSubscription(subscription, 'abc', rules()))).toEqual([
      { path: 'vapidPublicKey', message: expect.any(String) },
    ]);
  });
});

describe('a VAPID credential', () => {
  const { publicKey, privateKey } = pair();
  const given = {
    subject: 'mailto:push@example.com',
    publicKey: publicKey.toString('base64url'),
    privateKey: privateKey.toString('base64url'),
  };

  it('a pair, and its public half', () => {
    expect(parseVapidCredential(given).publicParts).toEqual({ subject: given.subject, publicKey: given.publicKey });
  });

  it('generated: a pair that would be accepted', () => {
    const { secret } = parseVapidCredential({ subject: 'https://example.com/contact', generate: true });
    expect(problemsOf(() => parseVapidCredential(secret))).toEqual([]);
  });

  it.each<[string, unknown, string[]]>([
    ['nothing', undefined, ['']],
    ['no subject', { ...given, subject: undefined }, ['subject']],
    ['a subject that is no URL', { ...given, subject: 'push@example.com' }, ['subject']],
    ['a subject at localhost, which Apple refuses', { ...given, subject: 'mailto:push@localhost' }, ['subject']],
    ['a subject of another scheme', { ...given, subject: 'http://example.com' }, ['subject']],
    ['another private key', { ...given, privateKey: pair().privateKey.toString('base64url') }, ['publicKey']],
    ['a short private key', { ...given, privateKey: privateKey.subarray(1).toString('base64url') }, ['privateKey']],
    ['a PEM', { ...given, privateKey: '-----BEGIN PRIVATE KEY-----' }, ['privateKey']],
    ['keys beside generate', { ...given, generate: true }, ['publicKey', 'privateKey']],
    ['generate: false', { subject: given.subject, generate: false }, ['generate']],
    ['an unknown field', { ...given, simulated: true }, ['simulated']],
  ])('refused by name: %s', (_name, input, paths) => {
    const problems = problemsOf(() => parseVapidCredential(input));
    expect(problems.map(({ path }) => path)).toEqual(expect.arrayContaining(paths));
  });
});

const message = (overrides: unknown): Message => ({
  notificationId: 'a0000000-0000-7000-8000-000000000001',
  content: { title: 'Hello' },
  priority: 'high',
  ttlSeconds: 60,
  overrides,
});

describe('what a push service would refuse is found first', () => {
  it.each<[string, unknown, string[]]>([
    [
      'a header that is ours',
      { headers: { Authorization: 'x', 'Content-Encoding': 'y' } },
      ['headers.authorization', 'headers.content-encoding'],
    ],
    ['an unknown urgency', { headers: { Urgency: 'now' } }, ['headers.urgency']],
    ['a topic of 33 characters', { headers: { Topic: 'x'.repeat(33) } }, ['headers.topic']],
    ['a topic outside the alphabet', { headers: { Topic: 'a/b' } }, ['headers.topic']],
    ['a TTL below zero', { headers: { TTL: '-1' } }, ['headers.ttl']],
    ['an unknown part', { notification: {} }, ['notification']],
    ['our own key', { payload: { data: { carillonNotificationId: 'x' } } }, ['payload.data.carillonNotificationId']],
  ])('%s', (_name, overrides, paths) => {
    expect(webpushProblems(message(overrides)).map(({ path }) => path)).toEqual(
      paths.map((path) => `overrides.webpush.${path}`),
    );
  });
});
