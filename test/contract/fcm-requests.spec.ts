import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential, Message } from '../../src/providers/provider.js';
import { ProviderBench, testMessage } from './providers-support.js';

let bench: ProviderBench;
let credential: Credential;

beforeAll(async () => {
  bench = await ProviderBench.start();
  credential = bench.credential('fcm', { serviceAccount: bench.simulator.setup.fcm.serviceAccount });
});
beforeEach(() => bench.simulator.reset());
afterAll(() => bench.stop());

const ID = 'a0000000-0000-7000-8000-000000000001';

/** The `message` that the simulator got, after one accepted send. */
async function received(message: Partial<Message>, timing = {}): Promise<Record<string, unknown>> {
  const outcome = await bench.send(credential, 'device-token', { message: { notificationId: ID, ...message }, timing });
  expect(outcome).toMatchObject({ kind: 'accepted' });
  expect(await bench.simulator.violations()).toEqual([]);
  const [recorded] = await bench.simulator.messages('?provider=fcm');
  return (recorded?.body as { message: Record<string, unknown> } | undefined)?.message ?? {};
}

describe('what goes to FCM', () => {
  it('content, the notification’s id, and a tag that makes a repeat replace itself', async () => {
    const content = {
      title: '"Hello"\n안녕',
      body: 'World',
      imageUrl: 'https://example.com/a.png',
      clickUrl: 'https://example.com/x',
      badge: 3,
      sound: 'ding',
      data: { k: 'v' },
    };
    expect(await received({ content })).toEqual({
      token: 'device-token',
      notification: { title: '"Hello"\n안녕', body: 'World', image: 'https://example.com/a.png' },
      data: { k: 'v', carillonClickUrl: 'https://example.com/x', carillonNotificationId: ID },
      android: { priority: 'high', ttl: '3600s', notification: { tag: ID, sound: 'ding', notification_count: 3 } },
      apns: {
        headers: {
          'apns-push-type': 'alert',
          'apns-priority': '10',
          'apns-collapse-id': ID,
          'apns-expiration': expect.stringMatching(/^\d{10}$/),
        },
        payload: { aps: { badge: 3, sound: 'ding', 'mutable-content': 1 } },
        fcm_options: { image: 'https://example.com/a.png' },
      },
      webpush: {
        headers: { TTL: '3600', Urgency: 'high', Topic: expect.stringMatching(/^[\w-]{32}$/) },
        fcm_options: { link: 'https://example.com/x' },
      },
    });
  });

  it('data alone is silent, with everything that a phone needs to be woken', async () => {
    const message = await received({ content: { data: { k: 'v' } }, priority: 'high' });
    expect(message).not.toHaveProperty('notification');
    expect(message).toMatchObject({
      data: { k: 'v', carillonNotificationId: ID },
      apns: {
        headers: { 'apns-push-type': 'background', 'apns-priority': '5' },
        payload: { aps: { 'content-available': 1 } },
      },
    });
    expect(message['android']).toEqual({ priority: 'high', ttl: '3600s' });
  });

  it('a badge alone is no background push', async () => {
    const message = await received({ content: { badge: 0 } });
    expect(message).not.toHaveProperty('notification');
    expect(message['apns']).toMatchObject({ headers: { 'apns-push-type': 'alert' }, payload: { aps: { badge: 0 } } });
  });

  it('the caller’s collapse key', async () => {
    const message = await received({ collapseKey: 'score' });
    expect(message).toMatchObject({
      android: { notification: { tag: 'score' } },
      apns: { headers: { 'apns-collapse-id': 'score' } },
    });
  });

  it('what remains of the TTL, each time', async () => {
    const expiresAt = new Date(1_800_000_000_999);
    const message = await received({}, { ttlSeconds: 77, expiresAt });
    expect(message).toMatchObject({
      android: { ttl: '77s' },
      apns: { headers: { 'apns-expiration': '1800000000' } },
      webpush: { headers: { TTL: '77' } },
    });
    await bench.simulator.reset();
    expect(await received({}, { ttlSeconds: 0 })).toMatchObject({
      android: { ttl: '0s' },
      apns: { headers: { 'apns-expiration': '0' } },
      webpush: { headers: { TTL: '0' } },
    });
  });

  it('overrides in either spelling, merged deeply; a shorter TTL holds, a longer one does not', async () => {
    const overrides = {
      android: { collapseKey: 'c', ttl: '10s', notification: { channel_id: 'news', tag: 'mine' } },
      apns: { payload: { aps: { 'thread-id': 'x' } }, headers: { 'apns-expiration': '9999999999' } },
      webpush: { headers: { TTL: '86400', Urgency: 'low' }, notification: { requireInteraction: true } },
      fcmOptions: { analyticsLabel: 'spring' },
      data: { added: 'yes' },
    };
    expect(await received({ overrides }, { ttlSeconds: 60, expiresAt: new Date(1_800_000_000_000) })).toMatchObject({
      data: { added: 'yes', carillonNotificationId: ID },
      notification: { title: 'Hello' },
      android: { collapse_key: 'c', ttl: '10s', notification: { channel_id: 'news', tag: 'mine' } },
      apns: { payload: { aps: { 'thread-id': 'x' } }, headers: { 'apns-expiration': '1800000000' } },
      webpush: { headers: { TTL: '60', Urgency: 'low' }, notification: { requireInteraction: true } },
      fcm_options: { analytics_label: 'spring' },
    });
  });

  it('the preview is what is sent, without token and secrets', async () => {
    const message = testMessage({ notificationId: ID, overrides: { android: { restricted_package_name: 'a.b' } } });
    const { body, url, headers } = bench.provider('fcm').preview(message, credential);
    const sent = await received(message, { ttlSeconds: message.ttlSeconds });
    const withoutTime = (value: unknown) =>
      JSON.parse(JSON.stringify(value).replace(/"apns-expiration":"\d+"/, '"apns-expiration":""'));
    expect(withoutTime(body)).toEqual(withoutTime({ message: { ...sent, token: '<token>' } }));
    expect(url).toBe(`${bench.simulator.urls.fcm}/v1/projects/carillon-demo/messages:send`);
    expect(headers['authorization']).toBe('Bearer <access token>');
  });

  it('exactly 4096 bytes fit, and one more is refused before it is sent', async () => {
    const provider = bench.provider('fcm');
    const of = (bytes: number) => {
      const empty = testMessage({ notificationId: ID, content: { data: { k: '' } } });
      const fill = bytes - provider.preview(empty, credential).payloadBytes;
      return testMessage({ notificationId: ID, content: { data: { k: 'x'.repeat(fill) } } });
    };
    expect(provider.check(of(4096))).toEqual([]);
    expect(provider.check(of(4097))).toEqual([{ path: 'content', message: '4097 bytes for FCM, at most 4096' }]);
    await received(of(4096));
    await bench.simulator.reset();
    expect(await bench.send(credential, 'device-token', { message: of(4097) })).toMatchObject({
      kind: 'message_invalid',
    });
  });
});
