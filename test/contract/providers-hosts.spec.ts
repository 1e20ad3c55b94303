import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderBench } from './providers-support.js';

let bench: ProviderBench;
const others: ProviderBench[] = [];

beforeAll(async () => {
  bench = await ProviderBench.start();
});
beforeEach(() => bench.simulator.reset());
afterAll(async () => {
  for (const other of others) await other.transport.close(0);
  await bench.stop();
});

function withSettings(settings: Record<string, string>): ProviderBench {
  const other = bench.fresh(settings);
  others.push(other);
  return other;
}

/** The simulators as hosts that an operator put in the providers' place. */
const overridden = () =>
  withSettings({
    FCM_BASE_URL: `${bench.simulator.urls.fcm}/`,
    APNS_BASE_URL: bench.simulator.urls.apns,
    APNS_SANDBOX_BASE_URL: bench.simulator.urls.apnsSandbox,
    PROVIDER_CA_FILE: bench.simulator.urls.caFile,
  });

describe('hosts and whom they are trusted for', () => {
  it('overridden hosts serve real credentials, with their own authority', async () => {
    const at = overridden();
    const { fcm, apns } = bench.simulator.setup;
    const { keyId, teamId, bundleId, privateKey } = apns;
    const account = at.credential('fcm', { serviceAccount: fcm.serviceAccount }, false);
    const key = at.credential('apns', { keyId, teamId, bundleId, privateKey, environment: 'sandbox' }, false);
    expect(await at.send(account, 'token')).toMatchObject({ kind: 'accepted' });
    expect(await at.send(key, 'ab'.repeat(32))).toMatchObject({ kind: 'accepted' });
    expect(await at.send(key, 'cd'.repeat(32), { target: { environment: 'production' } })).toMatchObject({
      kind: 'accepted',
    });
    expect(
      at.provider('fcm').preview({ notificationId: 'n', content: {}, priority: 'high', ttlSeconds: 1 }, account).url,
    ).toBe(`${bench.simulator.urls.fcm}/v1/projects/carillon-demo/messages:send`);
  });

  it('a real credential never trusts the simulators’ authority', async () => {
    const at = withSettings({ APNS_BASE_URL: bench.simulator.urls.apns });
    const { keyId, teamId, bundleId, privateKey } = bench.simulator.setup.apns;
    const key = at.credential('apns', { keyId, teamId, bundleId, privateKey, environment: 'production' }, false);
    expect(await at.send(key, 'ab'.repeat(32))).toMatchObject({ kind: 'not_processed', code: 'tls' });
    expect(await bench.requests('apns')).toBe(0);
  });

  it('simulated credentials stay with the simulators whatever is overridden', async () => {
    const at = withSettings({ FCM_BASE_URL: 'https://127.0.0.1:9', APNS_BASE_URL: 'https://127.0.0.1:9' });
    const account = at.credential('fcm', { serviceAccount: bench.simulator.setup.fcm.serviceAccount });
    expect(await at.send(account, 'token')).toMatchObject({ kind: 'accepted' });
  });

  it('a simulated credential where there is no simulator says so', async () => {
    const at = withSettings({ SIMULATOR_FCM_URL: '', SIMULATOR_APNS_URL: '' });
    const account = at.credential('fcm', { serviceAccount: bench.simulator.setup.fcm.serviceAccount });
    const { keyId, teamId, bundleId, privateKey } = bench.simulator.setup.apns;
    const key = at.credential('apns', { keyId, teamId, bundleId, privateKey, environment: 'production' });
    const absent = { kind: 'credential_invalid', code: 'simulator_not_configured' };
    expect(await at.send(account, 'token')).toEqual(absent);
    expect(await at.send(key, 'ab'.repeat(32))).toEqual(absent);
  });

  it('an exact host and port that the operator allowed is a push service, loopback or not', async () => {
    const { urls } = bench.simulator;
    const { host } = new URL(urls.webpush.mozilla);
    const at = withSettings({ SIMULATOR_WEBPUSH_URLS: '', WEBPUSH_ALLOWED_HOSTS: host });
    const subscription = await bench.simulator.control('POST', '/__subscribe', { profile: 'mozilla' });
    const { token } = at.provider('webpush').parseToken(subscription, {});
    const pair = at.credential('webpush', { subject: 'mailto:a@b.cd', generate: true }, false);
    // It is reached, past the address check; only nobody vouches for its certificate.
    expect(await at.send(pair, token)).toMatchObject({ kind: 'not_processed', code: 'tls' });
  });
});
