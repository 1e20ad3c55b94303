import { afterAll, beforeAll, expect, it } from 'vitest';
import { call } from '../setup/app.js';
import type { World } from '../setup/world.js';
import { casesOf, type Paths } from './malformed-schema-cases.js';
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

/** A request body that is in order, for each operation that takes one; each case gets one thing in it wrong. */
const SAMPLES: Record<string, object> = {
  'POST /v1/applications': { name: 'never made' },
  'PATCH /v1/applications/{id}': { name: 'never renamed' },
  'POST /v1/applications/{id}/keys': { role: 'server', name: 'never made' },
  'PUT /v1/applications/{id}/credentials/{provider}': { subject: 'mailto:ops@example.com', generate: true },
  'POST /v1/accounts': { email: 'never@example.com', role: 'viewer' },
  'PATCH /v1/accounts/{id}': { name: 'never renamed' },
  'POST /v1/devices': { provider: 'fcm', token: 'never-registered:APA91bAAAAAAAAAAAAAAAAAAAA' },
  'PATCH /v1/devices/{id}': { appVersion: 'never set' },
  'POST /v1/notifications': { audience: { all: true }, content: { title: 'never sent' } },
  'POST /v1/notifications/preview': { content: { title: 'never sent' } },
  'POST /v1/notifications/audience': { audience: { topics: ['nothing'] } },
  'POST /v1/notifications/{id}/retry-failed': { codes: ['UNREGISTERED'] },
  'POST /v1/receipts': {
    deviceId: '00000000-0000-4000-8000-000000000000',
    notificationId: '00000000-0000-7000-8000-000000000000',
    type: 'opened',
  },
  'POST /v1/realtime/tokens': { userId: 'never-issued' },
  'DELETE /v1/realtime/tokens': { userId: 'never-revoked' },
  'POST /v1/realtime/channels/{channel}/messages': { event: 'never-published', data: 1 },
  'POST /v1/webhooks': { url: 'https://hooks.example.com/never', events: ['credential.broken'] },
  'PATCH /v1/webhooks/{id}': { enabled: false },
  'POST /v1/webhooks/{id}/replay': { eventId: '00000000-0000-4000-8000-000000000000' },
};

const AT_ONCE = 16;

let world: World;
let tenant: Tenant;

beforeAll(async () => {
  world = await startWorld();
  tenant = await makeTenant(world);
});
afterAll(() => world?.close());

it('every field of every operation, wrong in every way, is refused by name and changes nothing', async () => {
  const { paths } = (await call(world.api, 'GET', '/openapi.json')).body as { paths: Paths };
  const before = await settledFingerprint(world);
  const sentBefore = await providerRequests(world);
  const faults: string[] = [];
  let count = 0;
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      if (!operation.description.startsWith('Key: ')) continue;
      const sample = SAMPLES[`${method.toUpperCase()} ${path}`];
      if (operation.requestBody?.content['application/json'] && sample === undefined) {
        faults.push(`${method.toUpperCase()} ${path} needs a row in SAMPLES`);
        continue;
      }
      const ids = {
        id: idFor(path),
        keyId: tenant.spareKey,
        deviceId: tenant.devices.fcm,
        provider: 'webpush',
        userId: 'nobody',
        channel: 'nowhere',
      };
      const key = keyFor(operation.description);
      const cases = casesOf(method, path, operation, sample, ids);
      count += cases.length;
      for (let start = 0; start < cases.length; start += AT_ONCE) {
        const found = cases.slice(start, start + AT_ONCE).map(async ({ name, field, request }) => {
          const refusal = field === undefined ? { code: 'malformed_request' } : { path: field };
          return faultsOf(await send(world, { ...request, key }), refusal).map((fault) => `${name}: ${fault}`);
        });
        faults.push(...(await Promise.all(found)).flat());
      }
    }
  }
  expect(faults).toEqual([]);
  expect(count).toBeGreaterThan(1_000);
  expect(await settledFingerprint(world)).toEqual(before);
  expect(await providerRequests(world)).toBe(sentBefore);
  await expectAlive(world, tenant);
}, 120_000);

function idFor(path: string): string {
  if (path.startsWith('/v1/devices')) return tenant.devices.apns;
  if (path.startsWith('/v1/webhooks')) return tenant.webhook;
  // What is scheduled can be cancelled, paused and resumed, so a request that slipped through would show.
  return path.startsWith('/v1/notifications') ? tenant.scheduled : tenant.id;
}

function keyFor(description: string): string {
  if (description.includes('server')) return tenant.serverKey;
  return description.includes('client') ? tenant.clientKey : world.api.adminKey;
}
