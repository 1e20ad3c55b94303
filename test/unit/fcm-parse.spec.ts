import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DomainError, type Problem } from '../../src/lib/errors.js';
import { parseServiceAccount } from '../../src/providers/fcm/fcm.auth.js';
import { fcmProblems } from '../../src/providers/fcm/fcm.payload.js';
import type { Message } from '../../src/providers/provider.js';

const pem = (pair: ReturnType<typeof generateKeyPairSync>) =>
  pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const rsa = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const shortRsa = pem(generateKeyPairSync('rsa', { modulusLength: 1024 }));
const ec = pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }));

const account = {
  type: 'service_account',
  project_id: 'demo',
  private_key_id: 'abc123',
  private_key: rsa,
  client_email: 'carillon@demo.iam.gserviceaccount.com',
  client_id: '1',
  token_uri: 'https://oauth2.googleapis.com/token',
  some_new_field: 'of Google',
};

function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError) return error.problems;
    throw error;
  }
  return [];
}

describe('a service account', () => {
  it('is taken as the Firebase console hands it out', () => {
    const parsed = parseServiceAccount({ serviceAccount: account });
    expect(parsed.publicParts).toEqual({
      projectId: 'demo',
      clientEmail: account.client_email,
      privateKeyId: 'abc123',
    });
    expect(JSON.stringify(parsed.publicParts)).not.toContain('PRIVATE KEY');
    expect(parsed.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  it('has Google’s token endpoint when it names none', () => {
    const { token_uri: _, ...rest } = account;
    expect(parseServiceAccount({ serviceAccount: rest }).secret['tokenUri']).toBe(
      'https://oauth2.googleapis.com/token',
    );
  });

  it.each([
    ['nothing', undefined, ['']],
    ['no account', {}, ['serviceAccount.project_id', 'serviceAccount.client_email', 'serviceAccount.private_key']],
    ['a field beside it', { serviceAccount: account, simulated: true }, ['simulated']],
    ['another type', { serviceAccount: { ...account, type: 'authorized_user' } }, ['serviceAccount.type']],
    ['a bad PEM', { serviceAccount: { ...account, private_key: 'no key' } }, ['serviceAccount.private_key']],
    ['a key of another kind', { serviceAccount: { ...account, private_key: ec } }, ['serviceAccount.private_key']],
    ['a short key', { serviceAccount: { ...account, private_key: shortRsa } }, ['serviceAccount.private_key']],
    ['a project with a slash', { serviceAccount: { ...account, project_id: '../x' } }, ['serviceAccount.project_id']],
    [
      'a token endpoint in clear text',
      { serviceAccount: { ...account, token_uri: 'http://example.com/token' } },
      ['serviceAccount.token_uri'],
    ],
    [
      'a token endpoint of another scheme',
      { serviceAccount: { ...account, token_uri: 'file:///etc/passwd' } },
      ['serviceAccount.token_uri'],
    ],
  ])('refused by name: %s', (_name, input, paths) => {
    const problems = problemsOf(() => parseServiceAccount(input));
    expect(problems.map(({ path }) => path)).toEqual(expect.arrayContaining(paths));
    expect(JSON.stringify(problems)).not.toContain('PRIVATE');
  });
});

const message = (over: Partial<Message>): Message => ({
  notificationId: 'a0000000-0000-7000-8000-000000000001',
  content: { title: 'Hello' },
  priority: 'high',
  ttlSeconds: 60,
  ...over,
});

describe('what FCM would refuse is found first', () => {
  it.each<[string, Partial<Message>, string[]]>([
    [
      'another target',
      { overrides: { token: 't', topic: 'x', condition: 'c', fid: 'f' } },
      ['token', 'topic', 'condition', 'fid'],
    ],
    ['an unknown field', { overrides: { androidd: {} } }, ['androidd']],
    ['overrides of another kind', { overrides: 'no' }, ['']],
    ['a part of another kind', { overrides: { android: 'no' } }, ['android']],
    ['data that is no text', { overrides: { data: { n: 1 } } }, ['data.n']],
    ['data of Android that is no text', { overrides: { android: { data: { n: 1 } } } }, ['android.data.n']],
    ['our own data key', { overrides: { data: { carillonNotificationId: 'x' } } }, ['data.carillonNotificationId']],
    ['a TTL without unit', { overrides: { android: { ttl: '60' } } }, ['android.ttl']],
    ['a TTL beyond 28 days', { overrides: { android: { ttl: '2419201s' } } }, ['android.ttl']],
    [
      'an expiration that is no time',
      { overrides: { apns: { headers: { 'apns-expiration': 'soon' } } } },
      ['apns.headers.apns-expiration'],
    ],
    ['a header that is no text', { overrides: { webpush: { headers: { Urgency: 1 } } } }, ['webpush.headers.Urgency']],
  ])('%s', (_name, over, paths) => {
    expect(fcmProblems(message(over)).map(({ path }) => path)).toEqual(
      expect.arrayContaining(paths.map((path) => ['overrides.fcm', path].filter(Boolean).join('.'))),
    );
  });

  it.each(['from', 'message_type', 'google.x', 'googlex', 'gcm.y', 'gcmy'])('the reserved data key %s', (key) => {
    expect(fcmProblems(message({ content: { data: { [key]: 'v' } } }))).toEqual([
      { path: `content.data.${key}`, message: 'FCM reserves this key' },
    ]);
  });

  it('an image that is no URL, in firebase-admin’s words', () => {
    expect(fcmProblems(message({ content: { imageUrl: 'nope' } }))).toEqual([
      { path: 'content.imageUrl', message: expect.stringContaining('valid URL') },
    ]);
  });

  it('our own data keys, in every provider', () => {
    expect(fcmProblems(message({ content: { data: { carillonNotificationId: 'x' } } }))).toEqual([
      { path: 'content.data.carillonNotificationId', message: 'reserved: Carillon sets it' },
    ]);
  });
});
