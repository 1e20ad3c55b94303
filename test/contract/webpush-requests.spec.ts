import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../src/providers/provider.js';
import { ProviderBench } from './providers-support.js';

const HOUR_MS = 3_600_000;

let bench: ProviderBench;
let credential: Credential;

beforeAll(async () => {
  bench = await ProviderBench.start();
  credential = bench.credential('webpush', bench.simulator.setup.webpush.vapid);
});
beforeEach(async () => {
  await bench.simulator.reset();
  await advanceTo(0);
});
afterAll(() => bench.stop());

async function advanceTo(offsetMs: number): Promise<void> {
  bench.clock.offsetMs = offsetMs;
  await bench.simulator.control('POST', '/__clock', { offsetMs });
}

async function subscribe(profile: string, vapidKey = credential.publicParts['publicKey']): Promise<string> {
  const subscription = await bench.simulator.control('POST', '/__subscribe', { profile, vapidKey });
  return bench.provider('webpush').parseToken(subscription, {}).token;
}

const vapid = async () => {
  const { vapid } = await bench.simulator.control<{ vapid: { requests: number; distinctTokens: number } }>(
    'GET',
    '/__stats',
  );
  return vapid;
};
const recorded = async () => (await bench.simulator.messages('?provider=webpush'))[0]?.headers ?? {};
const generated = () => bench.credential('webpush', { subject: 'mailto:push@example.com', generate: true });

describe('what goes to a push service', () => {
  it('TTL, urgency and topic', async () => {
    await bench.send(credential, await subscribe('fcm'), {
      timing: { ttlSeconds: 77 },
      message: { collapseKey: '채팅 1' },
    });
    expect(await recorded()).toMatchObject({
      ttl: '77',
      urgency: 'high',
      topic: expect.stringMatching(/^[A-Za-z0-9_-]{32}$/),
      'content-encoding': 'aes128gcm',
    });
  });

  it('a repeat has the same topic, another notification another', async () => {
    const token = await subscribe('fcm');
    const one = { notificationId: 'a0000000-0000-7000-8000-000000000001' };
    const two = { notificationId: 'a0000000-0000-7000-8000-000000000002' };
    for (const message of [one, one, two]) await bench.send(credential, token, { message });
    const topics = (await bench.simulator.messages()).map(({ headers }) => headers?.['topic']);
    expect(topics[1]).toBe(topics[0]);
    expect(topics[2]).not.toBe(topics[0]);
  });

  it('overrides: headers in either case, and the payload', async () => {
    const overrides = {
      headers: { Urgency: 'low', topic: 'mine', TTL: '5' },
      payload: { actions: ['a'], data: { x: 1 } },
    };
    await bench.send(credential, await subscribe('fcm'), { message: { overrides } });
    expect(await recorded()).toMatchObject({ urgency: 'low', topic: 'mine', ttl: '5' });
    const [message] = await bench.simulator.messages();
    expect(message?.body).toMatchObject({ actions: ['a'], data: { x: 1, carillonNotificationId: expect.any(String) } });
  });

  it('now or never works at WNS too, whose token in the query is kept', async () => {
    expect(await bench.send(credential, await subscribe('wns'), { timing: { ttlSeconds: 0 } })).toMatchObject({
      kind: 'accepted',
    });
    expect(await recorded()).toMatchObject({ ttl: '0', 'x-wns-cache-policy': 'no-cache' });
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('exactly 3993 bytes fit, and one more is refused before it is sent', async () => {
    const of = (bytes: number) => {
      const content = { data: { k: '' } };
      const message = {
        notificationId: 'a0000000-0000-7000-8000-000000000001',
        content,
        priority: 'high',
        ttlSeconds: 1,
      } as const;
      const empty = bench.provider('webpush').preview(message, credential).payloadBytes;
      return { ...message, content: { data: { k: 'x'.repeat(bytes - empty) } } };
    };
    expect(bench.provider('webpush').check(of(3993))).toEqual([]);
    expect(bench.provider('webpush').check(of(3994))).toEqual([
      { path: 'content', message: '3994 bytes for Web Push, at most 3993' },
    ]);
    expect(await bench.send(credential, await subscribe('mozilla'), { message: of(3993) })).toMatchObject({
      kind: 'accepted',
    });
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('a key pair and a salt of its own for every message, one VAPID token for all of one service', async () => {
    const tokens = await Promise.all(Array.from({ length: 40 }, () => subscribe('mozilla')));
    await bench.sendMany(credential, tokens);
    expect(await bench.simulator.violations()).toEqual([]);
    expect(await vapid()).toEqual({ requests: 40, distinctTokens: 1 });
    await bench.send(credential, await subscribe('apple'));
    expect(await vapid()).toEqual({ requests: 41, distinctTokens: 2 });
  });
});

describe('VAPID', () => {
  it('a token lasts 12 hours at most and is made anew before that', async () => {
    const token = await subscribe('fcm');
    await bench.send(credential, token);
    const [, jwt = ''] = /t=([^,]+)/.exec((await recorded())['authorization'] ?? '') ?? [];
    const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
    expect(claims.aud).toBe(bench.simulator.urls.webpush.fcm);
    expect(claims.sub).toBe(bench.simulator.setup.webpush.vapid.subject);
    expect(claims.exp - Date.now() / 1000).toBeLessThanOrEqual(12 * 3600);
    await advanceTo(11.5 * HOUR_MS);
    expect(await bench.send(credential, token)).toMatchObject({ kind: 'accepted' });
    expect((await vapid()).distinctTokens).toBe(2);
  });

  it('expired to the service’s clock: one new one, one repeat', async () => {
    const fresh = generated();
    const token = await subscribe('fcm', fresh.publicParts['publicKey']);
    await bench.send(fresh, token);
    bench.clock.offsetMs = 6 * HOUR_MS;
    await bench.simulator.control('POST', '/__clock', { offsetMs: 12.5 * HOUR_MS });
    expect(await bench.send(fresh, token)).toMatchObject({ kind: 'accepted' });
    expect(await bench.requests('webpush')).toBe(3);
  });

  it('a young one that is refused is not made anew', async () => {
    const fresh = generated();
    const token = await subscribe('mozilla', fresh.publicParts['publicKey']);
    await bench.simulator.rule({ provider: 'webpush' }, { type: 'respond', status: 401 });
    expect(await bench.send(fresh, token)).toMatchObject({ kind: 'credential_invalid' });
    expect(await bench.requests('webpush')).toBe(1);
  });

  it('after a change of keys, browsers that use the old pair still get theirs', async () => {
    const old = credential;
    const next = generated();
    const token = await subscribe('fcm', old.publicParts['publicKey']);
    const vapidPublicKey = old.publicParts['publicKey'] ?? '';
    const options = { older: [old], target: { vapidPublicKey } };
    expect(await bench.send(next, token, options)).toMatchObject({ kind: 'accepted' });
    expect(await bench.send(next, token, { target: { vapidPublicKey } })).toEqual({
      kind: 'token_refused',
      code: 'vapid_key_unknown',
    });
  });

  it('verify looks at the pair', async () => {
    const provider = bench.provider('webpush');
    expect(await provider.verifyCredential(credential)).toMatchObject({ kind: 'accepted' });
    const mixed = { ...credential, secret: { ...credential.secret, privateKey: generated().secret['privateKey'] } };
    expect(await provider.verifyCredential(mixed)).toMatchObject({ kind: 'credential_invalid' });
  });
});

describe('where a push may go', () => {
  it('a simulator only with simulated credentials, a real service never with them', async () => {
    const token = await subscribe('fcm');
    expect(await bench.send({ ...credential, simulated: false }, token)).toMatchObject({
      kind: 'token_refused',
      code: 'endpoint_is_simulated',
    });
    const stored = JSON.stringify({ ...JSON.parse(token), endpoint: 'https://fcm.googleapis.com/fcm/send/x' });
    expect(await bench.send(credential, stored)).toMatchObject({
      kind: 'token_refused',
      code: 'credential_is_simulated',
    });
    expect(await bench.requests('webpush')).toBe(0);
  });

  it('what is not allowed any more when sending is not sent', async () => {
    const stored = JSON.stringify({ ...JSON.parse(await subscribe('fcm')), endpoint: 'https://internal.example/x' });
    expect(await bench.send(credential, stored)).toEqual({ kind: 'token_refused', code: 'endpoint_not_allowed' });
  });

  it('an allowed name that resolves to this machine is not connected to', async () => {
    const guarded = bench.fresh({ WEBPUSH_ALLOWED_HOSTS: 'localhost', WEBPUSH_ALLOW_INSECURE: 'false' });
    const stored = JSON.stringify({ ...JSON.parse(await subscribe('fcm')), endpoint: 'https://localhost/push/fcm/x' });
    expect(await guarded.send(credential, stored)).toMatchObject({ kind: 'not_processed', code: 'address_refused' });
    expect(await bench.requests('webpush')).toBe(0);
    await guarded.transport.close(0);
  });
});
