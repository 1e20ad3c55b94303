import { request } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type H2Answer, signJwt, TestSimulator } from './simulator-support.js';

const FCM_ERROR = 'type.googleapis.com/google.firebase.fcm.v1.FcmError';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';

interface Detail {
  '@type': string;
  errorCode?: string;
  fieldViolations?: { field: string; description: string }[];
}

interface Refusal {
  code: number;
  message: string;
  status: string;
  details?: Detail[];
}

let simulator: TestSimulator;
let bearer: string;

beforeAll(async () => {
  simulator = await TestSimulator.start();
  bearer = `Bearer ${await simulator.accessToken()}`;
});
beforeEach(() => simulator.reset());
afterAll(() => simulator.stop());

function post(
  body: unknown,
  { project = 'carillon-demo', authorization = bearer as string | undefined } = {},
): Promise<H2Answer> {
  return simulator.h2(simulator.urls.fcm, {
    path: `/v1/projects/${project}/messages:send`,
    headers: { authorization, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const message = (fields: object): Promise<H2Answer> => post({ message: { token: 't', ...fields } });
const refusal = (answer: H2Answer): Refusal => (JSON.parse(answer.text) as { error: Refusal }).error;
const errorCode = (answer: H2Answer): string | undefined =>
  refusal(answer).details?.find((detail) => detail['@type'] === FCM_ERROR)?.errorCode;
const field = (answer: H2Answer): string | undefined =>
  refusal(answer).details?.find((detail) => detail['@type'] === BAD_REQUEST)?.fieldViolations?.[0]?.field;

describe('FCM: who may send', () => {
  it('knows no other route, and says so in HTML', async () => {
    const answer = await simulator.h2(simulator.urls.fcm, { path: '/fcm/send', body: '{}' });
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'text/html; charset=UTF-8']);
  });

  it('an unknown project is a 404 without FcmError', async () => {
    const answer = await post({}, { project: 'nobody' });
    expect([answer.status, refusal(answer).status, errorCode(answer)]).toEqual([404, 'NOT_FOUND', undefined]);
  });

  it.each([undefined, 'Bearer ya29.invented', 'Basic x'])(
    'authorization %s is a 401 without FcmError',
    async (authorization) => {
      const answer = await simulator.h2(simulator.urls.fcm, {
        path: '/v1/projects/carillon-demo/messages:send',
        headers: authorization === undefined ? {} : { authorization },
        body: '{}',
      });
      expect([answer.status, refusal(answer).status, errorCode(answer)]).toEqual([401, 'UNAUTHENTICATED', undefined]);
      expect(answer.headers['www-authenticate']).toContain('invalid_token');
    },
  );

  it("another project's access token is a 403 without FcmError", async () => {
    const authorization = `Bearer ${await simulator.accessToken(simulator.setup.fcm.other)}`;
    const answer = await post({ message: { token: 't' } }, { authorization });
    expect([answer.status, refusal(answer).status, errorCode(answer)]).toEqual([403, 'PERMISSION_DENIED', undefined]);
    expect((await post({ message: { token: 't' } }, { project: 'carillon-other', authorization })).status).toBe(200);
  });

  it('an access token expires by the virtual clock, and can be revoked', async () => {
    expect((await message({})).status).toBe(200);
    await simulator.control('POST', '/__clock', { offsetMs: 3_600_000 });
    expect((await message({})).status).toBe(401);
    await simulator.control('POST', '/__clock', { offsetMs: 0 });
    expect((await message({})).status).toBe(200);
    const other = `Bearer ${await simulator.accessToken(simulator.setup.fcm.other)}`;
    await simulator.control('POST', '/__revoke');
    expect((await post({}, { project: 'carillon-other', authorization: other })).status).toBe(401);
    bearer = `Bearer ${await simulator.accessToken()}`;
    expect((await message({})).status).toBe(200);
  });
});

describe('FCM: the shape of a message', () => {
  it.each([
    ['no JSON', '{', undefined],
    ['an unknown field', { message: { token: 't', titel: 'x' } }, 'message'],
    ['an unknown field of the request', { mesage: {} }, ''],
    ['a token that is a number', { message: { token: 7 } }, 'message.token'],
    ['data that is no text', { message: { token: 't', data: { a: 'x', b: 1 } } }, 'message.data[1].value'],
    ['an unknown priority', { message: { token: 't', android: { priority: 'urgent' } } }, 'message.android.priority'],
    ['a ttl without s', { message: { token: 't', android: { ttl: '60' } } }, 'message.android.ttl'],
    ['a list for an object', { message: { token: 't', android: [] } }, 'message.android'],
    ['two targets', { message: { token: 't', topic: 'n' } }, 'message'],
    [
      'text in a badge count',
      { message: { token: 't', android: { notification: { notification_count: 'x' } } } },
      'message.android.notification.notification_count',
    ],
    [
      'text among args',
      { message: { token: 't', android: { notification: { bodyLocArgs: [1] } } } },
      'message.android.notification.bodyLocArgs[0]',
    ],
  ])('%s is refused by the JSON layer: BadRequest, no FcmError', async (_what, body, at) => {
    const answer = await post(body);
    expect([answer.status, refusal(answer).status, errorCode(answer)]).toEqual([400, 'INVALID_ARGUMENT', undefined]);
    if (at !== undefined) expect(field(answer)).toBe(at);
  });

  it.each([
    ['no target', { data: { a: 'b' } }, 'message'],
    ['a key called from', { token: 't', data: { from: 'x' } }, 'message.data'],
    ['a key that begins with google', { token: 't', data: { 'google.x': 'x' } }, 'message.data'],
    ['a key that begins with gcm', { token: 't', android: { data: { gcmx: 'x' } } }, 'message.data'],
    ['message_type', { token: 't', data: { message_type: 'x' } }, 'message.data'],
    ['a ttl of 29 days', { token: 't', android: { ttl: '2505600s' } }, 'android.ttl'],
    ['a negative ttl', { token: 't', android: { ttl: '-1s' } }, 'android.ttl'],
    ['a topic with a slash', { topic: '/topics/x' }, 'message.topic'],
    [
      'a condition of six topics',
      { condition: Array.from('abcdef', (topic) => `'${topic}' in topics`).join(' || ') },
      'message.condition',
    ],
    ['a condition that is none', { condition: 'dogs' }, 'message.condition'],
  ])('%s is refused by FCM itself: both details', async (_what, fields, at) => {
    const answer = await post({ message: fields });
    expect([answer.status, errorCode(answer), field(answer)]).toEqual([400, 'INVALID_ARGUMENT', at]);
  });

  it('names the missing recipient as FCM does', async () => {
    expect(refusal(await post({ message: {} })).message).toBe('Recipient of the message is not set.');
  });

  it('takes snake_case and camelCase, lower-case enums and null', async () => {
    const android = {
      collapse_key: 'k',
      priority: 'high',
      ttl: '0s',
      notification: { channelId: 'c', default_sound: true },
    };
    const answer = await post({
      validateOnly: false,
      message: { fid: 'f', android, apns: null, fcm_options: { analytics_label: 'l' } },
    });
    expect([answer.status, await simulator.violations()]).toEqual([200, []]);
  });

  it('a message above 4096 bytes is refused without any details, above 2048 for topics', async () => {
    const data = (bytes: number): object => ({ data: { k: 'x'.repeat(bytes - 1) } });
    expect((await message(data(4096))).status).toBe(200);
    const answer = await message(data(4097));
    expect([answer.status, refusal(answer).details]).toEqual([400, undefined]);
    expect((await post({ message: { topic: 'n', ...data(2048) } })).status).toBe(200);
    expect((await post({ message: { topic: 'n', ...data(2049) } })).status).toBe(400);
  });

  it('refuses a malformed token in either of its two ways', async () => {
    const bodies = new Set<string>();
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const answer = await message({ token: 'not a token' });
      expect([answer.status, errorCode(answer)]).toEqual([400, 'INVALID_ARGUMENT']);
      bodies.add(field(answer) ?? refusal(answer).message);
    }
    expect([...bodies].sort()).toEqual([
      'The registration token is not a valid FCM registration token',
      'message.token',
    ]);
  });

  it('shuffles details, equally under equal seeds', async () => {
    const orders = async (): Promise<string[]> => {
      await simulator.control('POST', '/__seed', { seed: 42 });
      const seen: string[] = [];
      for (let attempt = 0; attempt < 12; attempt += 1) {
        const answer = await message({ token: 't--malformed-field' });
        seen.push(
          refusal(answer)
            .details?.map((detail) => detail['@type'])
            .join() ?? '',
        );
      }
      return seen;
    };
    const first = await orders();
    expect(new Set(first).size).toBe(2);
    expect(await orders()).toEqual(first);
  });
});

describe('FCM: quotas and targets', () => {
  it('limits one device and spares the others', async () => {
    await simulator.control('PUT', '/__settings', { fcmDevicePerMinute: 2 });
    await message({ token: 'hot' });
    await message({ token: 'hot' });
    const answer = await message({ token: 'hot' });
    expect([answer.status, errorCode(answer), refusal(answer).message]).toEqual([
      429,
      'QUOTA_EXCEEDED',
      'Device message rate exceeded.',
    ]);
    expect((await message({ token: 'cold' })).status).toBe(200);
    await simulator.control('POST', '/__clock', { offsetMs: 60_000 });
    expect((await message({ token: 'hot' })).status).toBe(200);
  });

  it('limits a project, counting refused messages but not its own 429', async () => {
    await simulator.control('PUT', '/__settings', { fcmProjectPerMinute: 2 });
    expect((await message({ token: 't--unregistered' })).status).toBe(404);
    expect((await message({})).status).toBe(200);
    const answer = await message({});
    expect([answer.status, refusal(answer).status, errorCode(answer)]).toEqual([
      429,
      'RESOURCE_EXHAUSTED',
      'QUOTA_EXCEEDED',
    ]);
    await simulator.control('POST', '/__clock', { offsetMs: 60_000 });
    expect((await message({})).status).toBe(200);
  });

  it('says Retry-After once, then takes the message', async () => {
    const first = await message({ token: 'phone--429-ra5' });
    expect([first.status, first.headers['retry-after']]).toEqual([429, '5']);
    expect((await message({ token: 'phone--429-ra5' })).status).toBe(200);
  });

  it('says Retry-After as a date as well', async () => {
    const { headers } = await message({ token: 'phone--503-date30' });
    const at = Date.parse(String(headers['retry-after']));
    expect(Math.abs(at - Date.now() - 30_000)).toBeLessThan(3_000);
  });

  it("refuses another project's token", async () => {
    await simulator.control('PUT', '/__targets/theirs', { state: 'live', projectId: 'carillon-other' });
    expect(errorCode(await message({ token: 'theirs' }))).toBe('SENDER_ID_MISMATCH');
  });

  it('takes unknown tokens for live, or for dead when told so', async () => {
    expect((await message({ token: 'anybody' })).status).toBe(200);
    await simulator.control('PUT', '/__settings', { unknownTargets: 'dead' });
    expect(errorCode(await message({ token: 'anybody' }))).toBe('UNREGISTERED');
    await simulator.control('PUT', '/__targets/anybody', { state: 'live' });
    expect((await message({ token: 'anybody' })).status).toBe(200);
  });

  it('speaks HTTP/1.1 as well, and keeps the connection', async () => {
    const { hostname, port } = new URL(simulator.urls.fcm);
    const answer = await new Promise<{ status?: number | undefined; version: string; connection?: string | undefined }>(
      (resolve, reject) => {
        const sent = request(
          {
            hostname,
            port,
            path: '/v1/projects/carillon-demo/messages:send',
            method: 'POST',
            ca: simulator.urls.ca,
            headers: { authorization: bearer },
          },
          (response) => {
            response.resume();
            resolve({
              status: response.statusCode,
              version: response.httpVersion,
              connection: response.headers.connection,
            });
          },
        );
        sent.on('error', reject).end(JSON.stringify({ message: { token: 't' } }));
      },
    );
    expect(answer).toEqual({ status: 200, version: '1.1', connection: 'keep-alive' });
  });
});

describe('the token endpoint', () => {
  const now = (): number => Math.floor(Date.now() / 1000);

  async function ask(
    claims: object,
    { header = {}, account = simulator.setup.fcm.serviceAccount, form = {} } = {},
  ): Promise<[number, string]> {
    const right = {
      iss: account['client_email'],
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
      aud: `${simulator.urls.fcm}/token`,
      iat: now(),
      exp: now() + 3600,
    };
    const assertion = signJwt(
      { alg: 'RS256', kid: account['private_key_id'], ...header },
      { ...right, ...claims },
      account['private_key'] ?? '',
    );
    const answer = await simulator.h2(simulator.urls.fcm, {
      path: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion,
        ...form,
      }).toString(),
    });
    const { error = '', token_type = '' } = JSON.parse(answer.text) as { error?: string; token_type?: string };
    return [answer.status, error || token_type];
  }

  it('issues a bearer token, and counts it apart from messages', async () => {
    expect(await ask({})).toEqual([200, 'Bearer']);
    expect((await simulator.counts()).total).toBe(0);
  });

  it.each([
    ['an unknown account', { iss: 'nobody@example.com' }, 'invalid_grant'],
    ['another audience', { aud: 'https://example.com/token' }, 'invalid_grant'],
    ['more than an hour', { exp: now() + 7200 }, 'invalid_grant'],
    ['an assertion of yesterday', { iat: now() - 90_000, exp: now() - 86_400 }, 'invalid_grant'],
    ['an assertion of tomorrow', { iat: now() + 86_400, exp: now() + 90_000 }, 'invalid_grant'],
    ['times as text', { iat: String(now()) }, 'invalid_grant'],
    ['a scope that is not ours', { scope: 'https://www.googleapis.com/auth/drive' }, 'invalid_scope'],
  ])('refuses %s', async (_what, claims, error) => {
    expect(await ask(claims)).toEqual([400, error]);
  });

  it('refuses a revoked key, a wrong signature and another grant', async () => {
    expect(await ask({}, { header: { kid: 'older' } })).toEqual([400, 'invalid_grant']);
    const stolen = {
      ...simulator.setup.fcm.serviceAccount,
      private_key: simulator.setup.fcm.other['private_key'] ?? '',
    };
    expect(await ask({}, { account: stolen })).toEqual([400, 'invalid_grant']);
    expect(await ask({}, { form: { grant_type: 'password' } })).toEqual([400, 'unsupported_grant_type']);
    expect(await ask({}, { form: { assertion: 'x' } })).toEqual([400, 'invalid_request']);
  });

  it('fails when a rule says so, and rules for FCM leave it alone', async () => {
    await simulator.rule({ provider: 'fcm' }, { type: 'respond', status: 500 });
    expect(await ask({})).toEqual([200, 'Bearer']);
    await simulator.rule({ provider: 'oauth' }, { type: 'respond', status: 401, reason: 'invalid_client' });
    expect(await ask({})).toEqual([401, 'invalid_client']);
  });

  it('knows projects that were registered later', async () => {
    const { fcm } = await simulator.control<{ fcm: { serviceAccount: Record<string, string> } }>(
      'POST',
      '/__projects',
      {
        fcm: { projectId: 'brand-new' },
      },
    );
    const authorization = `Bearer ${await simulator.accessToken(fcm.serviceAccount)}`;
    expect((await post({ message: { token: 't' } }, { project: 'brand-new', authorization })).status).toBe(200);
  });
});
