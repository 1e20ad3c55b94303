import { createCipheriv, createECDH, createPrivateKey, hkdfSync, randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import webpush, { type PushSubscription, type RequestOptions, type WebPushError } from 'web-push';
import { decrypt, parseEncryptedBody } from '../../src/simulator/ece.js';
import { type H2Answer, signJwt, TestSimulator } from './simulator-support.js';

const PROFILES = ['fcm', 'mozilla', 'apple', 'wns'] as const;
type Profile = (typeof PROFILES)[number];

let simulator: TestSimulator;
let agent: Agent;

beforeAll(async () => {
  simulator = await TestSimulator.start();
  agent = new Agent({ ca: simulator.urls.ca, keepAlive: true });
});
beforeEach(() => simulator.reset());
afterAll(async () => {
  agent.destroy();
  await simulator.stop();
});

function subscribe(profile: Profile, more: object = {}): Promise<PushSubscription> {
  return simulator.control('POST', '/__subscribe', { profile, ...more });
}

/** Status and body of what web-push was answered. */
async function answerTo(subscription: PushSubscription, options: RequestOptions = {}): Promise<[number, string]> {
  const vapidDetails = simulator.setup.webpush.vapid;
  return webpush
    .sendNotification(subscription, '{"data":{"carillonNotificationId":"n-1"}}', {
      vapidDetails,
      TTL: 60,
      agent,
      ...options,
    })
    .then(
      ({ statusCode, body }) => [statusCode, body],
      (error: WebPushError) => [error.statusCode, error.body],
    );
}

describe('web-push, unmodified, against the simulator', () => {
  it.each(PROFILES)('sends to %s, and the simulator has the plaintext', async (profile) => {
    const subscription = await subscribe(profile, { vapidKey: simulator.setup.webpush.vapid.publicKey });
    expect(await answerTo(subscription, { topic: 't', urgency: 'high' })).toEqual([201, '']);
    const [message] = await simulator.messages('?provider=webpush');
    expect(message).toMatchObject({ notificationKey: 'n-1', body: { data: { carillonNotificationId: 'n-1' } } });
    expect(subscription.endpoint.endsWith(message?.target ?? '?')).toBe(true);
    expect(await simulator.violations()).toEqual([]);
  });

  it.each([
    ['fcm', '410', 410, 'push subscription has unsubscribed or expired.'],
    ['fcm', 'gone', 404, 'push subscription has unsubscribed or expired.'],
    ['mozilla', '410', 410, '"errno":106'],
    ['mozilla', '404', 404, '"errno":102'],
    ['mozilla', '503', 503, '"errno":201'],
    ['apple', '410', 410, '{"reason":"Unregistered"}'],
    ['apple', 'vapid-mismatch', 400, '{"reason":"VapidPkHashMismatch"}'],
    ['fcm', 'vapid-mismatch', 403, 'the VAPID credentials in the authorization header do not correspond'],
    ['fcm', '413', 413, 'error 413'],
    ['wns', '406-ra900', 406, ''],
    ['apple', '429-ra5', 429, '{"reason":"TooManyRequests"}'],
    ['fcm', '500', 500, 'error 500'],
    ['fcm', 'redirect', 307, ''],
  ] as const)('%s subscription that behaves as %s answers %i', async (profile, behaviour, status, body) => {
    const subscription = await subscribe(profile, { behaviour });
    const [answered, text] = await answerTo(subscription);
    expect([answered, text.slice(0, 200)]).toEqual([status, expect.stringContaining(body)]);
    expect((await simulator.control<{ canaryHits: number }>('GET', '/__stats')).canaryHits).toBe(0);
  });

  it('heals after as many failures as the behaviour says', async () => {
    const subscription = await subscribe('fcm', { behaviour: '503x2' });
    const statuses = [await answerTo(subscription), await answerTo(subscription), await answerTo(subscription)];
    expect(statuses.map(([status]) => status)).toEqual([503, 503, 201]);
  });

  it.each([
    ['fcm', 403, 'the VAPID credentials in the authorization header do not correspond'],
    ['mozilla', 401, '"errno":109'],
    ['apple', 400, 'VapidPkHashMismatch'],
    ['wns', 403, ''],
  ] as const)('%s refuses another VAPID key than the subscription was made with', async (profile, status, body) => {
    const subscription = await subscribe(profile, { vapidKey: webpush.generateVAPIDKeys().publicKey });
    const [answered, text] = await answerTo(subscription);
    expect([answered, text]).toEqual([status, expect.stringContaining(body)]);
  });

  it('answers a subscription by its state, and again when it is put back', async () => {
    const subscription = await subscribe('mozilla');
    const id = subscription.endpoint.split('/').at(-1);
    await simulator.control('PUT', `/__targets/${id}`, { state: 'throttled', retryAfterSeconds: 7 });
    expect((await answerTo(subscription))[0]).toBe(429);
    await simulator.control('PUT', `/__targets/${id}`, { state: 'live' });
    expect((await answerTo(subscription))[0]).toBe(201);
  });

  it('makes the same subscriptions again under the same prefix', async () => {
    const order = { profile: 'apple', count: 3, prefix: 'campaign' };
    const first = await simulator.control<{ subscriptions: PushSubscription[] }>('POST', '/__subscribe', order);
    expect(await simulator.control('POST', '/__subscribe', order)).toEqual(first);
    expect(new Set(first.subscriptions.map(({ keys }) => keys.auth)).size).toBe(3);
    for (const subscription of first.subscriptions) expect((await answerTo(subscription))[0]).toBe(201);
    expect(await simulator.violations()).toEqual([]);
  });

  it('notices a message that was encrypted for somebody else, and takes it as a push service would', async () => {
    const [mine, other] = [await subscribe('fcm'), await subscribe('fcm')];
    expect((await answerTo({ endpoint: mine.endpoint, keys: other.keys }))[0]).toBe(201);
    expect(await simulator.violations()).toEqual([expect.stringMatching(/^webpush: undecryptable/)]);
  });
});

describe('what the Web Push simulator insists on', () => {
  const now = (): number => Math.floor(Date.now() / 1000);

  /** A VAPID header; `claims` replace the right ones, `undefined` removes one. */
  function vapid(origin: string, claims: object = {}, form: 'jose' | 'der' = 'jose'): string {
    const { publicKey, privateKey } = simulator.setup.webpush.vapid;
    const raw = Buffer.from(publicKey, 'base64url');
    const key = createPrivateKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'P-256',
        d: privateKey,
        x: raw.subarray(1, 33).toString('base64url'),
        y: raw.subarray(33).toString('base64url'),
      },
    });
    const right = { aud: origin, exp: now() + 3600, sub: 'mailto:push@example.com' };
    const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    return `vapid t=${signJwt({ typ: 'JWT', alg: 'ES256' }, { ...right, ...claims }, pem, form)}, k=${publicKey}`;
  }

  async function post(
    profile: Profile,
    headers: Record<string, string | string[] | undefined> = {},
    body: Buffer = Buffer.alloc(0),
  ): Promise<H2Answer> {
    const origin = simulator.urls.webpush[profile];
    const { endpoint } = await subscribe(profile);
    return simulator.h2(origin, {
      path: endpoint.slice(origin.length),
      headers: { authorization: vapid(origin), ttl: '60', ...headers },
      body,
    });
  }

  it.each([
    ['no TTL', { ttl: undefined }, 400],
    ['a negative TTL', { ttl: '-1' }, 400],
    ['a TTL that is no number', { ttl: 'soon' }, 400],
    ['a topic of 33 characters', { topic: 'x'.repeat(33) }, 400],
    ['a topic with a space', { topic: 'a b' }, 400],
    ['an unknown urgency', { urgency: 'asap' }, 400],
    ['two urgencies', { urgency: ['low', 'high'] }, 400],
  ])('refuses %s', async (_what, headers, status) => {
    for (const profile of PROFILES) expect((await post(profile, headers)).status).toBe(status);
  });

  it('refuses a body without aes128gcm, and one above 4096 bytes', async () => {
    expect((await post('mozilla', {}, Buffer.alloc(200))).text).toContain('"errno":110');
    expect((await post('fcm', { 'content-encoding': 'aesgcm' }, Buffer.alloc(200))).status).toBe(400);
    expect((await post('fcm', { 'content-encoding': 'aes128gcm' }, Buffer.alloc(4097))).status).toBe(413);
    expect((await post('fcm', { 'content-encoding': 'aes128gcm' }, Buffer.alloc(4096))).status).toBe(201);
  });

  it('takes a push without payload', async () => {
    expect((await post('apple')).status).toBe(201);
    expect(await simulator.violations()).toEqual([]);
  });

  it('WNS refuses TTL 0 unless its cache policy says so too', async () => {
    const refused = await post('wns', { ttl: '0' });
    expect([refused.status, refused.headers['x-wns-error-description']]).toEqual([
      400,
      'Ttl value conflicts with X-WNS-Cache-Policy',
    ]);
    expect((await post('wns', { ttl: '0', 'x-wns-cache-policy': 'no-cache' })).status).toBe(201);
    expect((await post('fcm', { ttl: '0' })).status).toBe(201);
  });

  it('Mozilla keeps nothing longer than 30 days and says so', async () => {
    expect((await post('mozilla', { ttl: '9999999' })).headers['ttl']).toBe('2592000');
  });

  type Wrong = (origin: string) => string | undefined;
  const wrong: [string, Wrong, Record<Profile, [number, string]>][] = [
    [
      'no VAPID',
      () => undefined,
      {
        fcm: [401, 'sender is not authenticated.'],
        mozilla: [401, '109'],
        apple: [401, 'BadJwtToken'],
        wns: [401, ''],
      },
    ],
    [
      'another scheme',
      () => 'Bearer x',
      {
        fcm: [403, 'sender is not authenticated.'],
        mozilla: [401, '109'],
        apple: [403, 'BadJwtToken'],
        wns: [403, ''],
      },
    ],
    [
      'a path in aud',
      (origin) => vapid(origin, { aud: `${origin}/` }),
      { fcm: [403, 'invalid aud claim'], mozilla: [401, '109'], apple: [403, 'BadJwtToken'], wns: [403, ''] },
    ],
    [
      'exp as text',
      (origin) => vapid(origin, { exp: String(now() + 60) }),
      { fcm: [403, 'invalid JWT provided'], mozilla: [401, '109'], apple: [403, 'BadJwtToken'], wns: [403, ''] },
    ],
    [
      'no exp',
      (origin) => vapid(origin, { exp: undefined }),
      { fcm: [403, 'exp claim is missing'], mozilla: [401, '109'], apple: [403, 'BadJwtToken'], wns: [403, ''] },
    ],
    [
      'exp in the past',
      (origin) => vapid(origin, { exp: now() - 1 }),
      { fcm: [403, 'token has expired'], mozilla: [401, '109'], apple: [403, 'BadJwtToken'], wns: [401, ''] },
    ],
    [
      'exp 25 hours ahead',
      (origin) => vapid(origin, { exp: now() + 90_000 }),
      {
        fcm: [403, 'exp claim MUST NOT be more than 24 hours'],
        mozilla: [401, '109'],
        apple: [403, 'BadJwtToken'],
        wns: [403, ''],
      },
    ],
    [
      'a DER signature',
      (origin) => vapid(origin, {}, 'der'),
      { fcm: [403, 'invalid JWT provided'], mozilla: [401, '109'], apple: [403, 'BadJwtToken'], wns: [403, ''] },
    ],
    [
      'a short key',
      (origin) => vapid(origin).slice(0, -4),
      {
        fcm: [403, 'public key must be 65 bytes long'],
        mozilla: [401, '109'],
        apple: [403, 'BadJwtToken'],
        wns: [403, ''],
      },
    ],
  ];

  it.each(wrong)('refuses %s, each service in its own words', async (_what, authorization, expected) => {
    for (const profile of PROFILES) {
      const answer = await post(profile, { authorization: authorization(simulator.urls.webpush[profile]) });
      const [status, text] = expected[profile];
      expect([profile, answer.status, answer.text]).toEqual([profile, status, expect.stringContaining(text)]);
    }
  });

  it.each([
    ['no sub', undefined],
    ['a sub at localhost', 'mailto:me@localhost'],
    ['a sub that is no address', 'me'],
  ])('Apple alone refuses %s', async (_what, sub) => {
    const answers = await Promise.all(
      PROFILES.map((profile) => post(profile, { authorization: vapid(simulator.urls.webpush[profile], { sub }) })),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 403, 201]);
  });

  it('reports a salt or an ECDH key that is used twice, and the VAPID key used for encryption', async () => {
    const subscription = await subscribe('fcm');
    const salt = randomBytes(16);
    const sender = createECDH('prime256v1');
    sender.generateKeys();
    const body = encrypt('{}', subscription, sender, salt);
    const origin = simulator.urls.webpush.fcm;
    const request = {
      path: subscription.endpoint.slice(origin.length),
      headers: { authorization: vapid(origin), ttl: '60', 'content-encoding': 'aes128gcm' },
    };
    await simulator.h2(origin, { ...request, body });
    expect(await simulator.violations()).toEqual([]);
    await simulator.h2(origin, { ...request, body });
    expect(await simulator.violations()).toEqual(['webpush: salt used twice', 'webpush: ECDH key used twice']);
    const own = createECDH('prime256v1');
    own.setPrivateKey(Buffer.from(simulator.setup.webpush.vapid.privateKey, 'base64url'));
    await simulator.h2(origin, { ...request, body: encrypt('{}', subscription, own, randomBytes(16)) });
    expect(await simulator.violations()).toContain('webpush: VAPID key used for encryption');
  });
});

describe('RFC 8291, Appendix A', () => {
  it('decrypts the message of the specification', () => {
    const body = Buffer.from(
      'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
      'base64url',
    );
    const publicKey = Buffer.from(
      'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
      'base64url',
    );
    const privateKey = createPrivateKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'P-256',
        d: 'q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94',
        x: publicKey.subarray(1, 33).toString('base64url'),
        y: publicKey.subarray(33).toString('base64url'),
      },
    });
    const encrypted = parseEncryptedBody(body);
    if (typeof encrypted === 'string') throw new Error(encrypted);
    const auth = Buffer.from('BTBZMqHH6r4Tts7J_aSIgg', 'base64url');
    const plaintext = decrypt(encrypted, { privateKey, publicKey, auth });
    expect(plaintext.toString()).toBe('When I grow up, I want to be a watermelon');
  });

  it.each([
    ['a key of another length', (body: Buffer) => body.fill(64, 20, 21), 'idlen is not 65'],
    ['several records', (body: Buffer) => body.fill(0, 16, 20).fill(20, 19, 20), 'more than one record'],
    ['nothing in it', (body: Buffer) => body.subarray(0, 86), 'body is shorter than header, delimiter and tag'],
  ])('refuses a body with %s', (_what, spoil, fault) => {
    const body = Buffer.alloc(200);
    body.writeUInt32BE(4096, 16);
    body[20] = 65;
    expect(parseEncryptedBody(spoil(body))).toBe(fault);
  });
});

/** RFC 8291 as a sender does it, written apart from the simulator's own code. */
function encrypt(
  text: string,
  { keys }: PushSubscription,
  sender: ReturnType<typeof createECDH>,
  salt: Buffer,
): Buffer {
  const receiverKey = Buffer.from(keys.p256dh, 'base64url');
  const shared = sender.computeSecret(receiverKey);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), receiverKey, sender.getPublicKey()]);
  const ikm = Buffer.from(hkdfSync('sha256', shared, Buffer.from(keys.auth, 'base64url'), info, 32));
  const key = Buffer.from(hkdfSync('sha256', ikm, salt, 'Content-Encoding: aes128gcm\0', 16));
  const nonce = Buffer.from(hkdfSync('sha256', ikm, salt, 'Content-Encoding: nonce\0', 12));
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const sealed = [cipher.update(text), cipher.update(Buffer.from([2])), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([salt, Buffer.from([0, 0, 16, 0, 65]), sender.getPublicKey(), ...sealed]);
}
