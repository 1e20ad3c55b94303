import { describe, expect, it } from 'vitest';
import type { Endpoints } from '../../src/providers/endpoints.js';
import { PushServices } from '../../src/providers/webpush/webpush.services.js';

const SIMULATOR = 'https://127.0.0.1:4001';

const endpoints: Endpoints = {
  fcm: () => undefined,
  apns: () => undefined,
  tokenUri: (uri) => ({ url: uri }),
  simulatedWebPush: (origin) => (origin === SIMULATOR ? { url: origin, ca: 'PEM' } : undefined),
};

/** Every origin below was sent to before. */
function services(allowed = { allowedHosts: ['push.example'], allowInsecure: false }): PushServices {
  const known = new PushServices(endpoints, allowed);
  for (const origin of [
    'https://fcm.googleapis.com',
    'https://web.push.apple.com',
    'https://a.push.example',
    SIMULATOR,
  ])
    expect(known.find(`${origin}/fcm/send/abc:def`)?.service.url).toBe(origin);
  return known;
}

const tokenOf = (endpoint: string) => JSON.stringify({ endpoint, p256dh: 'x', auth: 'y' });

describe('push services that were met before', () => {
  it.each([
    'https://fcm.googleapis.com/fcm/send/abc:def-_~%2F',
    'https://fcm.googleapis.com/wp/?token=BQYAAAB%2bE&x=a/b',
    'https://fcm.googleapis.com/',
    `${SIMULATOR}/w/?token=abc`,
  ])('%s: the same service and path as the URL parser finds', (endpoint) => {
    const url = new URL(endpoint);
    expect(services().find(endpoint)).toMatchObject({ service: { url: url.origin }, path: url.pathname + url.search });
  });

  it('one object for each origin and lane', () => {
    const known = services();
    const service = known.find('https://fcm.googleapis.com/a')?.service;
    expect(known.find('https://fcm.googleapis.com/b')?.service).toBe(service);
    expect(known.find('https://FCM.googleapis.com:443/b')?.service).toBe(service);
    expect(service?.origin('bulk')).toBe(service?.origin('bulk'));
    expect(service?.origin('bulk').key).not.toBe(service?.origin('critical').key);
  });

  it('what is checked at the connect depends on why it may be called', () => {
    const known = services({ allowedHosts: ['push.example', '10.0.0.1:8443'], allowInsecure: false });
    const origin = (endpoint: string) => known.find(endpoint)?.service.origin('bulk');
    expect(origin('https://fcm.googleapis.com/a')?.allowAddress?.('127.0.0.1')).toBe(false);
    expect(origin('https://a.push.example/a')?.allowAddress?.('127.0.0.1')).toBe(false);
    expect(origin('https://10.0.0.1:8443/a')?.allowAddress).toBeUndefined();
    expect(origin(`${SIMULATOR}/a`)).toMatchObject({ ca: 'PEM' });
  });

  it.each([
    'http://fcm.googleapis.com/x',
    'https://fcm.googleapis.com:8443/x',
    'https://fcm.googleapis.com.evil.tld/x',
    'https://user@fcm.googleapis.com/x',
    'https://fcm.googleapis.com@evil.tld/x',
    'https://fcm.googleapis.com\\@evil.tld/x',
    'https://fcm.googleapis.com/x#fragment',
    'https://fcm.googleapis.com/x\\y',
    'https://fcm.googleapis.com/a b',
    'https://fcm.googleapis.com/a\nb',
    'https://fcm.googleapis.com/ä',
    `https://fcm.googleapis.com/${'x'.repeat(2048)}`,
    'https://',
    'https:///',
    '',
    'x',
    '//fcm.googleapis.com/x',
    'https://127.0.0.1:4002/x',
  ])('a known neighbour opens nothing: %s', (endpoint) => {
    const known = services();
    expect(known.find(endpoint)).toBeUndefined();
    expect(known.find('https://fcm.googleapis.com/x')).toBeDefined();
    expect(known.find(endpoint)).toBeUndefined();
  });

  it('an origin in another spelling is the same service, and never kept under that spelling', () => {
    const known = services();
    for (const endpoint of [
      'https://fcm.googleapis.com',
      'https://fcm.googleapis.com?x=/y',
      'HTTPS://fcm.googleapis.com/x',
      'https:/fcm.googleapis.com/x',
    ]) {
      expect(known.find(endpoint)?.service.url).toBe('https://fcm.googleapis.com');
    }
    expect(known.find('https://fcm.googleapis.com?x=/y')?.path).toBe('/?x=/y');
  });

  it.each([
    ['as stored', tokenOf('https://fcm.googleapis.com/x'), 'https://fcm.googleapis.com'],
    [
      'of a service not met yet',
      tokenOf('https://updates.push.services.mozilla.com/x'),
      'https://updates.push.services.mozilla.com',
    ],
    ['with another port', tokenOf('https://fcm.googleapis.com:8443/x'), 'https://fcm.googleapis.com:8443'],
    ['of a host that is not allowed', tokenOf('https://internal.example/x'), 'https://internal.example'],
    ['without a path', tokenOf('https://fcm.googleapis.com'), 'https://fcm.googleapis.com'],
    [
      'in another order',
      '{"p256dh":"x","endpoint":"https://fcm.googleapis.com/x","auth":"y"}',
      'https://fcm.googleapis.com',
    ],
    ['no URL', tokenOf('x'), ''],
    ['no JSON', '{"endpoint', ''],
    ['nothing', '', ''],
  ])('the origin of a token %s', (_name, token, origin) => {
    const known = services();
    expect(known.originOf(token)).toBe(origin);
    expect(known.originOf(token)).toBe(origin);
  });
});
