import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DomainError, type Problem } from '../../src/lib/errors.js';
import { parseApnsCredential } from '../../src/providers/apns/apns.auth.js';
import { apnsProblems } from '../../src/providers/apns/apns.payload.js';
import type { Message } from '../../src/providers/provider.js';
import { CertificateAuthority } from '../../src/simulator/ca.js';
import { Home } from '../../src/simulator/home.js';

const NOW = new Date();
const DAY_MS = 86_400_000;

const pem = (pair: ReturnType<typeof generateKeyPairSync>) =>
  pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const p256 = pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const p384 = pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }));
const rsa = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }));

const folder = mkdtempSync(join(tmpdir(), 'carillon-apns-'));
const { cert, key } = CertificateAuthority.open(new Home(folder)).issue(['dev.carillon.demo']);
afterAll(() => rmSync(folder, { recursive: true }));

const withKey = {
  keyId: 'ABCDE12345',
  teamId: 'TEAM123456',
  bundleId: 'a.b.c',
  privateKey: p256,
  environment: 'sandbox',
};
const withCertificate = { certificate: cert, privateKey: key, bundleId: 'a.b.c', environment: 'production' };

function problemsOf(input: unknown, now = NOW): readonly Problem[] {
  try {
    parseApnsCredential(input, now);
  } catch (error) {
    if (error instanceof DomainError) return error.problems;
    throw error;
  }
  return [];
}

describe('an APNs credential', () => {
  it('with a key', () => {
    const { publicParts } = parseApnsCredential(withKey, NOW);
    expect(publicParts).toEqual({
      keyId: 'ABCDE12345',
      teamId: 'TEAM123456',
      bundleId: 'a.b.c',
      environment: 'sandbox',
    });
  });

  it('with a certificate, and until when it lasts', () => {
    const { publicParts } = parseApnsCredential(withCertificate, NOW);
    expect(publicParts).toEqual({
      bundleId: 'a.b.c',
      environment: 'production',
      certificateExpiresAt: expect.stringMatching(/^\d{4}-/),
    });
  });

  it.each<[string, unknown, string[]]>([
    ['nothing', undefined, ['']],
    ['every field', {}, ['bundleId', 'environment', 'keyId', 'teamId', 'privateKey']],
    ['an unknown field', { ...withKey, simulated: true }, ['simulated']],
    ['another environment', { ...withKey, environment: 'staging' }, ['environment']],
    ['a short key id', { ...withKey, keyId: 'ABC' }, ['keyId']],
    ['a wrong curve', { ...withKey, privateKey: p384 }, ['privateKey']],
    ['an RSA key', { ...withKey, privateKey: rsa }, ['privateKey']],
    [
      'a bad PEM',
      { ...withKey, privateKey: '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----' },
      ['privateKey'],
    ],
    ['a bundle id with a slash', { ...withKey, bundleId: 'a/b' }, ['bundleId']],
    ['a certificate that is none', { ...withCertificate, certificate: 'x' }, ['certificate']],
    ['another key than the certificate’s', { ...withCertificate, privateKey: p256 }, ['privateKey']],
    ['a team beside a certificate', { ...withCertificate, teamId: 'TEAM123456' }, ['teamId']],
  ])('refused by name: %s', (_name, input, paths) => {
    const problems = problemsOf(input);
    expect(problems.map(({ path }) => path)).toEqual(expect.arrayContaining(paths));
    expect(JSON.stringify(problems)).not.toContain('BEGIN');
  });

  it('an expired certificate, and one that is not valid yet', () => {
    expect(problemsOf(withCertificate, new Date(NOW.getTime() + 400 * DAY_MS))).toEqual([
      { path: 'certificate', message: expect.stringMatching(/^expired on /) },
    ]);
    expect(problemsOf(withCertificate, new Date(NOW.getTime() - 30 * DAY_MS))).toEqual([
      { path: 'certificate', message: expect.stringMatching(/^not valid before /) },
    ]);
  });
});

const message = (over: Partial<Message>): Message => ({
  notificationId: 'a0000000-0000-7000-8000-000000000001',
  content: { title: 'Hello' },
  priority: 'high',
  ttlSeconds: 60,
  ...over,
});

describe('what APNs would refuse is found first', () => {
  it.each<[string, unknown, string[]]>([
    [
      'a header that is ours',
      { headers: { 'apns-topic': 'x', authorization: 'y', 'apns-id': 'z' } },
      ['headers.apns-topic', 'headers.authorization', 'headers.apns-id'],
    ],
    ['an unknown push type', { headers: { 'apns-push-type': 'toString' } }, ['headers.apns-push-type']],
    [
      'priority 10 of a background push',
      { headers: { 'apns-push-type': 'background', 'apns-priority': '10' } },
      ['headers.apns-priority'],
    ],
    ['an unknown priority', { headers: { 'apns-priority': 7 } }, ['headers.apns-priority']],
    ['a collapse id of 65 bytes', { headers: { 'apns-collapse-id': 'x'.repeat(65) } }, ['headers.apns-collapse-id']],
    ['a line break', { headers: { 'apns-collapse-id': 'a\r\nb' } }, ['headers.apns-collapse-id']],
    ['an expiration in milliseconds', { headers: { 'apns-expiration': '1700000000000' } }, ['headers.apns-expiration']],
    ['a topic that is no suffix', { headers: { 'apns-topic-suffix': 'voip' } }, ['headers.apns-topic-suffix']],
    ['an unknown part', { body: {} }, ['body']],
    ['a payload of another kind', { payload: [] }, ['payload']],
    ['our own key', { payload: { carillonNotificationId: 'x' } }, ['payload.carillonNotificationId']],
  ])('%s', (_name, overrides, paths) => {
    expect(apnsProblems(message({ overrides })).map(({ path }) => path)).toEqual(
      paths.map((path) => `overrides.apns.${path}`),
    );
  });

  it('the data key aps', () => {
    expect(apnsProblems(message({ content: { data: { aps: 'x' } } }))).toEqual([
      { path: 'content.data.aps', message: 'APNs reserves this key' },
    ]);
  });
});
