import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../src/providers/provider.js';
import { eventually } from '../setup/eventually.js';
import { ProviderBench } from './providers-support.js';

const MINUTE_MS = 60_000;

let first: ProviderBench;
let bench: ProviderBench;
let credential: Credential;

beforeAll(async () => {
  first = await ProviderBench.start();
});
beforeEach(async () => {
  await first.simulator.reset();
  await first.simulator.control('POST', '/__clock', { offsetMs: 0 });
  await bench?.transport.close(0);
  bench = first.fresh();
  credential = bench.credential('fcm', { serviceAccount: bench.simulator.setup.fcm.serviceAccount });
});
afterAll(async () => {
  await bench?.transport.close(0);
  await first.stop();
});

const tokens = (n: number) => Array.from({ length: n }, () => randomBytes(16).toString('hex'));
const kinds = (outcomes: readonly { kind: string }[]) => [...new Set(outcomes.map(({ kind }) => kind))];

/** Both clocks, ours and the providers'. */
async function advance(ms: number): Promise<void> {
  bench.clock.offsetMs += ms;
  await bench.simulator.control('POST', '/__clock', { offsetMs: bench.clock.offsetMs });
}

describe('FCM access tokens', () => {
  it('one is minted for many sends at once, and none for those that follow', async () => {
    expect(kinds(await bench.sendMany(credential, tokens(50)))).toEqual(['accepted']);
    expect(kinds(await bench.sendMany(credential, tokens(50)))).toEqual(['accepted']);
    expect(await bench.requests('oauth')).toBe(1);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('another process uses the stored one', async () => {
    await bench.send(credential, 'a');
    const other = first.fresh();
    for (const [id, token] of bench.store.tokens) other.store.tokens.set(id, token);
    expect(await other.send(credential, 'b')).toMatchObject({ kind: 'accepted' });
    expect(await bench.requests('oauth')).toBe(1);
    await other.transport.close(0);
  });

  it('is renewed in the background five minutes before its end, while the old one is used', async () => {
    await bench.send(credential, 'a');
    await advance(55.5 * MINUTE_MS);
    expect(await bench.send(credential, 'b')).toMatchObject({ kind: 'accepted' });
    await eventually(async () => expect(await bench.requests('oauth')).toBe(2));
    expect(bench.store.mints).toBe(2);
    expect(await bench.send(credential, 'c')).toMatchObject({ kind: 'accepted' });
    expect(await bench.requests('oauth')).toBe(2);
  });

  it('a failed renewal is nobody’s failure while the old one is valid', async () => {
    await bench.send(credential, 'a');
    await bench.simulator.rule({ provider: 'oauth' }, { type: 'respond', status: 503 });
    await advance(56 * MINUTE_MS);
    expect(kinds(await bench.sendMany(credential, tokens(20)))).toEqual(['accepted']);
    await eventually(async () => expect(await bench.requests('oauth')).toBe(2));
    expect(kinds(await bench.sendMany(credential, tokens(20)))).toEqual(['accepted']);
    expect(await bench.requests('oauth')).toBe(2);
  });

  it('a store that is away does not stop sends while a token is at hand', async () => {
    await bench.send(credential, 'a');
    bench.store.failure = new Error('database away');
    await advance(56 * MINUTE_MS);
    expect(kinds(await bench.sendMany(credential, tokens(5)))).toEqual(['accepted']);
  });

  it('without any token and store, nothing was sent', async () => {
    bench.store.failure = new Error('database away');
    expect(await bench.send(credential, 'a')).toEqual({ kind: 'not_processed', code: 'provider_token_unavailable' });
    expect(await bench.requests('fcm')).toBe(0);
  });

  it('revoked: one new token for all that were refused, each of them sent once more', async () => {
    await bench.send(credential, 'a');
    await bench.simulator.control('POST', '/__revoke');
    expect(kinds(await bench.sendMany(credential, tokens(30)))).toEqual(['accepted']);
    expect(await bench.requests('oauth')).toBe(2);
    expect(await bench.requests('fcm')).toBe(1 + 30 + 30);
  });

  it('refused twice: the credential is at fault, and there is no third try', async () => {
    await bench.send(credential, 'a');
    await bench.simulator.rule({ provider: 'fcm' }, { type: 'respond', status: 401, reason: 'UNAUTHENTICATED' });
    expect(await bench.send(credential, 'b')).toMatchObject({ kind: 'credential_invalid', status: 401 });
    expect(await bench.requests('fcm')).toBe(3);
    expect(await bench.requests('oauth')).toBe(2);
  });

  it('a bad APNs key in Firebase asks for no new token', async () => {
    await bench.send(credential, 'a');
    expect(await bench.send(credential, 'b--third-party-auth')).toMatchObject({ code: 'THIRD_PARTY_AUTH_ERROR' });
    expect(await bench.requests('oauth')).toBe(1);
  });

  it.each([
    ['a revoked key', { status: 400, reason: 'invalid_grant' }, { kind: 'credential_invalid', code: 'invalid_grant' }],
    ['an unknown client', { status: 401 }, { kind: 'credential_invalid', code: 'invalid_client' }],
    [
      'a busy endpoint',
      { status: 429, retryAfterSeconds: 30 },
      { kind: 'throttled', scope: 'lane', retryAfterMs: 30_000 },
    ],
    ['a broken endpoint', { status: 500 }, { kind: 'unavailable', minimumDelayMs: 10_000 }],
  ])('token endpoint: %s', async (_name, answer, expected) => {
    await bench.simulator.rule({ provider: 'oauth' }, { type: 'respond', ...answer });
    const outcomes = await bench.sendMany(credential, tokens(10));
    expect(outcomes).toEqual(outcomes.map(() => expect.objectContaining(expected)));
    expect(await bench.requests('fcm')).toBe(0);
    expect(await bench.requests('oauth')).toBe(1);
  });

  it('token endpoint: no answer, so nothing was sent', async () => {
    await bench.simulator.rule({ provider: 'oauth' }, { type: 'reset' });
    expect(await bench.send(credential, 'a')).toMatchObject({ kind: 'not_processed' });
  });

  it('a real account’s assertion for another key is a wrong credential', async () => {
    const other = bench.simulator.setup.fcm.other['private_key'];
    const wrong = bench.credential('fcm', {
      serviceAccount: { ...bench.simulator.setup.fcm.serviceAccount, private_key: other },
    });
    expect(await bench.send(wrong, 'a')).toMatchObject({ kind: 'credential_invalid', code: 'invalid_grant' });
  });

  it('verify: a good credential passes and nothing is sent', async () => {
    const outcome = await bench.provider('fcm').verifyCredential(credential);
    expect(outcome).toEqual({ kind: 'accepted', code: 'verified' });
    expect((await bench.simulator.counts()).acceptedTargets).toBe(0);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('verify: a malformed token is what a good credential may be told', async () => {
    await bench.simulator.rule({ provider: 'fcm' }, { type: 'respond', status: 400, reason: 'MALFORMED_TOKEN' });
    expect(await bench.provider('fcm').verifyCredential(credential)).toMatchObject({ kind: 'accepted' });
  });

  it('verify: no permission shows', async () => {
    await bench.simulator.rule({ provider: 'fcm' }, { type: 'respond', status: 403, reason: 'PERMISSION_DENIED' });
    expect(await bench.provider('fcm').verifyCredential(credential)).toMatchObject({ kind: 'credential_invalid' });
  });
});
