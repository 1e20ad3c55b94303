import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../src/providers/provider.js';
import { fcmRows } from './fcm-rows.js';
import { ProviderBench } from './providers-support.js';

let bench: ProviderBench;
let credential: Credential;

beforeAll(async () => {
  bench = await ProviderBench.start();
  credential = bench.credential('fcm', { serviceAccount: bench.simulator.setup.fcm.serviceAccount });
});
beforeEach(() => bench.simulator.reset());
afterAll(() => bench.stop());

const token = (suffix = '') => `${randomBytes(16).toString('hex')}${suffix}`;

describe('FCM answers, over the real protocol', () => {
  it('accepted: the message id is kept, and accepted is all that is claimed', async () => {
    const target = token();
    const outcome = await bench.send(credential, target);
    expect(outcome).toEqual({
      kind: 'accepted',
      code: '200',
      status: 200,
      providerMessageId: expect.stringMatching(/^projects\/carillon-demo\/messages\/0:/),
    });
    const [message] = await bench.simulator.messages(`?target=${target}`);
    expect(message).toMatchObject({ verdict: { accepted: true } });
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it.each(fcmRows)('%s', async (_name, answer, expected) => {
    const target = token();
    await bench.simulator.rule({ provider: 'fcm' }, { type: 'respond', ...answer });
    const outcome = await bench.send(credential, target);
    expect({ retryAfterMs: undefined, ...outcome }).toMatchObject(expected);
    expect(JSON.stringify(outcome)).not.toContain(target);
    expect(await bench.requests('fcm')).toBe(1);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('reads every entry of details, whichever comes first', async () => {
    const targets = Array.from({ length: 30 }, () => token('--malformed-field'));
    const outcomes = await bench.sendMany(credential, targets);
    expect(outcomes.map(({ kind }) => kind)).toEqual(targets.map(() => 'token_invalid'));
  });

  it.each([
    ['a page instead of an answer', { type: 'html502' }, { kind: 'ambiguous', code: '502', minimumDelayMs: 10_000 }],
    ['a connection that breaks after the request', { type: 'reset' }, { kind: 'ambiguous', minimumDelayMs: 10_000 }],
    [
      'a stream that breaks after the message was taken',
      { type: 'reset', when: 'after-accept', scope: 'stream' },
      { kind: 'ambiguous' },
    ],
    ['an answer that ends in the middle', { type: 'truncate' }, { kind: 'ambiguous' }],
  ])('%s: nobody knows, and it is not repeated here', async (_name, action, expected) => {
    await bench.simulator.rule({ provider: 'fcm' }, action);
    expect(await bench.send(credential, token())).toMatchObject(expected);
    expect(await bench.requests('fcm')).toBe(1);
  });

  it('silence ends with the timeout, as ambiguous', async () => {
    await bench.simulator.rule({ provider: 'fcm' }, { type: 'hang' });
    expect(await bench.send(credential, token(), { timing: { timeoutMs: 300 } })).toMatchObject({ kind: 'ambiguous' });
    expect(await bench.requests('fcm')).toBe(1);
  });

  it('a refused stream was not processed, and reaches FCM once', async () => {
    const target = token();
    await bench.simulator.rule({ provider: 'fcm' }, { type: 'rst', code: 7 }, 1);
    expect(await bench.send(credential, target)).toMatchObject({ kind: 'accepted' });
    expect((await bench.simulator.counts()).accepted).toBe(1);
  });

  it('nobody listens: not processed', async () => {
    const elsewhere = bench.fresh({ SIMULATOR_FCM_URL: 'https://127.0.0.1:9' });
    elsewhere.store.tokens.set(credential.id, {
      value: 'any',
      issuedAt: new Date(),
      expiresAt: new Date(Date.now() + 3_600_000),
    });
    expect(await elsewhere.send(credential, token())).toMatchObject({ kind: 'not_processed' });
    await elsewhere.transport.close(0);
  });

  it('a project’s quota of messages is told apart from a device’s', async () => {
    await bench.simulator.control('PUT', '/__settings', { fcmDevicePerMinute: 2 });
    const busy = token();
    const outcomes = await bench.sendMany(credential, [busy, busy, busy, token()]);
    const throttled = outcomes.filter(({ kind }) => kind === 'throttled');
    expect(throttled).toMatchObject([{ scope: 'token' }]);
    await bench.simulator.control('PUT', '/__settings', { fcmDevicePerMinute: 240 });
  });
});
