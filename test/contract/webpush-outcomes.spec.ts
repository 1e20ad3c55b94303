import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../src/providers/provider.js';
import { ProviderBench } from './providers-support.js';
import type { Profile } from './rows.js';
import { webpushRows } from './webpush-rows.js';

const PROFILES: readonly Profile[] = ['fcm', 'mozilla', 'apple', 'wns'];

let bench: ProviderBench;
let credential: Credential;

beforeAll(async () => {
  bench = await ProviderBench.start();
  credential = bench.credential('webpush', bench.simulator.setup.webpush.vapid);
});
beforeEach(() => bench.simulator.reset());
afterAll(() => bench.stop());

/** A browser's subscription, registered as a device's token. */
async function subscribe(profile: Profile, vapidKey = credential.publicParts['publicKey'], behaviour?: string) {
  const subscription = await bench.simulator.control('POST', '/__subscribe', { profile, vapidKey, behaviour });
  return bench.provider('webpush').parseToken(subscription, {}).token;
}

describe('answers of push services, over the real protocol', () => {
  it.each(PROFILES)('%s: accepted, and the browser can decrypt it', async (profile) => {
    const notificationId = '01890000-0000-7000-8000-000000000001';
    const content = { title: '안녕', body: 'Hello', clickUrl: 'https://example.com/x', data: { k: 'v' } };
    const outcome = await bench.send(credential, await subscribe(profile), { message: { notificationId, content } });
    expect(outcome).toMatchObject({ kind: 'accepted', code: '201' });
    const [message] = await bench.simulator.messages('?provider=webpush');
    expect(message?.body).toEqual({
      title: '안녕',
      body: 'Hello',
      url: 'https://example.com/x',
      data: { k: 'v', carillonNotificationId: notificationId },
    });
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it.each(webpushRows)('%s', async (_name, profile, answer, expected) => {
    const token = await subscribe(profile);
    await bench.simulator.rule({ provider: 'webpush' }, { type: 'respond', ...answer });
    const outcome = await bench.send(credential, token);
    expect({ retryAfterMs: undefined, ...outcome }).toMatchObject(expected);
    expect(JSON.stringify(outcome)).not.toContain(new URL(JSON.parse(token).endpoint).pathname.slice(-20));
    expect(await bench.requests('webpush')).toBe(1);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it.each([301, 302, 307, 308])('%i is not followed, and costs neither the device nor a repeat', async (status) => {
    const location = `${bench.simulator.urls.controlUrl}/__canary`;
    const action = { type: 'respond', status, headers: { location } };
    await bench.simulator.rule({ provider: 'webpush' }, action);
    expect(await bench.send(credential, await subscribe('fcm'))).toMatchObject({
      kind: 'message_invalid',
      code: String(status),
    });
    expect(await bench.simulator.control('GET', '/__stats')).toMatchObject({ canaryHits: 0 });
  });

  it.each(PROFILES)('%s: a subscription made with another key is refused, not dead', async (profile) => {
    const other = bench.provider('webpush').parseCredential({ subject: 'mailto:a@b.cd', generate: true }, new Date());
    const token = await subscribe(profile, other.publicParts['publicKey']);
    expect(await bench.send(credential, token)).toMatchObject({ kind: 'token_refused' });
    expect(await bench.requests('webpush')).toBe(1);
  });

  it.each([
    ['a page instead of an answer', { type: 'html502' }],
    ['a connection that breaks', { type: 'reset' }],
    ['a message taken without an answer', { type: 'reset', when: 'after-accept', scope: 'stream' }],
  ])('%s: ambiguous, and not repeated here', async (_name, action) => {
    await bench.simulator.rule({ provider: 'webpush' }, action);
    expect(await bench.send(credential, await subscribe('fcm'))).toMatchObject({ kind: 'ambiguous' });
    expect(await bench.requests('webpush')).toBe(1);
  });

  it('an answer of megabytes is not read', async () => {
    const outcome = await bench.send(credential, await subscribe('fcm', undefined, 'huge'));
    expect(['unavailable', 'ambiguous']).toContain(outcome.kind);
    expect(Buffer.byteLength(JSON.stringify(outcome))).toBeLessThan(1000);
  });
});
