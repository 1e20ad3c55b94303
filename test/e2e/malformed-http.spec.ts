import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/http/pagination.js';
import type { World } from '../setup/world.js';
import {
  expectAlive,
  faultsOf,
  makeTenant,
  type Refusal,
  send,
  sendBytes,
  settledFingerprint,
  startWorld,
  type Tenant,
  type WireRequest,
} from './malformed-support.js';

let world: World;
let tenant: Tenant;
let before: Record<string, string>;

beforeAll(async () => {
  world = await startWorld();
  tenant = await makeTenant(world);
  before = await settledFingerprint(world);
});
afterAll(() => world?.close());

const DEVICES = '/v1/devices';
const NOTIFICATIONS = '/v1/notifications';
const DEVICE = '{"provider":"fcm","token":"never-registered:APA91bAAAAAAAAAA"}';

const malformed: Refusal = { status: 400, code: 'malformed_request' };
const wrongType: Refusal = { status: 415, code: 'unsupported_media_type' };

describe('a body that is not what it says', () => {
  const cases: [name: string, request: Omit<WireRequest, 'method' | 'path' | 'key'>, refusal: Refusal][] = [
    ['text', { raw: 'provider=fcm' }, malformed],
    ['half of it', { raw: DEVICE.slice(0, -5) }, malformed],
    ['two of them', { raw: DEVICE + DEVICE }, malformed],
    ['NaN', { raw: '{"provider":"fcm","token":NaN}' }, malformed],
    ['a comment', { raw: `${DEVICE}// hello` }, malformed],
    ['a trailing comma', { raw: '{"provider":"fcm",}' }, malformed],
    ['single quotes', { raw: "{'provider':'fcm'}" }, malformed],
    ['a byte order mark in UTF-16', { raw: Buffer.from(`\ufeff${DEVICE}`, 'utf16le') }, malformed],
    ['Latin-1', { raw: Buffer.from(DEVICE.replace('never', 'jamäis'), 'latin1') }, malformed],
    [
      'an overlong encoding',
      { raw: Buffer.concat([Buffer.from('{"provider":"'), Buffer.of(0xc0, 0x80), Buffer.from('"}')]) },
      malformed,
    ],
    ['a bare control character in a text', { raw: '{"provider":"f\u0001cm"}' }, malformed],
    ['nesting of 100,000 levels', { raw: '['.repeat(100_000) }, malformed],
    ['a list of 100,000 empty lists', { raw: `[${'[],'.repeat(100_000)}[]]` }, { status: 400 }],
    [
      'two megabytes',
      { raw: JSON.stringify({ provider: 'fcm', token: 'x'.repeat(2_097_152) }) },
      { status: 413, code: 'body_too_large' },
    ],
    [
      'the same field twice',
      { raw: '{"provider":"fcm","provider":"nonsense","token":"abc:APA91b"}' },
      { path: 'provider' },
    ],
    [
      'compressed',
      { raw: gzipSync(DEVICE), headers: { 'content-encoding': 'gzip' } },
      { status: 415, code: 'unsupported_media_type' },
    ],
    ['a form', { raw: 'provider=fcm&token=x', contentType: 'application/x-www-form-urlencoded' }, wrongType],
    ['XML', { raw: '<device/>', contentType: 'application/xml' }, wrongType],
    ['a text', { raw: DEVICE, contentType: 'text/plain' }, wrongType],
    ['lines', { raw: DEVICE, contentType: 'application/x-ndjson' }, wrongType],
    ['parts', { raw: DEVICE, contentType: 'multipart/form-data; boundary=x' }, wrongType],
    ['a media type that is none', { raw: DEVICE, contentType: 'json' }, wrongType],
    ['a long media type', { raw: DEVICE, contentType: `application/${'x'.repeat(5_000)}` }, wrongType],
  ];
  for (const [name, request, refusal] of cases) {
    it(`is refused: ${name}`, async () => {
      const answer = await send(world, { method: 'POST', path: DEVICES, key: tenant.serverKey, ...request });
      expect(faultsOf(answer, refusal)).toEqual([]);
    });
  }
});

describe('an import', () => {
  const importing = (raw: string | Buffer<ArrayBuffer>, contentType = 'application/x-ndjson') =>
    send(world, { method: 'POST', path: '/v1/devices/bulk', key: tenant.serverKey, raw, contentType });

  it('of garbage gets one error per line and stores nothing', async () => {
    const lines = [
      'garbage',
      '{}',
      'null',
      '[]',
      '42',
      '"text"',
      '{"provider":"fcm"',
      '{"provider":"fcm","token":""}',
      '{"provider":"smoke signals","token":"x"}',
      '{"provider":"fcm","token":"abc:APA91b","userToken":"x.y.z"}',
      '{"provider":"fcm","token":"a\\u0000b"}',
      '{"provider":"fcm","token":"abc:APA91b","userId":"\\ud800"}',
      '{"provider":"fcm","token":"abc:APA91b","__proto__":{"isAdmin":true}}',
      '{"provider":"fcm","token":"abc:APA91b","constructor":1}',
      '{"provider":"fcm","token":"abc:APA91b","applicationId":"00000000-0000-4000-8000-000000000000"}',
      `{"provider":"fcm","token":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
      `{"provider":"fcm","token":"${'x'.repeat(70_000)}"}`,
      '\u0000\u0001\u0002',
      ')]}\',{"provider":"fcm"}',
    ];
    const answer = await importing(lines.join('\r\n'));
    expect(answer.status).toBe(200);
    const results = String(answer.body)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(results.map(({ line, status }) => [line, status])).toEqual(lines.map((_, index) => [index + 1, 'error']));
    for (const { error } of results) expect(error.code).toMatch(/^(malformed_line|invalid_request|invalid_token)$/);
  });

  it('of bytes that are no text gets errors, too', async () => {
    const answer = await importing(Buffer.from([0xff, 0xfe, 0x0a, 0xc3, 0x28, 0x0a, 0x80, 0x0a]));
    expect(
      String(answer.body)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).error.code),
    ).toEqual(Array(3).fill('malformed_line'));
  });

  it('as JSON or with a client key is refused whole', async () => {
    expect(faultsOf(await importing(DEVICE, 'application/json'), wrongType)).toEqual([]);
    const request = { method: 'POST', path: '/v1/devices/bulk', raw: DEVICE, contentType: 'application/x-ndjson' };
    const answer = await send(world, { ...request, key: tenant.clientKey });
    expect(faultsOf(answer, { status: 403, code: 'role_not_allowed' })).toEqual([]);
  });
});

describe('a cursor that no list gave', () => {
  const lists = {
    applications: () => ({ path: '/v1/applications', key: world.api.adminKey }),
    keys: () => ({ path: `/v1/applications/${tenant.id}/keys`, key: tenant.adminKey }),
    audit: () => ({ path: '/v1/audit', key: tenant.adminKey }),
    devices: () => ({ path: DEVICES, key: tenant.serverKey }),
    notifications: () => ({ path: NOTIFICATIONS, key: tenant.serverKey }),
    deliveries: () => ({ path: '/v1/deliveries', key: tenant.serverKey }),
    'deliveries of a notification': () => ({
      path: `${NOTIFICATIONS}/${tenant.notification}/deliveries`,
      key: tenant.serverKey,
    }),
    'deliveries of a device': () => ({ path: `${DEVICES}/${tenant.devices.apns}/deliveries`, key: tenant.serverKey }),
  };
  const cursors = [
    'x',
    '!!!',
    '%00',
    "' or 1=1 --",
    encodeCursor([]),
    encodeCursor(['1; drop table device']),
    encodeCursor([-1, 'x']),
    encodeCursor([1.5]),
    encodeCursor([1e300]),
    encodeCursor(['2026-13-45T99:99:99.000000Z', '00000000-0000-0000-0000-000000000000', 1]),
    encodeCursor(['0000-01-01T00:00:00.000000Z', '00000000-0000-0000-0000-000000000000', 1]),
    encodeCursor(['9999-12-31T23:59:59.999999Z', 'not-a-uuid', 1]),
    Buffer.from('{"__proto__":1}').toString('base64url'),
    Buffer.from('null').toString('base64url'),
    Buffer.from('[null]').toString('base64url'),
    Buffer.from('[[1]]').toString('base64url'),
    Buffer.from('[1e999]').toString('base64url'),
  ];
  for (const [name, of] of Object.entries(lists)) {
    it(`is refused: ${name}`, async () => {
      const { path, key } = of();
      const faults = await Promise.all(
        cursors.map(async (cursor) => {
          const answer = await send(world, {
            method: 'GET',
            path: `${path}?cursor=${encodeURIComponent(cursor)}`,
            key,
          });
          const refusal = { code: 'invalid_request', path: 'query.cursor' };
          return faultsOf(answer, refusal).map((fault) => `${cursor}: ${fault}`);
        }),
      );
      expect(faults.flat()).toEqual([]);
    });
  }

  it('is refused by another list', async () => {
    const { nextCursor } = (await world.get(tenant, `${DEVICES}?limit=1`)).body;
    expect(nextCursor).toBeTypeOf('string');
    const answer = await world.get(tenant, `${NOTIFICATIONS}?cursor=${nextCursor}`);
    expect(faultsOf(answer, { path: 'query.cursor' })).toEqual([]);
  });
});

describe('a time that is unusual and yet a time', () => {
  for (const time of [
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '1969-12-31T23:59:59.999Z',
    '9999-12-31T23:59:59-23:59',
  ]) {
    it(`limits a list: ${time}`, async () => {
      for (const path of [NOTIFICATIONS, '/v1/deliveries']) {
        const other = time > '2' ? 'to' : 'from';
        const all = await world.get(tenant, `${path}?${other}=${time}&limit=10`);
        expect(all.status, JSON.stringify(all.body)).toBe(200);
        const none = await world.get(tenant, `${path}?${other === 'to' ? 'from' : 'to'}=${time}`);
        expect(none.body, `${path} ${time}`).toMatchObject({ items: [] });
        if (path === NOTIFICATIONS) expect(all.body.items).toHaveLength(2);
      }
    });
  }
});

const MANY_HEADERS = Array.from({ length: 3_000 }, (_, index) => `x-${index}: 1`);

describe('bytes that are no HTTP', () => {
  const head = (lines: string[], body = '') => [...lines, 'connection: close', '', body].join('\r\n');
  const authorization = () => `authorization: Bearer ${tenant.serverKey}`;
  const post = (...lines: string[]) => [
    'POST /v1/devices HTTP/1.1',
    'host: x',
    authorization(),
    'content-type: application/json',
    ...lines,
  ];
  const cases: [name: string, bytes: () => string, status: RegExp][] = [
    ['garbage', () => '\x16\x03\x01\x02\x00\r\n\r\n', /^HTTP\/1.1 400 /],
    ['no host', () => head(['GET /livez HTTP/1.1']), /^HTTP\/1.1 400 /],
    ['a header name with a blank', () => head(['GET /livez HTTP/1.1', 'host: x', 'x evil: 1']), /^HTTP\/1.1 400 /],
    [
      'a folded header',
      () => head(['GET /v1/devices HTTP/1.1', 'host: x', 'x-request-id: a', ' b']),
      /^HTTP\/1.1 4\d\d /,
    ],
    ['NUL in a header', () => head(['GET /livez HTTP/1.1', 'host: x', 'x-request-id: a\0b']), /^HTTP\/1.1 400 /],
    [
      'a bare line break in a header',
      () => head(['GET /livez HTTP/1.1', 'host: x', 'x-request-id: a\nset-cookie: b=1']),
      /^HTTP\/1.1 (400|200) /,
    ],
    [
      'headers of 100 KB',
      () => head(['GET /livez HTTP/1.1', 'host: x', `x-long: ${'x'.repeat(100_000)}`]),
      /^HTTP\/1.1 431 /,
    ],
    ['a path of 100 KB', () => head([`GET /${'x'.repeat(100_000)} HTTP/1.1`, 'host: x']), /^HTTP\/1.1 (414|431) /],
    ['two lengths', () => head(post('content-length: 2', 'content-length: 3'), '{}'), /^HTTP\/1.1 400 /],
    ['a negative length', () => head(post('content-length: -1'), '{}'), /^HTTP\/1.1 400 /],
    [
      'a length and chunks',
      () => head(post('content-length: 2', 'transfer-encoding: chunked'), '2\r\n{}\r\n0\r\n\r\n'),
      /^HTTP\/1.1 400 /,
    ],
    [
      'a chunk without a size',
      () => head(post('transfer-encoding: chunked'), 'zz\r\n{}\r\n0\r\n\r\n'),
      /^HTTP\/1.1 400 /,
    ],
    ['a method of its own', () => head(['STEAL /v1/devices HTTP/1.1', 'host: x']), /^HTTP\/1.1 4\d\d /],
    ['TRACE', () => head(['TRACE /v1/devices HTTP/1.1', 'host: x', authorization()]), /^HTTP\/1.1 4\d\d /],
    ['CONNECT', () => head(['CONNECT 127.0.0.1:6379 HTTP/1.1', 'host: x']), /^(HTTP\/1.1 4\d\d |$)/],
    ['a path out of the tree', () => head(['GET /../../etc/passwd HTTP/1.1', 'host: x']), /^HTTP\/1.1 4\d\d /],
    [
      'an encoding that is broken',
      () => head(['GET /v1/devices/%zz HTTP/1.1', 'host: x', authorization()]),
      /^HTTP\/1.1 400 /,
    ],
    [
      'an encoding that is no UTF-8',
      () => head(['DELETE /v1/users/%ff%fe HTTP/1.1', 'host: x', authorization()]),
      /^HTTP\/1.1 400 /,
    ],
    [
      'half a surrogate in a path',
      () => head(['DELETE /v1/users/%ed%a0%80 HTTP/1.1', 'host: x', authorization()]),
      /^HTTP\/1.1 400 /,
    ],
    [
      'another server as target',
      () => head(['GET http://169.254.169.254/latest HTTP/1.1', 'host: x']),
      /^HTTP\/1.1 4\d\d /,
    ],
    [
      'an expectation',
      () => head(['GET /v1/devices HTTP/1.1', 'host: x', authorization(), 'expect: miracles']),
      /^HTTP\/1.1 417 /,
    ],
    ['3,000 headers', () => head(['GET /livez HTTP/1.1', 'host: x', ...MANY_HEADERS]), /^HTTP\/1.1 431 /],
    ['HTTP/2 without being asked', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1.1 4\d\d /],
  ];
  for (const [name, bytes, status] of cases) {
    it(`get an answer that is one, and split none: ${name}`, async () => {
      const answer = await sendBytes(world, bytes());
      expect(answer).toMatch(status);
      expect(answer).not.toMatch(/^set-cookie/im);
      if (!/^HTTP\/1.1 4/.test(answer)) return;
      const [headers = '', body = ''] = answer.split('\r\n\r\n');
      expect(headers.toLowerCase()).toContain('content-type: application/problem+json');
      const problem = JSON.parse(body);
      expect(problem).toMatchObject({ code: expect.stringMatching(/^[a-z_0-9]+$/), requestId: expect.any(String) });
      expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    });
  }
});

describe('a path that leads nowhere', () => {
  for (const path of [
    '/',
    '/v1',
    '/v1/',
    '/v2/devices',
    '/v1/devices/',
    '/v1/Devices',
    '/v1//devices',
    '/.env',
    '/.git/config',
    '/v1/devices/..%2f..%2fetc',
    '/v1/%64evices/%00',
    '/wp-login.php',
    `/v1/devices/${'x'.repeat(600)}`,
  ]) {
    it(`is 404: ${path.slice(0, 40)}`, async () => {
      const answer = await send(world, { method: 'GET', path, key: tenant.serverKey });
      expect(faultsOf(answer)).toEqual([]);
      expect([400, 404, 414]).toContain(answer.status);
    });
  }

  it('or a method that it does not know is 405', async () => {
    for (const [method, path] of [
      ['PUT', DEVICES],
      ['DELETE', NOTIFICATIONS],
      ['PATCH', `${NOTIFICATIONS}/${tenant.notification}`],
      ['POST', '/livez'],
    ] as const) {
      const answer = await send(world, { method, path, key: tenant.serverKey });
      expect(faultsOf(answer, { status: 405, code: 'method_not_allowed' })).toEqual([]);
      expect(answer.headers.get('allow')).toMatch(/[A-Z]/);
    }
  });
});

it('and nothing of it changed anything', async () => {
  expect(await settledFingerprint(world)).toEqual(before);
  await expectAlive(world, tenant);
});
