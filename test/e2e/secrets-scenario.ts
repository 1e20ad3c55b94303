import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { expect } from 'vitest';
import type { ProviderName } from '../../src/lib/names.js';
import { type Answer, call } from '../setup/app.js';
import { eventually } from '../setup/eventually.js';
import type { TestApplication, World } from '../setup/world.js';
import type { SecretBook } from './secrets-support.js';

/** One answer of the API, whole. */
export interface Seen {
  request: string;
  status: number;
  text: string;
}

const random = () => crypto.randomUUID().replaceAll('-', '');

/** A tenant that does everything there is to do, and everything wrong that can be done, with secrets that can be recognised. */
export class Scenario {
  readonly seen: Seen[] = [];
  readonly notifications: string[] = [];
  readonly devices: { id: string; provider: ProviderName; secret?: string }[] = [];
  application!: TestApplication;

  constructor(
    readonly world: World,
    readonly book: SecretBook,
  ) {}

  /** One request, whose answer is kept. */
  async ask(
    method: string,
    path: string,
    options: { key?: string; body?: unknown; headers?: Record<string, string>; raw?: string } = {},
  ): Promise<Answer> {
    const { raw, ...rest } = options;
    const answer =
      raw === undefined ? await call(this.world.api, method, path, rest) : await this.post(path, raw, options);
    this.seen.push({
      request: `${method} ${path}`,
      status: answer.status,
      text: JSON.stringify(answer.body ?? '') + JSON.stringify([...answer.headers]),
    });
    return answer;
  }

  private async post(
    path: string,
    raw: string,
    { key = '', headers = {} }: { key?: string; headers?: Record<string, string> },
  ): Promise<Answer> {
    const response = await fetch(this.world.api.baseUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: raw,
    });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  /** An application with a key of each role and the simulators' credentials. */
  async makeApplication(): Promise<TestApplication> {
    const application = await this.world.application([]);
    for (const role of ['client', 'server', 'admin'] as const)
      this.book.add('key', `${role} key`, application[`${role}Key`]);
    for (const provider of ['fcm', 'apns', 'webpush'] as const) {
      await this.storeCredential(application, provider, await this.world.simulatorCredential(provider));
    }
    return application;
  }

  async storeCredential(application: TestApplication, provider: ProviderName, credential: object): Promise<Answer> {
    const given: Record<string, unknown> = { ...credential };
    const account = (given['serviceAccount'] ?? given) as Record<string, unknown>;
    for (const field of ['private_key', 'privateKey']) {
      const value = account[field];
      if (typeof value !== 'string') continue;
      if (value.includes('-----')) this.book.addPem(`${provider} ${field}`, value);
      else this.book.add('key', `${provider} ${field}`, value);
    }
    const path = `/v1/applications/${application.id}/credentials/${provider}`;
    return this.ask('PUT', path, { key: this.world.api.adminKey, body: { ...given, simulated: true } });
  }

  /** Tries each credential, and stores such as cannot work. */
  async credentials(): Promise<void> {
    const { id, adminKey } = this.application;
    for (const provider of ['fcm', 'apns', 'webpush'] as const) {
      const path = `/v1/applications/${id}/credentials/${provider}`;
      expect((await this.ask('POST', `${path}/verify`, { key: adminKey })).body).toMatchObject({ ok: true });
    }
    const wrongKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    const pem = this.book.addPem('damaged key', wrongKey).replace('A', '!');
    const put = (provider: string, body: object) =>
      this.ask('PUT', `/v1/applications/${id}/credentials/${provider}`, { key: adminKey, body });
    expect((await put('fcm', { serviceAccount: { private_key: pem, project_id: 'x' } })).status).toBe(400);
    expect((await put('apns', { keyId: 'ABCDE12345', privateKey: wrongKey, secret: wrongKey })).status).toBe(400);
    expect(
      (
        await put('webpush', {
          subject: 'mailto:a@example.com',
          publicKey: 'x',
          privateKey: this.book.add('key', 'short VAPID key', `vapid${random()}`),
        })
      ).status,
    ).toBe(400);

    const broken = await this.makeApplication();
    const account = {
      ...((await this.world.simulatorCredential('fcm')) as { serviceAccount: object }).serviceAccount,
      private_key: wrongKey,
    };
    await this.storeCredential(broken, 'fcm', { serviceAccount: account });
    await this.storeCredential(broken, 'apns', {
      ...(await this.world.simulatorCredential('apns')),
      keyId: 'UNKNOWNKEY',
    });
    for (const provider of ['fcm', 'apns'] as const) {
      const device = await this.register(provider, await this.token(provider), broken);
      const id = await this.send({ audience: { deviceIds: [device] }, content: this.content() }, broken);
      // The worker finds out first, by sending.
      await eventually(async () => {
        const { body } = await this.ask('GET', `/v1/notifications/${id}`, { key: broken.serverKey });
        expect(body.blockedBy).toHaveLength(1);
      });
      const path = `/v1/applications/${broken.id}/credentials/${provider}/verify`;
      expect((await this.ask('POST', path, { key: broken.adminKey })).body).toMatchObject({ ok: false });
    }
  }

  /** A new token of which every part is noted. `behaviour`: what the simulators do with it. */
  async token(provider: ProviderName, behaviour?: string, application = this.application): Promise<unknown> {
    const name = `${provider} token ${behaviour ?? ''}`;
    if (provider === 'fcm') {
      return this.book.add('token', name, `fcmSecret${random()}:APA91b${random()}${behaviour ? `--${behaviour}` : ''}`);
    }
    if (provider === 'apns')
      return this.book.add('token', name, `${behaviour ?? `00ff`}${random()}${random()}`.slice(0, 64));
    const token = (await this.world.subscription(application, behaviour)) as {
      endpoint: string;
      keys: { p256dh: string; auth: string };
    };
    this.book.add('token', `${name}: endpoint`, new URL(token.endpoint).pathname);
    this.book.add('token', `${name}: id`, token.endpoint.split('/').at(-1) ?? '');
    this.book.add('token', `${name}: p256dh`, token.keys.p256dh);
    this.book.add('token', `${name}: auth`, token.keys.auth);
    return token;
  }

  async register(provider: ProviderName, token: unknown, application = this.application): Promise<string> {
    const answer = await this.ask('POST', '/v1/devices', {
      key: application.clientKey,
      body: { provider, token, topics: ['everyone'] },
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    const secret = this.book.add('key', `device secret`, String(answer.body.deviceSecret));
    if (application === this.application) this.devices.push({ id: answer.body.id, provider, secret });
    return answer.body.id;
  }

  /** Content of which every text is noted. */
  content(): Record<string, unknown> {
    const text = (name: string) => this.book.add('content', name, `${name.replaceAll(' ', '-')}-${random()}`);
    return {
      title: text('title'),
      body: text('body text'),
      clickUrl: `https://app.example.com/${text('click path')}`,
      data: { order: text('data value'), [text('data key')]: 'x' },
    };
  }

  async send(body: object, application = this.application): Promise<string> {
    const answer = await this.ask('POST', '/v1/notifications', { key: application.serverKey, body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(202);
    if (application === this.application) this.notifications.push(answer.body.id);
    return answer.body.id;
  }

  /** A user token that is in order, and two that are not. */
  async userTokens(): Promise<void> {
    const { id, clientKey } = this.application;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const userTokenPublicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    await this.ask('PATCH', `/v1/applications/${id}`, { key: this.world.api.adminKey, body: { userTokenPublicKey } });
    const sign = async (key: typeof pair.privateKey, expires: string) =>
      this.book.add(
        'key',
        'user token',
        await new SignJWT()
          .setProtectedHeader({ alg: 'ES256' })
          .setSubject('anna')
          .setExpirationTime(expires)
          .sign(key),
      );
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const body = { provider: 'fcm', token: await this.token('fcm') };
    // Another process may believe the old settings for two seconds.
    await eventually(async () => {
      const answer = await this.ask('POST', '/v1/devices', {
        key: clientKey,
        body: { ...body, userToken: await sign(pair.privateKey, '10m') },
      });
      expect(answer.body).toMatchObject({ userId: 'anna' });
      this.book.add('key', 'device secret', String(answer.body.deviceSecret));
    });
    for (const userToken of [await sign(other, '10m'), await sign(pair.privateKey, '-1h')]) {
      expect((await this.ask('POST', '/v1/devices', { key: clientKey, body: { ...body, userToken } })).status).toBe(
        403,
      );
    }
  }

  /** Requests that are refused, each with a secret where it does not belong. */
  async malformed(): Promise<void> {
    const { clientKey, serverKey } = this.application;
    const token = String(await this.token('fcm'));
    const text = this.book.add('content', 'malformed text', `malformed-text-${random()}`);
    const wrongKey = this.book.add('key', 'wrong API key', `sv_${random()}${random()}`);
    const wrongSecret = this.book.add('key', 'wrong device secret', `ds_${random()}${random().slice(0, 11)}`);
    const [device = { id: '' }] = this.devices;
    const fcm = { provider: 'fcm', token };
    await this.ask('GET', '/v1/devices', { key: wrongKey });
    await this.ask('POST', '/v1/devices', { key: clientKey, raw: `{"provider":"fcm","token":"${token}",` });
    await this.ask('POST', '/v1/devices', {
      key: clientKey,
      raw: JSON.stringify(fcm),
      headers: { 'content-type': 'text/plain' },
    });
    await this.ask('POST', '/v1/devices', { key: clientKey, body: { ...fcm, provider: token } });
    await this.ask('POST', '/v1/devices', { key: clientKey, body: { ...fcm, token: `${token} ${text}` } });
    await this.ask('POST', '/v1/devices', { key: clientKey, body: { provider: 'apns', token } });
    await this.ask('POST', '/v1/devices', {
      key: clientKey,
      body: {
        provider: 'webpush',
        token: { endpoint: `https://evil.example/${token}`, keys: { p256dh: text, auth: text } },
      },
    });
    await this.ask('POST', '/v1/devices', { key: clientKey, body: { ...fcm, userId: 'x'.repeat(300) } });
    await this.ask('POST', '/v1/devices', {
      key: clientKey,
      raw: JSON.stringify({ ...fcm, token: token.repeat(400) }),
    });
    await this.ask('GET', `/v1/devices/${encodeURIComponent(token)}`, { key: serverKey });
    await this.ask('GET', `/v1/devices?status=${encodeURIComponent(token)}`, { key: serverKey });
    await this.ask('GET', `/v1/devices?cursor=${encodeURIComponent(token)}`, { key: serverKey });
    await this.ask('PATCH', `/v1/devices/${device.id}`, {
      key: clientKey,
      headers: { 'x-device-secret': wrongSecret },
      body: { token },
    });
    await this.ask('POST', '/v1/notifications', {
      key: serverKey,
      body: { audience: { all: 1 }, content: { title: text, badge: text } },
    });
    await this.ask('POST', '/v1/notifications', {
      key: serverKey,
      body: { audience: { all: true }, content: { title: text, body: text.repeat(90) } },
    });
    await this.ask('POST', '/v1/notifications', {
      key: serverKey,
      body: {
        audience: { all: true },
        content: { title: text },
        overrides: { fcm: { token }, apns: { headers: { 'apns-collapse-id': `${text}\r\n` } } },
      },
    });
    await this.ask('POST', '/v1/notifications', {
      key: serverKey,
      raw: `{"content":{"title":"${text}"`,
      headers: { 'idempotency-key': 'malformed' },
    });
    const lines = `{"provider":"fcm","token":"${token} "}\n${text}\n{"provider":"webpush","token":"${token}"}`;
    await this.ask('POST', '/v1/devices/bulk', {
      key: serverKey,
      raw: lines,
      headers: { 'content-type': 'application/x-ndjson' },
    });
    const refused = this.seen.slice(-18);
    expect(refused.filter(({ status, request }) => status < 400 && !request.endsWith('/bulk'))).toEqual([]);
  }

  /** Waits until each of these deliveries was tried at least once. */
  async tried(notificationId: string, times = 1): Promise<void> {
    await eventually(
      async () => {
        const deliveries = await this.world.deliveries(this.application, notificationId);
        expect(deliveries.length).toBeGreaterThan(0);
        for (const { attempts, status } of deliveries) {
          if (status === 'pending') expect(attempts.length).toBeGreaterThanOrEqual(times);
        }
      },
      { timeoutMs: 30_000, intervalMs: 200 },
    );
  }
}
