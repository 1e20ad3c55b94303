import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDataSource } from '../../src/database/data-source.js';
import { ACCOUNT_ROLES, type AccountRole } from '../../src/http/route.js';
import { RouteTable, type ServedRoute } from '../../src/http/route-table.js';
import { type Person, signIn } from '../setup/accounts.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

/**
 * The least role that may, as the contract says it: written down here, not read from the code. `public`: everybody, and a
 * session changes nothing; `keys`: nobody who is signed in. A new operation needs a row.
 */
const ROLES: Record<string, AccountRole | 'public' | 'keys'> = {
  'GET /livez': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'public',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /sdk/:file': 'public',
  'GET /console': 'public',
  'GET /console/*': 'public',
  'POST /v1/session': 'public',
  'POST /v1/session/link': 'public',
  'GET /v1/session': 'viewer',
  'DELETE /v1/session': 'viewer',
  'PUT /v1/session/password': 'viewer',
  'GET /v1/accounts': 'owner',
  'POST /v1/accounts': 'owner',
  'PATCH /v1/accounts/:id': 'owner',
  'DELETE /v1/accounts/:id': 'owner',
  'POST /v1/accounts/:id/sign-in-links': 'owner',
  'POST /v1/applications': 'owner',
  'GET /v1/applications': 'viewer',
  'GET /v1/applications/:id': 'viewer',
  'PATCH /v1/applications/:id': 'owner',
  'DELETE /v1/applications/:id': 'owner',
  'GET /v1/applications/:id/keys': 'viewer',
  'POST /v1/applications/:id/keys': 'owner',
  'DELETE /v1/applications/:id/keys/:keyId': 'owner',
  'GET /v1/applications/:id/credentials': 'viewer',
  'GET /v1/applications/:id/credentials/:provider': 'viewer',
  'PUT /v1/applications/:id/credentials/:provider': 'owner',
  'DELETE /v1/applications/:id/credentials/:provider': 'owner',
  'POST /v1/applications/:id/credentials/:provider/verify': 'operator',
  'GET /v1/applications/:id/webpush/public-key': 'public',
  'GET /v1/applications/:id/stats': 'viewer',
  'GET /v1/applications/:id/overview': 'viewer',
  'POST /v1/applications/:id/overview/stream': 'viewer',
  'GET /v1/audit': 'viewer',
  'GET /v1/system': 'viewer',
  'GET /v1/system/queues': 'viewer',
  'POST /v1/devices': 'operator',
  'POST /v1/devices/bulk': 'operator',
  'GET /v1/devices': 'viewer',
  'GET /v1/devices/:id': 'viewer',
  'PATCH /v1/devices/:id': 'operator',
  'DELETE /v1/devices/:id': 'operator',
  'GET /v1/devices/:id/deliveries': 'viewer',
  'GET /v1/devices/:id/history': 'viewer',
  'GET /v1/users': 'viewer',
  'DELETE /v1/users/:userId': 'operator',
  'POST /v1/notifications': 'operator',
  'POST /v1/notifications/preview': 'viewer',
  'POST /v1/notifications/audience': 'viewer',
  'GET /v1/notifications': 'viewer',
  'GET /v1/notifications/:id': 'viewer',
  'GET /v1/notifications/:id/deliveries': 'viewer',
  'GET /v1/notifications/:id/deliveries/:deviceId': 'viewer',
  'GET /v1/notifications/:id/deliveries/export': 'viewer',
  'GET /v1/notifications/:id/failures': 'viewer',
  'GET /v1/notifications/:id/timeline': 'viewer',
  'POST /v1/notifications/:id/retry-failed': 'operator',
  'POST /v1/notifications/:id/cancel': 'operator',
  'POST /v1/notifications/:id/pause': 'operator',
  'POST /v1/notifications/:id/resume': 'operator',
  'GET /v1/deliveries': 'viewer',
  'GET /v1/deliveries/why': 'viewer',
  'GET /v1/deliveries/export': 'viewer',
  'POST /v1/receipts': 'keys',
  'GET /v1/realtime/channels/:channel/presence': 'viewer',
  'GET /v1/realtime/users/:userId/presence': 'viewer',
  'POST /v1/realtime/tokens': 'owner',
  'DELETE /v1/realtime/tokens': 'operator',
  'POST /v1/realtime/channels/:channel/messages': 'operator',
  'POST /v1/realtime/tickets': 'public',
  'POST /v1/realtime/acknowledgements': 'public',
  'GET /v1/realtime/events': 'public',
  'GET /v1/realtime/poll': 'public',
  'POST /v1/webhooks': 'owner',
  'GET /v1/webhooks': 'viewer',
  'GET /v1/webhooks/:id': 'viewer',
  'PATCH /v1/webhooks/:id': 'operator',
  'DELETE /v1/webhooks/:id': 'operator',
  'POST /v1/webhooks/:id/rotate-secret': 'owner',
  'GET /v1/webhooks/:id/attempts': 'viewer',
  'POST /v1/webhooks/:id/replay': 'operator',
  'POST /v1/webhooks/:id/test': 'operator',
};

/** Operations that write into the audit log themselves, whoever calls; all others that change something name an action. */
const AUDITED_BY_THEMSELVES =
  /^(POST|PATCH|PUT|DELETE) \/v1\/(session(\/password)?|accounts|accounts\/:id(\/sign-in-links)?|applications.*|webhooks(\/:id(\/rotate-secret)?)?)$/;

const NOWHERE = '00000000-0000-4000-8000-000000000000';

let database: TestDatabase;
let api: TestApi;
let db: DataSource;
let applicationId: string;
let people: Record<AccountRole, Person>;
let served: readonly ServedRoute[];

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  db = await makeDataSource({ url: database.url, poolSize: 2, applicationName: 'test' }).initialize();
  applicationId = (await createApplication(api)).id;
  await call(api, 'PUT', `/v1/applications/${applicationId}/credentials/webpush`, {
    key: api.adminKey,
    body: { subject: 'mailto:ops@example.com', generate: true },
  });
  people = {
    viewer: await signIn(api, 'viewer'),
    operator: await signIn(api, 'operator'),
    owner: await signIn(api, 'owner'),
  };
  served = api.app.get(RouteTable).all();
});

afterAll(async () => {
  await api?.close();
  await db?.destroy();
  await database?.drop();
});

const nameOf = ({ method, path }: ServedRoute) => `${method} ${path}`;
const roleOf = (route: ServedRoute) => ROLES[nameOf(route)];

/** A request that the guard lets through or not; whatever it lets through finds nothing, or is malformed. */
function attempt(person: Person, { method, path, spec }: ServedRoute) {
  const ids: Record<string, string> = { provider: 'fcm', userId: 'nobody', channel: 'nowhere' };
  const place = path.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? NOWHERE);
  const isOfApplication = spec.access !== 'public' && spec.access.includes('server');
  const query = isOfApplication ? `?applicationId=${applicationId}` : '';
  return person.call(method, place + query, method === 'GET' ? undefined : { unknownField: true });
}

/** What people could have changed. */
async function rows(): Promise<unknown> {
  const tables = [
    'application',
    'api_key',
    'credential',
    'account',
    'device',
    'notification',
    'webhook',
    'sign_in_link',
  ];
  const counts = tables.map(
    (table) => `(select md5(coalesce(string_agg(t::text, ','), '')) from ${table} t) as ${table}`,
  );
  return db.query(`select ${counts.join(', ')}`);
}

it('every operation that is served has a row, and every row an operation', () => {
  expect(served.map(nameOf).toSorted()).toEqual(Object.keys(ROLES).toSorted());
});

it('only what the table calls public is', () => {
  const isPublic = ({ spec }: ServedRoute) => spec.access === 'public';
  expect(served.filter((route) => isPublic(route) !== (roleOf(route) === 'public')).map(nameOf)).toEqual([]);
});

describe.each(ACCOUNT_ROLES)('a %s', (role) => {
  const rank = ACCOUNT_ROLES.indexOf(role);

  it('is refused everything that needs more, by name, and nothing changes', async () => {
    const before = await rows();
    const faults: string[] = [];
    for (const route of served) {
      const needed = roleOf(route);
      if (needed === 'public' || needed === undefined) continue;
      if (needed !== 'keys' && ACCOUNT_ROLES.indexOf(needed) <= rank) continue;
      const { status, body } = await attempt(people[role], route);
      const expected = needed === 'keys' ? '401 api_key_missing' : '403 account_role_not_allowed';
      if (`${status} ${body.code}` !== expected) faults.push(`${nameOf(route)}: ${status} ${JSON.stringify(body)}`);
      if (needed !== 'keys' && !body.detail.includes(`the role ${needed};`))
        faults.push(`${nameOf(route)}: ${body.detail}`);
    }
    expect(faults).toEqual([]);
    expect(await rows()).toEqual(before);
  });

  it('is let through to everything else', async () => {
    const faults: string[] = [];
    for (const route of served) {
      const needed = roleOf(route);
      if (needed === 'public' || needed === 'keys' || needed === undefined) continue;
      // It would sign this person out; `accounts-sign-in.spec.ts` does.
      if (ACCOUNT_ROLES.indexOf(needed) > rank || nameOf(route) === 'DELETE /v1/session') continue;
      const { status, body } = await attempt(people[role], route);
      if (status >= 500 || status === 401 || status === 403) {
        faults.push(`${nameOf(route)}: ${status} ${JSON.stringify(body)}`);
      }
    }
    expect(faults).toEqual([]);
  });
});

it('a viewer gets nothing done with requests that are in order', async () => {
  const before = await rows();
  const { accountId } = people.viewer;
  for (const [method, path, body] of [
    ['POST', '/v1/notifications', { audience: { all: true }, content: { title: 'never sent' } }],
    ['POST', '/v1/devices', { provider: 'fcm', token: `never-registered:APA91b${'x'.repeat(30)}` }],
    ['DELETE', '/v1/users/nobody', undefined],
    ['POST', '/v1/webhooks', { url: 'https://hooks.example.com/never', events: ['credential.broken'] }],
    ['POST', '/v1/realtime/tokens', { userId: 'nobody' }],
    ['POST', `/v1/applications/${applicationId}/keys`, { role: 'admin' }],
    ['PATCH', `/v1/applications/${applicationId}`, { name: 'never renamed' }],
    ['DELETE', `/v1/applications/${applicationId}`, undefined],
    ['POST', '/v1/applications', { name: 'never made' }],
    ['PATCH', `/v1/accounts/${accountId}`, { role: 'owner' }],
    ['POST', '/v1/accounts', { email: 'never@example.com', role: 'owner' }],
    ['POST', `/v1/accounts/${people.owner.accountId}/sign-in-links`, undefined],
  ] as const) {
    const isOfApplication = !/^\/v1\/(applications|accounts)/.test(path);
    const query = isOfApplication ? `?applicationId=${applicationId}` : '';
    // Neither a path written otherwise nor another method in a header is a way around.
    for (const [place, headers] of [
      [path + query, {}],
      [`${path.replace('/v1', '/%761')}${query}`, {}],
      [path + query, { 'x-http-method-override': 'GET' }],
    ] as const) {
      const answer = await people.viewer.call(method, place, body, headers);
      expect(answer.status, `${method} ${place}`).toBe(403);
      expect(answer.body.code).toBe('account_role_not_allowed');
    }
  }
  expect(await rows()).toEqual(before);
});

it('people say for which application, and it must exist', async () => {
  const { owner } = people;
  expect((await owner.call('GET', '/v1/devices')).body.errors[0].path).toBe('query.applicationId');
  expect((await owner.call('GET', `/v1/devices?applicationId=${NOWHERE}`)).body.code).toBe('application_not_found');
});

it('whatever people change is in the audit log, or the operation says under which name', () => {
  const silent = served.filter((route) => {
    const role = roleOf(route);
    if (route.method === 'GET' || role === 'public' || role === 'keys' || role === 'viewer') return false;
    return (route.spec.audit !== undefined) === AUDITED_BY_THEMSELVES.test(nameOf(route));
  });
  expect(silent.map(nameOf)).toEqual([]);
});

it('the audit log says who sent, changed and made what, and nothing of dry runs', async () => {
  const { operator, owner } = people;
  const of = (path: string) => `${path}?applicationId=${applicationId}`;
  const message = { audience: { userIds: ['nobody'] }, content: { title: 'x' } };
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const sent = await operator.call('POST', of('/v1/notifications'), { ...message, options: { sendAt } });
  expect(sent.status, JSON.stringify(sent.body)).toBe(202);
  const { id } = sent.body;
  await operator.call('POST', of(`/v1/notifications/${id}/pause`));
  await operator.call('POST', of(`/v1/notifications/${id}/resume`));
  await operator.call('POST', of(`/v1/notifications/${id}/cancel`));
  await operator.call('POST', of(`/v1/notifications/${id}/cancel`));
  await operator.call('POST', of('/v1/notifications'), { ...message, options: { dryRun: true } });
  const lines = await call(api, 'POST', of('/v1/devices/bulk'), {
    headers: { cookie: operator.cookie, 'x-csrf-token': operator.csrfToken, 'content-type': 'application/x-ndjson' },
    body: { provider: 'fcm', token: `bulk:APA91b${'x'.repeat(30)}` },
  });
  expect(lines.status).toBe(200);
  await owner.call('DELETE', of('/v1/users/somebody'));
  const key = await owner.call('POST', `/v1/applications/${applicationId}/keys`, { role: 'server' });
  const { items } = (await people.viewer.call('GET', `/v1/audit?applicationId=${applicationId}&limit=8`)).body;
  const who = ({ accountId, email }: Person) => ({ keyId: 'console', accountId, accountEmail: email, applicationId });
  const by = (person: Person, action: string, subject: string) => ({ ...who(person), action, subject });
  expect(items).toMatchObject([
    by(owner, 'api_key.create', key.body.id),
    by(owner, 'user.forget', 'somebody'),
    by(operator, 'device.register_many', ''),
    by(operator, 'notification.cancel', id),
    by(operator, 'notification.resume', id),
    by(operator, 'notification.pause', id),
    by(operator, 'notification.send', id),
    { keyId: expect.any(String), accountId: null, accountEmail: null },
  ]);
  expect(JSON.stringify(items)).not.toContain(key.body.key);

  const only = async (query: string) => (await owner.call('GET', `/v1/audit?${query}`)).body.items;
  expect((await only(`subject=${id}`)).map(({ action }: { action: string }) => action)).toEqual(
    ['cancel', 'resume', 'pause', 'send'].map((action) => `notification.${action}`),
  );
  const own = await only(`accountId=${owner.accountId}&limit=1000`);
  expect(new Set(own.map(({ accountEmail }: { accountEmail: string }) => accountEmail))).toEqual(
    new Set([owner.email]),
  );
  expect(await only(`accountId=${owner.accountId}&subject=${id}`)).toEqual([]);
});
