import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Credential } from '../../src/providers/provider.js';
import { eventually } from '../setup/eventually.js';
import { ProviderBench } from './providers-support.js';

const MINUTE_MS = 60_000;

let first: ProviderBench;
let bench: ProviderBench;
let credential: Credential;

function apnsCredential(on: ProviderBench, environment = 'production', from: 'own' | 'other' = 'own'): Credential {
  const { apns } = on.simulator.setup;
  const { keyId, teamId, bundleId, privateKey } = from === 'own' ? apns : apns.other;
  return on.credential('apns', { keyId, teamId, bundleId, privateKey, environment });
}

beforeAll(async () => {
  first = await ProviderBench.start();
});
beforeEach(async () => {
  await first.simulator.reset();
  await first.simulator.control('POST', '/__clock', { offsetMs: 0 });
  await bench?.transport.close(0);
  bench = first.fresh();
  credential = apnsCredential(bench);
});
afterAll(async () => {
  await bench?.transport.close(0);
  await first.stop();
});

const device = () => randomBytes(32).toString('hex');
const devices = (n: number) => Array.from({ length: n }, device);
const kinds = (outcomes: readonly { kind: string }[]) => [...new Set(outcomes.map(({ kind }) => kind))];
const authorizations = async () => {
  const messages = await bench.simulator.messages('?provider=apns');
  return new Set(messages.map(({ headers }) => headers?.['authorization']));
};

async function advance(ms: number): Promise<void> {
  bench.clock.offsetMs += ms;
  await bench.simulator.control('POST', '/__clock', { offsetMs: bench.clock.offsetMs });
}

describe('APNs provider tokens', () => {
  it('one for many pushes at once: lower-case bearer, r||s, minted once', async () => {
    expect(kinds(await bench.sendMany(credential, devices(100)))).toEqual(['accepted']);
    const [authorization, ...others] = await authorizations();
    expect(others).toEqual([]);
    expect(authorization).toMatch(/^bearer /);
    const [header, claims, signature] = (authorization ?? '').slice(7).split('.');
    const read = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
    const { keyId, teamId } = bench.simulator.setup.apns;
    expect(read(header)).toEqual({ alg: 'ES256', typ: 'JWT', kid: keyId });
    expect(read(claims)).toEqual({ iss: teamId, iat: expect.any(Number) });
    expect(Buffer.from(signature ?? '', 'base64url')).toHaveLength(64);
    expect(bench.store.mints).toBe(1);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('two credentials with one key share its token, or Apple would count updates', async () => {
    await bench.send(credential, device());
    await bench.send(apnsCredential(bench, 'sandbox'), device());
    expect(await authorizations()).toHaveLength(1);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('the stored one is used after a restart', async () => {
    await bench.send(credential, device());
    const restarted = first.fresh();
    for (const [id, token] of bench.store.tokens) restarted.store.tokens.set(id, token);
    expect(await restarted.send(credential, device())).toMatchObject({ kind: 'accepted' });
    expect(restarted.store.mints).toBe(0);
    await restarted.transport.close(0);
  });

  it('is kept for 40 minutes and renewed before 50, in the background', async () => {
    await bench.send(credential, device());
    await advance(44 * MINUTE_MS);
    await bench.send(credential, device());
    expect(bench.store.mints).toBe(1);
    await advance(2 * MINUTE_MS);
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'accepted' });
    await eventually(() => expect(bench.store.mints).toBe(2));
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'accepted' });
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('called expired when it is old enough: one new one, one repeat for each push', async () => {
    await bench.send(credential, device());
    // Apple's clock is ahead of ours: 61 minutes have passed there, 25 here.
    bench.clock.offsetMs = 25 * MINUTE_MS;
    await bench.simulator.control('POST', '/__clock', { offsetMs: 61 * MINUTE_MS });
    const outcomes = await bench.sendMany(credential, devices(10));
    expect(bench.store.mints).toBe(2);
    // The new token is 36 minutes old to Apple, and good.
    expect(kinds(outcomes)).toEqual(['accepted']);
  });

  it('called expired when it is young: clocks differ, so no new one', async () => {
    await bench.simulator.rule({ provider: 'apns' }, { type: 'respond', status: 403, reason: 'ExpiredProviderToken' });
    expect(await bench.send(credential, device())).toMatchObject({
      kind: 'credential_invalid',
      code: 'ExpiredProviderToken',
    });
    expect(bench.store.mints).toBe(1);
    expect(await bench.requests('apns')).toBe(1);
  });

  it('another 403 never makes a new one', async () => {
    await bench.simulator.rule({ provider: 'apns' }, { type: 'respond', status: 403, reason: 'InvalidProviderToken' });
    await bench.sendMany(credential, devices(5));
    expect(bench.store.mints).toBe(1);
    expect(await bench.requests('apns')).toBe(5);
  });

  it('too many updates: the token that we have is kept', async () => {
    await bench.send(credential, device());
    const rule = { type: 'respond', status: 429, reason: 'TooManyProviderTokenUpdates' };
    await bench.simulator.rule({ provider: 'apns' }, rule, 1);
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'throttled', scope: 'lane' });
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'accepted' });
    expect(bench.store.mints).toBe(1);
  });

  it('a connection bound to another key is left, and the push repeated on a new one', async () => {
    await bench.send(credential, device());
    await bench.simulator.rule(
      { provider: 'apns' },
      { type: 'respond', status: 403, reason: 'UnrelatedKeyIdInToken' },
      1,
    );
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'accepted' });
    const messages = await bench.simulator.messages('?provider=apns');
    expect(messages.map(({ verdict }) => verdict.reason)).toEqual(['', 'UnrelatedKeyIdInToken', '']);
    expect(messages[2]?.connectionId).not.toBe(messages[1]?.connectionId);
    expect(bench.store.mints).toBe(1);
  });

  it('…once: refused again, it is the credential', async () => {
    await bench.simulator.rule({ provider: 'apns' }, { type: 'respond', status: 403, reason: 'UnrelatedKeyIdInToken' });
    expect(await bench.send(credential, device())).toMatchObject({ kind: 'credential_invalid' });
    expect(await bench.requests('apns')).toBe(2);
  });
});

describe('APNs connections', () => {
  it('teams, environments and versions of a credential never share one', async () => {
    const other = apnsCredential(bench, 'production', 'other');
    await bench.send(credential, device());
    await bench.send(other, device());
    await bench.send(credential, device(), { target: { environment: 'sandbox' } });
    await bench.send({ ...credential, version: 2 }, device());
    const messages = await bench.simulator.messages('?provider=apns');
    expect(messages.map(({ verdict }) => verdict.accepted)).toEqual([true, true, true, true]);
    expect(new Set(messages.map(({ connectionId }) => connectionId)).size).toBe(4);
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('a device’s environment goes before its credential’s', async () => {
    const sandboxDevice = device();
    await bench.simulator.control('PUT', `/__targets/${sandboxDevice}`, { state: 'live', environment: 'sandbox' });
    expect(await bench.send(credential, sandboxDevice)).toMatchObject({
      kind: 'token_refused',
      code: 'BadDeviceToken',
    });
    expect(await bench.send(credential, sandboxDevice, { target: { environment: 'sandbox' } })).toMatchObject({
      kind: 'accepted',
    });
  });
});

describe('APNs verify', () => {
  it('a good credential is told so by BadDeviceToken, and nobody is pushed', async () => {
    expect(await bench.provider('apns').verifyCredential(credential)).toEqual({ kind: 'accepted', code: 'verified' });
    expect(await bench.simulator.counts()).toMatchObject({ total: 1, accepted: 0 });
    expect(await bench.simulator.violations()).toEqual([]);
  });

  it('another team’s bundle id shows', async () => {
    const { keyId, teamId, privateKey } = bench.simulator.setup.apns;
    const wrong = bench.credential('apns', {
      keyId,
      teamId,
      privateKey,
      bundleId: 'com.else',
      environment: 'production',
    });
    expect(await bench.provider('apns').verifyCredential(wrong)).toMatchObject({
      kind: 'credential_invalid',
      code: 'TopicDisallowed',
    });
  });

  it('a key that Apple does not know shows', async () => {
    const { teamId, bundleId, privateKey } = bench.simulator.setup.apns;
    const wrong = bench.credential('apns', {
      keyId: 'ABCDEFGHIJ',
      teamId,
      bundleId,
      privateKey,
      environment: 'production',
    });
    expect(await bench.provider('apns').verifyCredential(wrong)).toMatchObject({
      kind: 'credential_invalid',
      code: 'InvalidProviderToken',
    });
  });
});
