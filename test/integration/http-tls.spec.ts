import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followTls, readTls } from '../../src/http/tls.js';
import { CertificateAuthority } from '../../src/simulator/ca.js';
import { Home } from '../../src/simulator/home.js';
import { startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';

const folder = mkdtempSync(join(tmpdir(), 'carillon-tls-'));
const files = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') };
const authority = CertificateAuthority.open(new Home(folder));

let database: TestDatabase;
let api: TestApi;

function renew(): void {
  const { cert, key } = authority.issue(['127.0.0.1']);
  writeFileSync(files.TLS_KEY_FILE, key);
  writeFileSync(files.TLS_CERT_FILE, cert);
}

/** Serial number of the certificate on a new connection, after a whole request over it. */
function servedSerial(): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { ca: authority.cert, agent: false as const };
    get(`${api.baseUrl}/livez`, options, (response) => {
      const { socket } = response;
      const serial = socket instanceof TLSSocket ? socket.getPeerCertificate().serialNumber : '';
      response.resume().on('end', () => resolve(response.statusCode === 200 ? serial : 'no answer'));
    }).on('error', reject);
  });
}

beforeAll(async () => {
  renew();
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl(), LOG_LEVEL: 'silent', ...files });
});

afterAll(async () => {
  await api?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

it('serves HTTPS, and a renewed certificate without a restart', async () => {
  const before = await servedSerial();
  expect(api.baseUrl).toMatch(/^https:/);
  renew();
  await eventually(async () => expect(await servedSerial()).not.toBe(before));
});

it('reports files that do not fit together, and serves the old certificate meanwhile', async () => {
  const before = await servedSerial();
  const reports: unknown[] = [];
  const stop = followTls(files, api.app.getHttpServer(), (error) => reports.push(error));
  writeFileSync(files.TLS_CERT_FILE, 'half a file');
  await eventually(() => reports[0] instanceof Error);
  expect(await servedSerial()).toBe(before);
  renew();
  await eventually(() => reports.at(-1) === undefined);
  stop();
  await eventually(async () => expect(await servedSerial()).not.toBe(before));
});

it('wants both files', () => {
  expect(() => readTls({ TLS_CERT_FILE: files.TLS_CERT_FILE, TLS_KEY_FILE: undefined })).toThrow(/together/);
});
