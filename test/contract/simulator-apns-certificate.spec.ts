import { randomBytes, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type H2Answer, send, TestSimulator } from './simulator-support.js';

interface Certificate {
  certificate: string;
  privateKey: string;
  bundleId: string;
}

let simulator: TestSimulator;
let own: Certificate;

beforeAll(async () => {
  simulator = await TestSimulator.start();
  own = await issue({});
});
beforeEach(() => simulator.reset());
afterAll(() => simulator.stop());

async function issue(order: object): Promise<Certificate> {
  const made = await simulator.control<{ apnsCertificate: Certificate }>('POST', '/__projects', {
    apnsCertificate: order,
  });
  return made.apnsCertificate;
}

async function push(
  { certificate, privateKey }: Certificate,
  { origin = simulator.urls.apns, headers = {} as Record<string, string> } = {},
): Promise<H2Answer & { streams: number | undefined }> {
  const session = simulator.open(origin, { cert: certificate, key: privateKey });
  try {
    const path = `/3/device/${randomBytes(32).toString('hex')}`;
    const answer = await send(session, { path, headers, body: '{"aps":{}}' });
    return { ...answer, streams: session.remoteSettings.maxConcurrentStreams };
  } finally {
    session.destroy();
  }
}

const reason = (answer: H2Answer): unknown => [answer.status, (JSON.parse(answer.text) as { reason: string }).reason];

describe('APNs with a client certificate', () => {
  it('needs neither token nor topic, and may open many streams at once', async () => {
    const { status, streams } = await push(own);
    expect([status, streams]).toEqual([200, 1000]);
    expect((await push(own, { origin: simulator.urls.apnsSandbox })).status).toBe(200);
  });

  it('pushes to its own bundle id, with the suffix of the push type', async () => {
    const voip = { 'apns-push-type': 'voip', 'apns-topic': 'dev.carillon.demo.voip' };
    expect((await push(own, { headers: voip })).status).toBe(200);
    expect(reason(await push(own, { headers: { 'apns-topic': 'dev.carillon.other' } }))).toEqual([
      400,
      'TopicDisallowed',
    ]);
  });

  it('is refused in production when it is for the sandbox', async () => {
    const sandbox = await issue({ isSandboxOnly: true });
    expect(reason(await push(sandbox))).toEqual([403, 'BadCertificateEnvironment']);
    expect((await push(sandbox, { origin: simulator.urls.apnsSandbox })).status).toBe(200);
  });

  it('is refused when it expired, by the virtual clock', async () => {
    await simulator.control('POST', '/__clock', { offsetMs: 366 * 86_400_000 });
    expect(reason(await push(own))).toEqual([403, 'BadCertificate']);
  });

  it('is refused when another authority made it', async () => {
    const stranger = await TestSimulator.start();
    try {
      const made = await stranger.control<{ apnsCertificate: Certificate }>('POST', '/__projects', {
        apnsCertificate: {},
      });
      expect(reason(await push(made.apnsCertificate))).toEqual([403, 'BadCertificate']);
    } finally {
      await stranger.stop();
    }
  });

  it('is a certificate that others can read', () => {
    const certificate = new X509Certificate(own.certificate);
    expect(certificate.subject).toBe('UID=dev.carillon.demo\nCN=Apple Push Services: dev.carillon.demo');
    expect(certificate.verify(new X509Certificate(simulator.urls.ca).publicKey)).toBe(true);
    expect(certificate.checkIssued(new X509Certificate(simulator.urls.ca))).toBe(true);
  });
});
