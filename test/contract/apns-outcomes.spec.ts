import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../src/providers/provider.js';
import { apnsRows } from './apns-rows.js';
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

  it.each(apnsRows)('%s', async (_name, answer, expected) => {
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
