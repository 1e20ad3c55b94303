import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../src/providers/provider.js';
import { ProviderBench } from './providers-support.js';

let bench: ProviderBench;
let credential: Credential;

beforeAll(async () => {
  bench = await ProviderBench.start();
  const { keyId, teamId, bundleId, privateKey } = bench.simulator.setup.apns;
  credential = bench.credential('apns', { keyId, teamId, bundleId, privateKey, environment: 'production' });
});
beforeEach(async () => {
  await bench.simulator.reset();
});
afterAll(() => bench.stop());

const device = () => randomBytes(32).toString('hex');

const invalidMessages = [
  'BadCollapseId',
  'BadExpirationDate',
  'BadMessageId',
  'BadPriority',
  'InvalidPushType',
  'DuplicateHeaders',
  'PayloadEmpty',
  'MissingDeviceToken',
].map((reason): [string, object, object] => [
  reason,
  { status: 400, reason },
  { kind: 'message_invalid', code: reason },
]);

const invalidCredentials = [
  'InvalidProviderToken',
  'MissingProviderToken',
  'BadCertificate',
  'BadCertificateEnvironment',
  'BadEnvironmentKeyIdInToken',
  'BadEnvironmentKeyInToken',
  'Forbidden',
].map((reason): [string, object, object] => [
  reason,
  { status: 403, reason },
  { kind: 'credential_invalid', code: reason },
]);

const invalidTopics = ['BadTopic', 'MissingTopic', 'TopicDisallowed'].map((reason): [string, object, object] => [
  reason,
  { status: 400, reason },
  { kind: 'credential_invalid', code: reason },
]);

const SINCE = 1_700_000_000_123;

/** The rows of the APNs table: what the simulator says, and the fact that comes of it. */
const rows: [string, object, object][] = [
  ['BadDeviceToken', { status: 400, reason: 'BadDeviceToken' }, { kind: 'token_refused', code: 'BadDeviceToken' }],
  [
    'DeviceTokenNotForTopic',
    { status: 400, reason: 'DeviceTokenNotForTopic' },
    { kind: 'token_refused', code: 'DeviceTokenNotForTopic' },
  ],
  ...invalidTopics,
  ...invalidMessages,
  ...invalidCredentials,
  ['BadPath', { status: 404, reason: 'BadPath' }, { kind: 'message_invalid', code: 'BadPath' }],
  ['MethodNotAllowed', { status: 405, reason: 'MethodNotAllowed' }, { kind: 'message_invalid' }],
  [
    'Unregistered, since a moment in milliseconds',
    { status: 410, reason: 'Unregistered', timestampMs: SINCE },
    { kind: 'token_invalid', code: 'Unregistered', invalidSince: new Date(SINCE) },
  ],
  [
    'ExpiredToken',
    { status: 410, reason: 'ExpiredToken', timestampMs: SINCE },
    { kind: 'token_invalid', code: 'ExpiredToken', invalidSince: new Date(SINCE) },
  ],
  [
    'Unregistered without a moment',
    { status: 410, body: '{"reason":"Unregistered"}' },
    { kind: 'token_invalid', invalidSince: undefined },
  ],
  ['PayloadTooLarge', { status: 413, reason: 'PayloadTooLarge' }, { kind: 'message_invalid', code: 'PayloadTooLarge' }],
  [
    'TooManyRequests concerns one device',
    { status: 429, reason: 'TooManyRequests' },
    { kind: 'throttled', scope: 'token', code: 'TooManyRequests', minimumDelayMs: 10_000 },
  ],
  [
    'TooManyRequests with Retry-After',
    { status: 429, reason: 'TooManyRequests', retryAfterSeconds: 40 },
    { kind: 'throttled', scope: 'token', retryAfterMs: 40_000 },
  ],
  [
    'TooManyProviderTokenUpdates concerns the key',
    { status: 429, reason: 'TooManyProviderTokenUpdates' },
    { kind: 'throttled', scope: 'lane', minimumDelayMs: 300_000 },
  ],
  [
    'InternalServerError, no sooner than 15 minutes',
    { status: 500, reason: 'InternalServerError' },
    { kind: 'unavailable', code: 'InternalServerError', minimumDelayMs: 900_000, retryAfterMs: undefined },
  ],
  [
    'ServiceUnavailable',
    { status: 503, reason: 'ServiceUnavailable' },
    { kind: 'unavailable', code: 'ServiceUnavailable', minimumDelayMs: 900_000 },
  ],
  ['an unknown 4xx', { status: 400, reason: 'SomethingNew' }, { kind: 'message_invalid', code: 'SomethingNew' }],
  ['an unknown 5xx', { status: 507, reason: 'SomethingNew' }, { kind: 'unavailable', code: 'SomethingNew' }],
  [
    'a page of something in between',
    { status: 502, body: '<html></html>', headers: { 'content-type': 'text/html' } },
    { kind: 'ambiguous', code: '502' },
  ],
];

describe('APNs answers, over the real protocol', () => {
  it('accepted: the id is ours and the same at every repeat', async () => {
    const [deviceId, notificationId, target] = [randomUUID(), randomUUID(), device()];
    const options = { message: { notificationId }, target: { deviceId } };
    const outcomes = [
      await bench.send(credential, target, options),
      await bench.send(credential, target, options),
      await bench.send(credential, target, { ...options, target: { deviceId: randomUUID() } }),
    ];
    expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted']);
    const [first, again, other] = outcomes.map((outcome) => outcome.kind === 'accepted' && outcome.providerMessageId);
    expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it.each(rows)('%s', async (_name, answer, expected) => {
    const target = device();
    await bench.simulator.rule({ provider: 'apns' }, { type: 'respond', ...answer });
    const outcome = await bench.send(credential, target);
    expect({ retryAfterMs: undefined, invalidSince: undefined, ...outcome }).toMatchObject(expected);
    expect(JSON.stringify(outcome)).not.toContain(target);
    expect(await bench.requests('apns')).toBe(1);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('a topic that the message chose itself is the message’s fault', async () => {
    await bench.simulator.rule({ provider: 'apns' }, { type: 'respond', status: 400, reason: 'TopicDisallowed' });
    const overrides = { headers: { 'apns-push-type': 'voip' } };
    expect(await bench.send(credential, device(), { message: { overrides } })).toMatchObject({
      kind: 'message_invalid',
      code: 'TopicDisallowed',
    });
  });

  it.each([
    ['Shutdown', 503],
    ['IdleTimeout', 400],
  ])('%s: not processed, and the connection is not used again', async (reason, status) => {
    await bench.send(credential, device());
    await bench.simulator.rule({ provider: 'apns' }, { type: 'respond', status, reason }, 1);
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'not_processed', code: reason });
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'accepted' });
    const [, refused, next] = await bench.simulator.messages('?provider=apns');
    expect(next?.connectionId).not.toBe(refused?.connectionId);
  });

  it.each([
    ['a connection that breaks', { type: 'reset' }],
    ['a push that was taken without an answer', { type: 'reset', when: 'after-accept', scope: 'stream' }],
  ])('%s: ambiguous, and not repeated here', async (_name, action) => {
    await bench.simulator.rule({ provider: 'apns' }, action);
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'ambiguous' });
    expect(await bench.requests('apns')).toBe(1);
  });

  it('GOAWAY loses nothing and doubles nothing', async () => {
    await bench.simulator.rule({ provider: 'apns', nth: 20 }, { type: 'goaway', graceful: true });
    const targets = Array.from({ length: 100 }, device);
    const outcomes = await bench.sendMany(credential, targets);
    expect(outcomes.filter(({ kind }) => kind === 'accepted')).toHaveLength(100);
    expect(await bench.simulator.counts()).toMatchObject({ accepted: 100, acceptedTargets: 100, duplicates: 0 });
  });
});
