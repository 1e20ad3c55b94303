import { randomBytes } from 'node:crypto';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential, Message } from '../../src/providers/provider.js';
import { CertificateAuthority } from '../../src/simulator/ca.js';
import { Home } from '../../src/simulator/home.js';
import { ProviderBench, testMessage } from './providers-support.js';

let bench: ProviderBench;
let credential: Credential;

beforeAll(async () => {
  bench = await ProviderBench.start();
  const { keyId, teamId, bundleId, privateKey } = bench.simulator.setup.apns;
  credential = bench.credential('apns', { keyId, teamId, bundleId, privateKey, environment: 'production' });
});
beforeEach(() => bench.simulator.reset());
afterAll(() => bench.stop());

const ID = 'a0000000-0000-7000-8000-000000000001';

/** Headers and body that the simulator got, after one accepted push. */
async function received(message: Partial<Message>, timing = {}) {
  const token = randomBytes(32).toString('hex');
  const outcome = await bench.send(credential, token, { message: { notificationId: ID, ...message }, timing });
  expect(outcome).toMatchObject({ kind: 'accepted' });
  expect(await bench.simulator.violations()).toEqual([]);
  const [recorded] = await bench.simulator.messages('?provider=apns');
  return { headers: recorded?.headers ?? {}, body: recorded?.body };
}

describe('what goes to APNs', () => {
  it('an alert, with seconds, topic, type, priority and a collapse id', async () => {
    const content = {
      title: 'Hello',
      body: '안녕',
      badge: 0,
      sound: 'ding.caf',
      imageUrl: 'https://example.com/a.png',
      clickUrl: 'https://example.com/x',
      data: { k: 'v' },
    };
    const { headers, body } = await received({ content }, { expiresAt: new Date(1_800_000_000_999) });
    expect(headers).toMatchObject({
      'apns-topic': 'dev.carillon.demo',
      'apns-push-type': 'alert',
      'apns-priority': '10',
      'apns-expiration': '1800000000',
      'apns-collapse-id': ID,
    });
    expect(body).toEqual({
      aps: { alert: { title: 'Hello', body: '안녕' }, badge: 0, sound: 'ding.caf', 'mutable-content': 1 },
      k: 'v',
      carillonImageUrl: 'https://example.com/a.png',
      carillonClickUrl: 'https://example.com/x',
      carillonNotificationId: ID,
    });
  });

  it('data alone is a background push of priority 5, whatever was asked for', async () => {
    const { headers, body } = await received({ content: { data: { k: 'v' } }, priority: 'high' });
    expect(headers).toMatchObject({ 'apns-push-type': 'background', 'apns-priority': '5' });
    expect(body).toEqual({ aps: { 'content-available': 1 }, k: 'v', carillonNotificationId: ID });
  });

  it('now or never is 0, and normal priority 5', async () => {
    const { headers } = await received({ priority: 'normal' }, { ttlSeconds: 0 });
    expect(headers).toMatchObject({ 'apns-expiration': '0', 'apns-priority': '5' });
  });

  it.each([
    ['채팅방-'.repeat(10), /^[\w-]{43}$/],
    ['x'.repeat(65), /^[\w-]{43}$/],
    ['x'.repeat(64), /^x{64}$/],
  ])('a collapse key is at most 64 bytes, not characters: %s', async (collapseKey, expected) => {
    const { headers } = await received({ collapseKey });
    expect(headers['apns-collapse-id']).toMatch(expected);
  });

  it.each([
    ['voip', 'dev.carillon.demo.voip'],
    ['complication', 'dev.carillon.demo.complication'],
    ['fileprovider', 'dev.carillon.demo.pushkit.fileprovider'],
    ['location', 'dev.carillon.demo.location-query'],
    ['liveactivity', 'dev.carillon.demo.push-type.liveactivity'],
    ['pushtotalk', 'dev.carillon.demo.voip-ptt'],
    ['widgets', 'dev.carillon.demo.push-type.widgets'],
    ['controls', 'dev.carillon.demo.push-type.controls'],
  ])('push type %s goes to its own topic', async (pushType, topic) => {
    const { headers } = await received({ overrides: { headers: { 'apns-push-type': pushType } } });
    expect(headers).toMatchObject({ 'apns-topic': topic, 'apns-push-type': pushType });
  });

  it('overrides, merged deeply', async () => {
    const overrides = {
      headers: { 'apns-priority': 1, 'apns-collapse-id': 'mine', 'apns-expiration': '1700000000' },
      payload: { aps: { 'thread-id': 't', alert: { subtitle: 'S' } }, extra: [1] },
    };
    const { headers, body } = await received({ overrides });
    expect(headers).toMatchObject({
      'apns-priority': '1',
      'apns-collapse-id': 'mine',
      'apns-expiration': '1700000000',
    });
    expect(body).toMatchObject({
      aps: { alert: { title: 'Hello', body: 'World', subtitle: 'S' }, 'thread-id': 't' },
      extra: [1],
      carillonNotificationId: ID,
    });
  });

  it.each([
    ['an alert', {}, 4096],
    ['a VoIP push', { headers: { 'apns-push-type': 'voip' } }, 5120],
  ])('%s may be so large and not a byte larger', async (_name, overrides, limit) => {
    const provider = bench.provider('apns');
    const of = (bytes: number) => {
      const empty = testMessage({ notificationId: ID, overrides, content: { body: 'b', data: { k: '' } } });
      const fill = bytes - provider.preview(empty, credential).payloadBytes;
      return { ...empty, content: { body: 'b', data: { k: 'x'.repeat(fill) } } };
    };
    expect(provider.check(of(limit))).toEqual([]);
    expect(provider.check(of(limit + 1))).toEqual([
      { path: 'content', message: `${limit + 1} bytes for APNs, at most ${limit}` },
    ]);
    await received(of(limit));
  });

  it('the preview is what is sent', async () => {
    const message = testMessage({ notificationId: ID });
    const preview = bench.provider('apns').preview(message, credential);
    const { headers, body } = await received(message);
    expect(preview.body).toEqual(body);
    for (const name of ['apns-topic', 'apns-push-type', 'apns-priority', 'apns-collapse-id']) {
      expect(preview.headers[name]).toBe(headers[name]);
    }
    expect(preview.url).toBe(`${bench.simulator.urls.apns}/3/device/<token>`);
    expect(preview.headers['authorization']).toBe('bearer <provider token>');
  });
});

describe('APNs with a certificate', () => {
  let server: Http2SecureServer;
  const seen: { fingerprint: string; authorization: string | undefined; topic: unknown }[] = [];
  const authority = () => CertificateAuthority.open(new Home(bench.simulator.home));

  beforeAll(async () => {
    const { cert, key } = authority().issue(['127.0.0.1']);
    server = createSecureServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      const socket = request.stream.session?.socket as TLSSocket;
      seen.push({
        fingerprint: socket.getPeerCertificate().fingerprint256,
        authorization: request.headers.authorization,
        topic: request.headers['apns-topic'],
      });
      response.writeHead(200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('proves itself in TLS and sends no token', async () => {
    const { cert, key } = authority().issue(['dev.carillon.demo']);
    const { port } = server.address() as AddressInfo;
    const elsewhere = bench.fresh({ SIMULATOR_APNS_URL: `https://127.0.0.1:${port}` });
    const withCertificate = elsewhere.credential('apns', {
      certificate: cert,
      privateKey: key,
      bundleId: 'dev.carillon.demo',
      environment: 'production',
    });
    expect(await elsewhere.send(withCertificate, 'ab'.repeat(32))).toMatchObject({ kind: 'accepted' });
    expect(seen).toEqual([
      { fingerprint: expect.stringMatching(/^[0-9A-F:]{95}$/), authorization: undefined, topic: 'dev.carillon.demo' },
    ]);
    expect(elsewhere.store.mints).toBe(0);
    await elsewhere.transport.close(0);
  });
});
