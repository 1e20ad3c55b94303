import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { call } from '../setup/app.js';
import { launchBrowser, type Site, startSite } from '../setup/browser.js';
import { eventually } from '../setup/eventually.js';
import { type TestApplication, World } from '../setup/world.js';

let world: World;
let browser: Browser;
let site: Site;
let application: TestApplication;
let context: BrowserContext;
let page: Page;
let cdp: CDPSession;
let registrationId: string;
let deviceId: string;

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start(), launchBrowser()]);
  // A worker has to come from the page's own origin: one line there takes in ours.
  site = await startSite({ '/carillon-sw.js': () => `importScripts('${world.api.baseUrl}/sdk/carillon-sw.js');` });
  application = await world.application(['webpush']);
  const body = { corsOrigins: [site.origin], requireUserToken: false };
  await call(world.api, 'PATCH', `/v1/applications/${application.id}`, { key: world.api.adminKey, body });
  context = await browser.newContext();
  await context.grantPermissions(['notifications'], { origin: site.origin });
  // No push service is within reach of a test: the simulator's subscription stands in for the browser's.
  const subscription = JSON.stringify(await world.subscription(application));
  await context.addInitScript(`
    PushManager.prototype.getSubscription = async () => null;
    PushManager.prototype.subscribe = async (options) => ({ options, toJSON: () => (${subscription}) });
  `);
  page = await context.newPage();
  cdp = await context.newCDPSession(page);
  const known = new Promise<string>((resolve) => {
    cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const own = registrations.find(({ scopeURL }) => scopeURL.startsWith(site.origin));
      if (own) resolve(own.registrationId);
    });
  });
  await cdp.send('ServiceWorker.enable');
  await page.goto(site.origin);
  const options = {
    url: world.api.baseUrl,
    clientKey: application.clientKey,
    applicationId: application.id,
    userId: 'u-1',
  };
  const enabled: { deviceId: string } = await page.evaluate(`(async () => {
    globalThis.push = await import('${world.api.baseUrl}/sdk/carillon-push.js');
    return push.enablePush(${JSON.stringify(options)});
  })()`);
  deviceId = enabled.deviceId;
  registrationId = await known;
  await inWorker(`
    self.shown = 0;
    const { showNotification } = ServiceWorkerRegistration.prototype;
    ServiceWorkerRegistration.prototype.showNotification = async function (...options) {
      await showNotification.apply(this, options);
      self.shown += 1;
    };`);
});

beforeEach(async () => {
  await page.evaluate(
    'navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((all) => all.forEach((one) => one.close()))',
  );
  await eventually(async () => expect(await shown()).toEqual([]));
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await world?.close();
});

interface ShownNotification {
  title: string;
  body: string;
  tag: string;
}

const shown = (): Promise<ShownNotification[]> =>
  page.evaluate(`navigator.serviceWorker.ready.then((r) => r.getNotifications())
    .then((all) => all.map(({ title, body, tag }) => ({ title, body, tag })))`);

/** Sends a notification through the service, and hands what the push service got to the browser. */
async function push(content: object): Promise<string> {
  const id = await world.notify(application, { audience: { deviceIds: [deviceId] }, content });
  await world.until(application, id, { counts: { accepted: 1 } });
  await deliver((await messageOf(id)).body);
  return id;
}

// biome-ignore lint/suspicious/noExplicitAny: as the simulator recorded it
async function messageOf(notificationId: string): Promise<any> {
  const { messages } = await world.control('GET', '/__messages?provider=webpush&limit=1000');
  return messages.find(({ body }: { body: unknown }) => JSON.stringify(body).includes(notificationId));
}

/**
 * As the browser does with what its push service hands it. Waits until it is shown without looking: Chromium forgets
 * notifications for which it is asked at the very moment that it shows them.
 */
async function deliver(payload: unknown): Promise<void> {
  const before = await inWorker('return self.shown;');
  await hand(payload);
  await eventually(async () => (await inWorker('return self.shown;')) === Number(before) + 1);
}

async function hand(payload: unknown): Promise<void> {
  const data = typeof payload === 'string' ? payload : JSON.stringify(payload);
  await cdp.send('ServiceWorker.deliverPushMessage', { origin: site.origin, registrationId, data });
}

async function receipts(id: string): Promise<string[]> {
  const [delivery] = await world.deliveries(application, id);
  return delivery.receipts.map(({ type }: { type: string }) => type).toSorted();
}

/** No protocol clicks a notification of a browser without a window: the worker gets the event that a click would be. */
async function click(kind: 'notificationclick' | 'notificationclose'): Promise<void> {
  await inWorker(`
    const [notification] = await self.registration.getNotifications();
    self.dispatchEvent(new NotificationEvent('${kind}', { notification }));`);
}

async function inWorker(script: string): Promise<unknown> {
  const worker = context.serviceWorkers().find((one) => one.url().startsWith(site.origin));
  if (!worker) throw new Error('the worker does not run');
  return worker.evaluate(`(async () => { ${script} })()`);
}

describe('the service worker', () => {
  it('shows what is pushed, and its click is a receipt in the delivery log', async () => {
    const id = await push({ title: 'Your parcel', body: 'is at the door', data: { parcel: '7' } });
    await eventually(async () =>
      expect(await shown()).toEqual([{ title: 'Your parcel', body: 'is at the door', tag: id }]),
    );
    await eventually(async () => expect(await receipts(id)).toEqual(['displayed']));
    await click('notificationclick');
    await eventually(async () => expect(await receipts(id)).toEqual(['displayed', 'opened']));
    await eventually(async () => expect(await shown()).toEqual([]));
    await world.until(application, id, { counts: { displayed: 1, opened: 1 } });
  });

  it('reports what was swept away', async () => {
    const id = await push({ title: 'Later' });
    await eventually(async () => expect(await shown()).toHaveLength(1));
    await click('notificationclose');
    await eventually(async () => expect(await receipts(id)).toEqual(['dismissed', 'displayed']));
  });

  it('shows nothing when the page in front of the user has shown the live copy', async () => {
    await page.bringToFront();
    const token = await call(world.api, 'POST', '/v1/realtime/tokens', {
      key: application.serverKey,
      body: { userId: 'u-1' },
    });
    await page.evaluate(`(async () => {
      const { Carillon } = await import('${world.api.baseUrl}/sdk/carillon.js');
      globalThis.live = [];
      const carillon = new Carillon({ url: '${world.api.baseUrl}', getToken: () => '${token.body.token}', acknowledge: false });
      carillon.on('notification', ({ notificationId, isPushed }) => live.push({ notificationId, isPushed }));
      carillon.subscribe('user:u-1', () => undefined);
      await new Promise((resolve) => carillon.on('status', ({ state }) => state === 'open' && resolve()));
    })()`);
    const liveCopy = (notificationId: string) =>
      call(world.api, 'POST', '/v1/realtime/channels/user:u-1/messages', {
        key: application.serverKey,
        body: { event: 'notification', data: { notificationId } },
      });
    const known = (): Promise<object[]> => page.evaluate('live');

    const pushedFirst = await push({ title: 'Pushed first' });
    await eventually(async () => expect(await shown()).toHaveLength(1));
    await liveCopy(pushedFirst);
    await eventually(async () => expect(await known()).toEqual([{ notificationId: pushedFirst, isPushed: true }]));

    const liveFirst = crypto.randomUUID();
    await liveCopy(liveFirst);
    await eventually(async () => expect(await known()).toHaveLength(2));
    await hand({ title: 'Live first', data: { carillonNotificationId: liveFirst } });
    await deliver({ title: 'After it', data: { carillonNotificationId: crypto.randomUUID() } });
    await eventually(async () =>
      expect((await shown()).map(({ title }) => title)).toEqual(expect.arrayContaining(['After it'])),
    );
    expect((await shown()).map(({ title }) => title)).not.toContain('Live first');
  });

  it('leads to pages of its own origin, and to no others', async () => {
    // The page at the start of the site is open already.
    await inWorker(`
      self.led = [];
      self.clients.openWindow = async (url) => void self.led.push('opened ' + url);
      WindowClient.prototype.focus = async function () { self.led.push('focused ' + this.url); };`);
    const targets = ['/orders/7', `${site.origin}/orders/8`, 'https://evil.example/x', 'javascript:alert(1)'];
    for (const [i, url] of targets.entries()) {
      await deliver({ title: 'Look', tag: 'look', url });
      await eventually(async () => expect(await shown()).toHaveLength(1));
      await click('notificationclick');
      await eventually(async () => expect(await inWorker('return self.led.length;')).toBe(i + 1));
      await eventually(async () => expect(await shown()).toEqual([]));
    }
    const { origin } = site;
    expect(await inWorker('return self.led;')).toEqual([
      `opened ${origin}/orders/7`,
      `opened ${origin}/orders/8`,
      `focused ${origin}/`,
      `focused ${origin}/`,
    ]);
  });

  it('registers the address that the push service changes to', async () => {
    const subscription = await world.subscription(application);
    await inWorker(`
      PushManager.prototype.getSubscription = async () => ({ toJSON: () => (${JSON.stringify(subscription)}) });
      self.dispatchEvent(new ExtendableEvent('pushsubscriptionchange'));`);
    const { endpoint } = subscription as { endpoint: string };
    await eventually(async () => {
      const id = await world.notify(application, { audience: { deviceIds: [deviceId] } });
      await world.until(application, id, { counts: { accepted: 1 } });
      expect(await messageOf(id)).toMatchObject({ target: endpoint.split('/').at(-1) });
    });
  });

  it('is gone with its device when push is disabled', async () => {
    await page.evaluate('push.disablePush()');
    const answer = await world.get(application, `/v1/devices/${deviceId}`);
    expect(answer.status).toBe(404);
    expect(await page.evaluate('push.pushState()')).toBe('off');
  });
});
