import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../setup/app.js';
import type { World } from '../setup/world.js';
import { CREDENTIAL_CASES, CREDENTIAL_SECRETS, GOOD_CREDENTIALS } from './malformed-credential-cases.js';
import { ENDPOINT_CASES, GOOD_DEVICES, TOKEN_CASES } from './malformed-device-cases.js';
import { MESSAGE_CASES, SIZE_CASES } from './malformed-message-cases.js';
import {
  expectAlive,
  faultsOf,
  makeTenant,
  providerRequests,
  send,
  settledFingerprint,
  startWorld,
  type Tenant,
} from './malformed-support.js';

let world: World;
let tenant: Tenant;
let before: Record<string, string>;
let sentBefore: number;

beforeAll(async () => {
  world = await startWorld();
  tenant = await makeTenant(world);
  before = await settledFingerprint(world);
  sentBefore = await providerRequests(world);
});
afterAll(() => world?.close());

describe('a device whose token cannot be one', () => {
  for (const [name, body, refusal] of [...TOKEN_CASES, ...ENDPOINT_CASES]) {
    it(`is refused, new or known: ${name}`, async () => {
      const { provider, ...change } = body;
      const known = tenant.devices[provider as 'fcm' | 'apns' | 'webpush'];
      const faults = [];
      for (const key of [tenant.serverKey, tenant.clientKey]) {
        const answer = await send(world, { method: 'POST', path: '/v1/devices', key, body });
        faults.push(...faultsOf(answer, refusal));
        expect(JSON.stringify(answer.body)).not.toMatch(/secret@|APA91b/);
      }
      // A known device knows its provider, which says more than that the field is for another one.
      const { code: _, ...sameField } = refusal;
      const isForOtherProvider = 'environment' in change || (provider === 'apns' && 'vapidPublicKey' in change);
      if (!isForOtherProvider) {
        const path = `/v1/devices/${known}`;
        const answer = await send(world, { method: 'PATCH', path, key: tenant.serverKey, body: change });
        faults.push(...faultsOf(answer, sameField));
      }
      expect(faults).toEqual([]);
    });
  }
});

describe('a credential that cannot work', () => {
  for (const [provider, name, body, path] of CREDENTIAL_CASES) {
    it(`is refused and the old one stays: ${provider}, ${name}`, async () => {
      const answer = await send(world, {
        method: 'PUT',
        path: `/v1/applications/${tenant.id}/credentials/${provider}`,
        key: tenant.adminKey,
        body,
      });
      expect(faultsOf(answer, { status: 400, code: 'invalid_credential', path })).toEqual([]);
      for (const secret of CREDENTIAL_SECRETS) expect(JSON.stringify(answer.body)).not.toContain(secret);
    });
  }
});

describe('a notification that a provider would not take', () => {
  for (const [name, part, refusal] of [...MESSAGE_CASES, ...SIZE_CASES]) {
    it(`is refused, sent, rehearsed or shown: ${name}`, async () => {
      const body = { audience: { all: true }, content: { title: 'never sent' }, ...part };
      const rehearsal = { ...body, options: { ...part.options, dryRun: true } };
      const faults = [];
      for (const [path, given] of [
        ['/v1/notifications', body],
        ['/v1/notifications', rehearsal],
        ['/v1/notifications/preview', body],
      ] as const) {
        faults.push(
          ...faultsOf(await send(world, { method: 'POST', path, key: tenant.serverKey, body: given }), refusal),
        );
      }
      expect(faults).toEqual([]);
    });
  }
});

it('and nothing changed, nothing was sent, and the service is well', async () => {
  expect(await settledFingerprint(world)).toEqual(before);
  expect(await providerRequests(world)).toBe(sentBefore);
  await expectAlive(world, tenant);
});

describe('what the cases were made from', () => {
  for (const [name, body] of GOOD_DEVICES) {
    it(`is taken: ${name}`, async () => {
      const answer = await send(world, { method: 'POST', path: '/v1/devices', key: tenant.serverKey, body });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    });
  }

  for (const [provider, body] of GOOD_CREDENTIALS) {
    it(`is taken: a credential for ${provider} with ${Object.keys(body)[0]}`, async () => {
      const path = `/v1/applications/${tenant.id}/credentials/${provider}`;
      const answer = await send(world, { method: 'PUT', path, key: tenant.adminKey, body });
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      for (const secret of CREDENTIAL_SECRETS) expect(JSON.stringify(answer.body)).not.toContain(secret);
    });
  }
});

it('among the lines of an import each bad device is refused for its reason, and the others are stored', async () => {
  // A line may have 64 KB; beyond that nobody looks at what is in it.
  const cases = [...TOKEN_CASES, ...ENDPOINT_CASES].filter(([, body]) => JSON.stringify(body).length < 60_000);
  const good = cases.map((_, index) => ({ provider: 'fcm', token: `good-${index}:APA91b${'x'.repeat(40)}` }));
  const lines = cases.flatMap(([, body], index) => [body, good[index]]);
  const other = await world.application();
  const answer = await send(world, {
    method: 'POST',
    path: '/v1/devices/bulk',
    key: other.serverKey,
    raw: lines.map((line) => JSON.stringify(line)).join('\n'),
    contentType: 'application/x-ndjson',
  });
  const results = String(answer.body)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(results.map(({ status }) => status)).toEqual(cases.flatMap(() => ['error', 'created']));
  for (const [index, [name, , refusal]] of cases.entries()) {
    const { error } = results[2 * index];
    if (refusal.code) expect(error.code, name).toBe(refusal.code);
    const paths: string[] = error.errors.map(({ path }: { path: string }) => path);
    expect(
      paths.some((path) => path === refusal.path || path.startsWith(`${refusal.path}.`)),
      `${name}: ${paths}`,
    ).toBe(true);
  }
  const removed = await call(world.api, 'DELETE', `/v1/applications/${other.id}`, { key: world.api.adminKey });
  expect(removed.status).toBe(204);
});

it('an endpoint that redirects is not followed', async () => {
  const application = await world.application(['webpush']);
  const token = await world.subscription(application, 'redirect');
  const device = await world.device(application, 'webpush', token);
  const id = await world.notify(application, { audience: { deviceIds: [device] }, options: { ttlSeconds: 0 } });
  await world.until(application, id, { status: 'completed', counts: { accepted: 0, planned: 1 } }, 60_000);
  expect((await world.control('GET', '/__stats')).canaryHits).toBe(0);
}, 90_000);
