import { writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type App, cert, deleteApp, initializeApp } from 'firebase-admin/app';
import { getMessaging, type Message } from 'firebase-admin/messaging';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestSimulator } from './simulator-support.js';

/** Sends what is meant for Google to the simulator; its certificate names localhost. */
class RedirectingAgent extends Agent {
  constructor(
    private readonly origin: URL,
    private readonly ca: string,
  ) {
    super();
  }

  override createConnection(): ReturnType<typeof connect> {
    return connect({
      host: this.origin.hostname,
      port: Number(this.origin.port),
      servername: 'localhost',
      ca: this.ca,
      ALPNProtocols: ['http/1.1'],
    });
  }
}

let simulator: TestSimulator;
const apps: App[] = [];

function sdk(account: Record<string, string>): (message: Message) => Promise<string> {
  const httpAgent = new RedirectingAgent(new URL(simulator.urls.fcm), simulator.urls.ca);
  // Only an account that is read from a file gets its access token through the agent.
  const file = join(simulator.home, `account-${apps.length}.json`);
  writeFileSync(file, JSON.stringify(account));
  const app = initializeApp({ credential: cert(file, httpAgent), httpAgent }, `simulated-${apps.length}`);
  apps.push(app);
  return (message) => getMessaging(app).send(message);
}

/** The SDK's code for a refused message. */
async function codeOf(sending: Promise<string>): Promise<string> {
  return sending.then(
    (name) => `sent ${name}`,
    (error: { code: string }) => error.code,
  );
}

beforeAll(async () => {
  simulator = await TestSimulator.start();
});
beforeEach(() => simulator.reset());
afterAll(async () => {
  await Promise.all(apps.map((app) => deleteApp(app)));
  await simulator.stop();
});

describe('firebase-admin, unmodified, against the simulator', () => {
  it('sends, and the simulator has the message', async () => {
    const send = sdk(simulator.setup.fcm.serviceAccount);
    const name = await send({
      token: 'phone:APA91-1',
      notification: { title: 'Hello', body: 'World' },
      data: { carillonNotificationId: 'n-1' },
      android: { priority: 'high', ttl: 60_000, collapseKey: 'k', notification: { channelId: 'c', sticky: true } },
      apns: { headers: { 'apns-priority': '10' }, payload: { aps: { badge: 1, sound: 'default' } } },
      webpush: {
        headers: { TTL: '60' },
        notification: { icon: 'https://example.com/i.png' },
        fcmOptions: { link: 'https://example.com' },
      },
      fcmOptions: { analyticsLabel: 'l' },
    });
    expect(name).toMatch(/^projects\/carillon-demo\/messages\/0:/);
    const [message] = await simulator.messages('?provider=fcm');
    expect(message).toMatchObject({
      target: 'phone:APA91-1',
      notificationKey: 'n-1',
      verdict: { status: 200, accepted: true },
    });
    expect(await simulator.violations()).toEqual([]);
  });

  it.each([
    ['t--unregistered', 'messaging/registration-token-not-registered'],
    ['t--malformed', 'messaging/invalid-argument'],
    ['t--malformed-field', 'messaging/invalid-argument'],
    ['t--invalid-argument', 'messaging/invalid-argument'],
    ['t--sender-mismatch', 'messaging/mismatched-credential'],
    ['t--third-party-auth', 'messaging/third-party-auth-error'],
    ['t--429', 'messaging/message-rate-exceeded'],
    ['t--500', 'messaging/internal-error'],
    ['not a token', 'messaging/invalid-argument'],
  ])('%s is reported as %s', async (token, code) => {
    const send = sdk(simulator.setup.fcm.serviceAccount);
    expect(await codeOf(send({ token }))).toBe(code);
  });

  it.each([
    [{ status: 401, reason: 'UNAUTHENTICATED' }, 'messaging/third-party-auth-error'],
    [{ status: 403, reason: 'PERMISSION_DENIED' }, 'messaging/mismatched-credential'],
    [{ status: 404, reason: 'NOT_FOUND' }, 'messaging/registration-token-not-registered'],
    [{ status: 418, reason: 'UNSPECIFIED_ERROR' }, 'messaging/unknown-error'],
  ])('a rule that answers %o is reported as %s', async (answer, code) => {
    await simulator.rule({ provider: 'fcm' }, { type: 'respond', ...answer });
    const send = sdk(simulator.setup.fcm.serviceAccount);
    expect(await codeOf(send({ token: 't' }))).toBe(code);
  });

  it('an HTML 502 is no JSON and is reported as unknown', async () => {
    await simulator.rule({ provider: 'fcm' }, { type: 'html502' });
    const send = sdk(simulator.setup.fcm.serviceAccount);
    expect(await codeOf(send({ token: 't' }))).toBe('messaging/unknown-error');
  });

  it('repeats a 503 by itself, and every try is counted', async () => {
    const send = sdk(simulator.setup.fcm.serviceAccount);
    expect(await codeOf(send({ token: 't--503-ra0x2' }))).toMatch(/^sent /);
    const { services } = await simulator.counts();
    expect(services['fcm']?.verdicts).toEqual({ '503 503': 2, '200': 1 });
  });

  it('a dry run is honoured and not counted as accepted', async () => {
    const account = simulator.setup.fcm.serviceAccount;
    sdk(account);
    const app = apps.at(-1);
    if (!app) throw new Error('no app');
    expect(await getMessaging(app).send({ token: 't' }, true)).toBe('projects/carillon-demo/messages/fake_message_id');
    expect((await simulator.counts()).accepted).toBe(0);
  });

  it('a message to a topic is taken', async () => {
    const send = sdk(simulator.setup.fcm.serviceAccount);
    await send({ topic: 'news' });
    expect((await simulator.messages('?provider=fcm')).map(({ target }) => target)).toEqual(['/topics/news']);
  });
});
