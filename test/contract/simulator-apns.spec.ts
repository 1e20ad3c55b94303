import { randomBytes, randomUUID } from 'node:crypto';
import apn from '@parse/node-apn';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApnsCredential, type H2Answer, providerToken, send, TestSimulator } from './simulator-support.js';

let simulator: TestSimulator;

beforeAll(async () => {
  simulator = await TestSimulator.start();
});
beforeEach(() => simulator.reset());
afterAll(() => simulator.stop());

const device = (prefix = ''): string => prefix + randomBytes(32).toString('hex').slice(prefix.length);

describe('@parse/node-apn, unmodified, against the simulator', () => {
  const providers: apn.Provider[] = [];

  function provider(
    origin: string,
    { keyId, teamId, privateKey }: ApnsCredential = simulator.setup.apns,
  ): apn.Provider {
    const { hostname, port } = new URL(origin);
    const made = new apn.Provider({
      token: { key: privateKey, keyId, teamId },
      address: hostname,
      port: Number(port),
      ca: simulator.urls.ca,
      // It repeats without waiting otherwise, and the second answer would hide the first.
      connectionRetryLimit: 0,
    } as unknown as apn.ProviderOptions);
    providers.push(made);
    return made;
  }

  function notification(): apn.Notification {
    const made = new apn.Notification({ alert: { title: 'Hello', body: 'World' }, topic: 'dev.carillon.demo' });
    made.pushType = 'alert';
    made.payload = { carillonNotificationId: 'n-1' };
    return made;
  }

  afterAll(() => {
    for (const open of providers) void open.shutdown();
  });

  it('sends, and the simulator has the message', async () => {
    const token = device();
    const result = await provider(simulator.urls.apns).send(notification(), token);
    expect(result.failed).toEqual([]);
    expect(result.sent.map((sent) => sent.device)).toEqual([token]);
    const [message] = await simulator.messages('?provider=apns');
    expect(message).toMatchObject({
      target: token,
      notificationKey: 'n-1',
      body: { aps: { alert: { title: 'Hello' } } },
    });
    expect(await simulator.violations()).toEqual([]);
  });

  it.each([
    ['dead040000', 400, 'BadDeviceToken'],
    ['dead040100', 400, 'DeviceTokenNotForTopic'],
    ['dead041000', 410, 'Unregistered'],
    ['dead041100', 410, 'ExpiredToken'],
    ['dead042900', 429, 'TooManyRequests'],
    ['dead050300', 503, 'ServiceUnavailable'],
    ['dead050400', 503, 'Shutdown'],
  ])('a device token %s… is reported as %i %s', async (prefix, status, reason) => {
    const { failed } = await provider(simulator.urls.apns).send(notification(), device(prefix));
    expect(failed.map((failure) => [Number(failure.status), failure.response?.reason])).toEqual([[status, reason]]);
  });

  it.each([
    [400, 'BadTopic'],
    [400, 'TopicDisallowed'],
    [400, 'IdleTimeout'],
    [403, 'InvalidProviderToken'],
    [403, 'MissingProviderToken'],
    [403, 'BadCertificate'],
    [403, 'BadCertificateEnvironment'],
    [403, 'BadEnvironmentKeyIdInToken'],
    [403, 'UnrelatedKeyIdInToken'],
    [403, 'Forbidden'],
    [404, 'BadPath'],
    [405, 'MethodNotAllowed'],
    [413, 'PayloadTooLarge'],
    [429, 'TooManyProviderTokenUpdates'],
  ])('a rule that answers %i %s is reported so', async (status, reason) => {
    await simulator.rule({ provider: 'apns' }, { type: 'respond', status, reason });
    const { failed } = await provider(simulator.urls.apns).send(notification(), device());
    expect(failed.map((failure) => [Number(failure.status), failure.response?.reason])).toEqual([[status, reason]]);
  });

  it('says when a token died, in milliseconds', async () => {
    const token = device();
    await simulator.control('PUT', `/__targets/${token}`, { state: 'unregistered', timestampMs: 1_700_000_000_000 });
    const sender = provider(simulator.urls.apns);
    const { failed } = await sender.send(notification(), token);
    expect(failed[0]?.response).toEqual({ reason: 'Unregistered', timestamp: 1_700_000_000_000 });
    await simulator.control('PUT', `/__targets/${token}`, { state: 'live' });
    expect((await sender.send(notification(), token)).sent).toHaveLength(1);
  });

  it('knows which environment a token belongs to', async () => {
    const token = device();
    await simulator.control('PUT', `/__targets/${token}`, { state: 'live', environment: 'sandbox' });
    const wrong = await provider(simulator.urls.apns).send(notification(), token);
    expect(wrong.failed[0]?.response?.reason).toBe('BadDeviceToken');
    expect((await provider(simulator.urls.apnsSandbox).send(notification(), token)).sent).toHaveLength(1);
  });
});

describe('what the APNs simulator insists on', () => {
  const push = async (
    headers: Record<string, string | string[] | undefined> = {},
    { token = device(), body = '{"aps":{"alert":"x"}}' as string | Buffer, method = 'POST', path = '' } = {},
  ): Promise<H2Answer> =>
    simulator.h2(simulator.urls.apns, {
      method,
      path: path || `/3/device/${token}`,
      headers: {
        authorization: `bearer ${providerToken(simulator.setup.apns)}`,
        'apns-topic': 'dev.carillon.demo',
        'apns-push-type': 'alert',
        ...headers,
      },
      ...(method === 'POST' && { body }),
    });
  const reasonOf = (answer: H2Answer): unknown => [
    answer.status,
    (JSON.parse(answer.text) as { reason: string }).reason,
  ];
  const now = (): number => Math.floor(Date.now() / 1000);

  it.each([
    ['apns-id that is no UUID', { 'apns-id': 'x' }, 'BadMessageId'],
    ['unknown push type', { 'apns-push-type': 'shout' }, 'InvalidPushType'],
    ['priority 7', { 'apns-priority': '7' }, 'BadPriority'],
    ['background at priority 10', { 'apns-push-type': 'background', 'apns-priority': '10' }, 'BadPriority'],
    ['background without priority', { 'apns-push-type': 'background' }, 'BadPriority'],
    ['expiration that is no number', { 'apns-expiration': 'soon' }, 'BadExpirationDate'],
    ['expiration in milliseconds', { 'apns-expiration': String(Date.now()) }, 'BadExpirationDate'],
    ['collapse id of 65 bytes', { 'apns-collapse-id': 'x'.repeat(65) }, 'BadCollapseId'],
    ['two priorities', { 'apns-priority': ['5', '10'] }, 'DuplicateHeaders'],
    ['no topic', { 'apns-topic': undefined }, 'MissingTopic'],
    ['a topic with a space', { 'apns-topic': 'dev.carillon demo' }, 'BadTopic'],
    ['a topic of another team', { 'apns-topic': 'dev.carillon.other' }, 'TopicDisallowed'],
    ['voip without its suffix', { 'apns-push-type': 'voip' }, 'BadTopic'],
    ['the voip suffix on an alert', { 'apns-topic': 'dev.carillon.demo.voip' }, 'BadTopic'],
  ])('refuses %s', async (_what, headers, reason) => {
    expect(reasonOf(await push(headers))).toEqual([400, reason]);
  });

  it.each([
    ['an odd number of hex digits', 'abc'],
    ['other letters', 'zz'.repeat(32)],
    ['more than 200 digits', 'ab'.repeat(101)],
  ])('calls a device token with %s bad', async (_what, token) => {
    expect(reasonOf(await push({}, { token }))).toEqual([400, 'BadDeviceToken']);
  });

  it('refuses other paths, other methods and no token at all', async () => {
    expect(reasonOf(await push({}, { path: '/3/devices/ab' }))).toEqual([404, 'BadPath']);
    expect(reasonOf(await push({}, { method: 'GET' }))).toEqual([405, 'MethodNotAllowed']);
    expect(reasonOf(await push({}, { path: '/3/device/' }))).toEqual([400, 'MissingDeviceToken']);
  });

  it('counts payload bytes, 4096 for alerts and 5120 for voip', async () => {
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    const ofSize = (bytes: number): string => `{"aps":{"alert":"${'x'.repeat(bytes - 20)}"}}`;
    expect((await push({ authorization }, { body: ofSize(4096) })).status).toBe(200);
    expect(reasonOf(await push({ authorization }, { body: ofSize(4097) }))).toEqual([413, 'PayloadTooLarge']);
    const voip = { authorization, 'apns-push-type': 'voip', 'apns-topic': 'dev.carillon.demo.voip' };
    expect((await push(voip, { body: ofSize(5120) })).status).toBe(200);
    expect(reasonOf(await push(voip, { body: ofSize(5121) }))).toEqual([413, 'PayloadTooLarge']);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a JSON list', '[]'],
  ])('refuses a payload that is %s', async (_what, body) => {
    expect(reasonOf(await push({}, { body }))).toEqual([400, 'PayloadEmpty']);
  });

  it.each([
    ['no token', undefined, 'MissingProviderToken'],
    ['capital Bearer', (key: ApnsCredential) => `Bearer ${providerToken(key)}`, 'InvalidProviderToken'],
    ['no JWT', () => 'bearer x', 'InvalidProviderToken'],
    [
      'another key under this id',
      (key: ApnsCredential) => `bearer ${providerToken({ ...key, privateKey: simulator.setup.apns.other.privateKey })}`,
      'InvalidProviderToken',
    ],
    [
      'another team',
      (key: ApnsCredential) => `bearer ${providerToken({ ...key, teamId: 'AAAAAAAAAA' })}`,
      'InvalidProviderToken',
    ],
    [
      'a token 61 minutes old',
      (key: ApnsCredential) => `bearer ${providerToken(key, { iat: now() - 3660 })}`,
      'ExpiredProviderToken',
    ],
    [
      'a token from the future',
      (key: ApnsCredential) => `bearer ${providerToken(key, { iat: now() + 600 })}`,
      'InvalidProviderToken',
    ],
  ])('refuses %s', async (_what, authorization, reason) => {
    expect(reasonOf(await push({ authorization: authorization?.(simulator.setup.apns) }))).toEqual([403, reason]);
  });

  it('takes a DER signature as well', async () => {
    expect(
      (await push({ authorization: `bearer ${providerToken(simulator.setup.apns, { form: 'der' })}` })).status,
    ).toBe(200);
  });

  it('lets a token grow old by its own clock', async () => {
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    expect((await push({ authorization })).status).toBe(200);
    await simulator.control('POST', '/__clock', { offsetMs: 61 * 60_000 });
    expect(reasonOf(await push({ authorization }))).toEqual([403, 'ExpiredProviderToken']);
  });

  it('refuses a second provider token within 20 minutes, and goes on taking the first', async () => {
    const first = `bearer ${providerToken(simulator.setup.apns)}`;
    expect((await push({ authorization: first })).status).toBe(200);
    expect(reasonOf(await push())).toEqual([429, 'TooManyProviderTokenUpdates']);
    expect((await push({ authorization: first })).status).toBe(200);
    await simulator.control('POST', '/__clock', { offsetMs: 21 * 60_000 });
    expect((await push()).status).toBe(200);
  });

  it('ties a connection to the team and key of its first push', async () => {
    const sibling = await simulator.control<{ apns: ApnsCredential }>('POST', '/__projects', {
      apns: { teamId: simulator.setup.apns.teamId },
    });
    const session = simulator.open(simulator.urls.apns);
    const own = `bearer ${providerToken(simulator.setup.apns)}`;
    const siblings = `bearer ${providerToken(sibling.apns)}`;
    const others = `bearer ${providerToken(simulator.setup.apns.other)}`;
    const over = (authorization: string, topic: string): Promise<H2Answer> =>
      send(session, {
        path: `/3/device/${device()}`,
        headers: { authorization, 'apns-topic': topic },
        body: '{"aps":{}}',
      });
    expect((await over(own, 'dev.carillon.demo')).status).toBe(200);
    expect(reasonOf(await over(siblings, 'dev.carillon.demo'))).toEqual([403, 'UnrelatedKeyIdInToken']);
    expect(reasonOf(await over(others, 'dev.carillon.other'))).toEqual([403, 'InvalidProviderToken']);
    session.destroy();
    expect((await push({ authorization: siblings })).status).toBe(200);
  });

  it('refuses a key of the other environment', async () => {
    const { apns } = await simulator.control<{ apns: ApnsCredential }>('POST', '/__projects', {
      apns: { environments: ['sandbox'] },
    });
    expect(reasonOf(await push({ authorization: `bearer ${providerToken(apns)}` }))).toEqual([
      403,
      'BadEnvironmentKeyInToken',
    ]);
  });

  it('opens with one stream and raises it to 1000 with the first good token', async () => {
    const session = simulator.open(simulator.urls.apns);
    const limits: (number | undefined)[] = [];
    session.on('remoteSettings', (settings) => limits.push(settings.maxConcurrentStreams));
    const request = {
      path: `/3/device/${device()}`,
      headers: { authorization: 'bearer x', 'apns-topic': 'dev.carillon.demo' },
      body: '{"aps":{}}',
    };
    await send(session, request);
    expect(limits).toEqual([1]);
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    await send(session, { ...request, headers: { ...request.headers, authorization } });
    expect(limits).toEqual([1, 1000]);
    session.destroy();
  });

  it('echoes apns-id, makes one when there is none, and gives a unique id in the sandbox only', async () => {
    const id = randomUUID();
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    const production = await push({ authorization, 'apns-id': id });
    expect([production.headers['apns-id'], production.headers['apns-unique-id']]).toEqual([id, undefined]);
    expect((await push({ authorization })).headers['apns-id']).toMatch(/^[0-9A-F-]{36}$/);
    const sandbox = await simulator.h2(simulator.urls.apnsSandbox, {
      path: `/3/device/${device()}`,
      headers: { authorization, 'apns-topic': 'dev.carillon.demo' },
      body: '{"aps":{}}',
    });
    expect(sandbox.headers['apns-unique-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('closes a connection that collects bad device tokens', async () => {
    await simulator.control('PUT', '/__settings', { apnsBadTokenLimit: 2 });
    const session = simulator.open(simulator.urls.apns);
    const goaway = new Promise<string>((resolve) => {
      session.on('goaway', (_code, _last, debug) => resolve(Buffer.from(debug ?? []).toString()));
    });
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    const bad = {
      path: '/3/device/zz',
      headers: { authorization, 'apns-topic': 'dev.carillon.demo' },
      body: '{"aps":{}}',
    };
    await send(session, bad);
    await send(session, bad);
    expect(await goaway).toBe('{"reason":"BadDeviceToken"}');
  });

  it('a magic device token heals after as many failures as its digits say', async () => {
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    const token = device('dead050302');
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) statuses.push((await push({ authorization }, { token })).status);
    expect(statuses).toEqual([503, 503, 200, 200]);
  });

  it('a magic device token loses its answer, once, with or without being accepted', async () => {
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    const [before, after] = [device('deada00201'), device('deada00301')];
    await expect(push({ authorization }, { token: before })).rejects.toThrow();
    await expect(push({ authorization }, { token: after })).rejects.toThrow();
    expect((await simulator.messages()).map(({ verdict }) => verdict.accepted)).toEqual([false, true]);
    expect((await push({ authorization }, { token: after })).status).toBe(200);
    expect((await simulator.counts()).duplicates).toBe(1);
  });

  it('limits one device without limiting others', async () => {
    await simulator.control('PUT', '/__settings', { apnsDevicePerSecond: 1 });
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    const token = device();
    expect((await push({ authorization }, { token })).status).toBe(200);
    expect(reasonOf(await push({ authorization }, { token }))).toEqual([429, 'TooManyRequests']);
    expect((await push({ authorization })).status).toBe(200);
  });

  it('counts what the sender did wrong, and nothing else', async () => {
    const authorization = `bearer ${providerToken(simulator.setup.apns)}`;
    await push({ authorization });
    await push({ authorization }, { token: device('dead041000') });
    expect(await simulator.violations()).toEqual([]);
    await push({ authorization, 'apns-priority': '7' });
    expect(await simulator.violations()).toEqual(['apns: apns-priority 7']);
  });
});
