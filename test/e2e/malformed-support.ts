import { connect } from 'node:net';
import { expect } from 'vitest';
import { type Answer, call } from '../setup/app.js';
import { eventually } from '../setup/eventually.js';
import { type TestApplication, World } from '../setup/world.js';

/** An application with one of everything that a malformed request could break. */
export interface Tenant extends TestApplication {
  /** One device per provider. */
  devices: { fcm: string; apns: string; webpush: string };
  /** Of the FCM device, which a client registered. */
  deviceSecret: string;
  /** Completed. */
  notification: string;
  /** Waits for its time. */
  scheduled: string;
  /** Id of an API key that nothing else uses. */
  spareKey: string;
  /** Has nothing to tell. */
  webhook: string;
}

/** One request as it goes over the wire. */
export interface WireRequest {
  method: string;
  path: string;
  key?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Buffer<ArrayBuffer>;
  contentType?: string;
}

/** What must be said about a refused request. Absent: any 4xx, any code. */
export interface Refusal {
  status?: number;
  code?: string;
  /** One of `errors[].path`, or the start of one. */
  path?: string;
  /** What the message at that path tells. */
  message?: RegExp;
}

const SECRET_USER = 'malformed-user';

export async function startWorld(): Promise<World> {
  return World.start({ TRUST_PROXY: true, METRICS_TOKEN: 'malformed-metrics-token' });
}

/** Registers, sends and schedules, and waits until nothing moves any more. */
export async function makeTenant(world: World): Promise<Tenant> {
  const application = await world.application();
  const devices = {
    fcm: '',
    apns: await world.device(application, 'apns', undefined, { userId: SECRET_USER, topics: ['news'] }),
    webpush: await world.device(application, 'webpush', undefined, { userId: SECRET_USER, tags: { plan: 'pro' } }),
  };
  const token = `${crypto.randomUUID().replaceAll('-', '')}:APA91b${crypto.randomUUID()}`;
  const registered = await call(world.api, 'POST', '/v1/devices', {
    key: application.clientKey,
    body: { provider: 'fcm', token },
  });
  devices.fcm = registered.body.id;
  const notification = await world.notify(application, { audience: { all: true } });
  await world.until(application, notification, { status: 'completed', counts: { accepted: 3 } });
  const scheduled = await world.notify(application, {
    audience: { all: true },
    options: { sendAt: new Date(Date.now() + 86_400_000).toISOString() },
  });
  const key = await call(world.api, 'POST', `/v1/applications/${application.id}/keys`, {
    key: world.api.adminKey,
    body: { role: 'server', name: 'spare' },
  });
  const webhook = await call(world.api, 'POST', '/v1/webhooks', {
    key: application.serverKey,
    body: { url: 'https://hooks.example.com/', events: ['credential.broken'] },
  });
  const deviceSecret = registered.body.deviceSecret;
  const ids = { spareKey: key.body.id, webhook: webhook.body.id };
  return { ...application, devices, deviceSecret, notification, scheduled, ...ids };
}

export async function send(world: World, request: WireRequest): Promise<Answer> {
  const { method, path, key, headers = {}, body, raw, contentType } = request;
  if (raw === undefined) {
    return call(world.api, method, path, {
      ...(key === undefined ? {} : { key }),
      headers,
      ...(body === undefined ? {} : { body }),
    });
  }
  const response = await fetch(world.api.baseUrl + path, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      'content-type': contentType ?? 'application/json',
      ...headers,
    },
    body: raw,
  });
  const text = await response.text();
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/**
 * Everything that is wrong with the way in which a request was refused; empty when it is as the contract says.
 * A list and not an assertion, so that one run shows all of a table's faults.
 */
export function faultsOf(answer: Answer, refusal: Refusal = {}): string[] {
  const { status, headers, body } = answer;
  const faults: string[] = [];
  const say = (isFine: boolean, fault: string) => isFine || faults.push(fault);
  say(status >= 400 && status < 500, `status ${status}`);
  if (refusal.status !== undefined) say(status === refusal.status, `status ${status} instead of ${refusal.status}`);
  const mediaType = headers.get('content-type')?.split(';')[0];
  say(mediaType === 'application/problem+json', `content-type ${mediaType}`);
  if (typeof body !== 'object' || body === null) return [...faults, `body ${String(body).slice(0, 200)}`];
  say(/^[a-z][a-z0-9_]+$/.test(body.code ?? ''), `code ${body.code}`);
  if (refusal.code !== undefined) say(body.code === refusal.code, `code ${body.code} instead of ${refusal.code}`);
  say(typeof body.requestId === 'string' && body.requestId === headers.get('x-request-id'), 'requestId');
  say(body.status === status && body.type === 'about:blank', 'type or status in the body');
  say(Boolean(body.title) && typeof body.detail === 'string', 'title or detail');
  say(!/\bat .*\.[jt]s:\d|select |insert into|violates/i.test(JSON.stringify(body)), 'it tells of our insides');
  if (refusal.path === undefined) return faults;
  const errors: { path: string; message: string }[] = body.errors ?? [];
  const start = refusal.path === '' ? '' : `${refusal.path}.`;
  const named = errors.filter(({ path }) => path === refusal.path || path.startsWith(start));
  say(named.length > 0, `names ${JSON.stringify(errors)} and not ${refusal.path}`);
  const { message } = refusal;
  if (message && named.length > 0) {
    say(
      named.some((error) => message.test(error.message)),
      `says ${JSON.stringify(named)} and not ${message}`,
    );
  }
  return faults;
}

/** What tells whether anything changed: every row of every table. Left out: notes of use, and the log of what admins did. */
export async function fingerprint(world: World): Promise<Record<string, string>> {
  const tables: { name: string }[] = await world.db.query(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'r' and c.relname <> 'audit_log' order by 1`,
  );
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, count(*) || ' ' || md5(coalesce(string_agg(row_text, ',' order by row_text), '')) as sum
       from (select (to_jsonb(t) - 'last_used_at' - 'rolled_up_at')::text as row_text from "${name}" t) rows`,
  );
  const sums: { name: string; sum: string }[] = await world.db.query(parts.join(' union all '));
  return Object.fromEntries(sums.map(({ name, sum }) => [name, sum]));
}

/** The {@link fingerprint} once three looks in a row were the same: the last counts and statistics have been written. */
export async function settledFingerprint(world: World): Promise<Record<string, string>> {
  let before = await fingerprint(world);
  let same = 0;
  await eventually(
    async () => {
      const now = await fingerprint(world);
      same = JSON.stringify(now) === JSON.stringify(before) ? same + 1 : 0;
      before = now;
      return same >= 3;
    },
    { timeoutMs: 30_000, intervalMs: 700 },
  );
  return before;
}

/** Requests that the provider simulators have seen. */
export async function providerRequests(world: World): Promise<number> {
  return (await world.control('GET', '/__messages/count')).total;
}

/** Sends bytes that no HTTP client would send, and reads until the server closes. */
export async function sendBytes(world: World, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(world.api.baseUrl);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.setTimeout(5_000, () => socket.destroy());
  socket.write(bytes);
  await closed;
  return Buffer.concat(chunks).toString('latin1');
}

/** The service still does its work: what was refused has left nothing behind in the process. */
export async function expectAlive(world: World, tenant: Tenant): Promise<void> {
  expect((await call(world.api, 'GET', '/readyz')).status).toBe(200);
  expect((await world.get(tenant, `/v1/devices/${tenant.devices.apns}`)).status).toBe(200);
}
