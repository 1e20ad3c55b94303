import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, startApi, type TestApi } from '../setup/app.js';
import { launchBrowser } from '../setup/browser.js';
import { type ConsolePage, openConsole } from '../setup/console.js';
import { eventually } from '../setup/eventually.js';
import { type TestApplication, World } from '../setup/world.js';

/** What would run if any page took stored data for markup. */
const HOSTILE = '"><img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>';
const APNS_TOKEN = `00${'c1'.repeat(31)}`;

let world: World;
let workers: TestApi | undefined;
let browser: Browser;
let shop: TestApplication;
/** Its FCM is throttled, and its APNs key is unknown to Apple. */
let troubled: TestApplication;
let operator: ConsolePage;
let page: Page;

/** An application whose Firebase project nobody else uses, so that its quota is its own. */
async function loneApplication(): Promise<TestApplication> {
  const made = await world.application(['apns', 'webpush']);
  const { fcm } = await world.control('POST', '/__projects', { fcm: {} });
  await world.setCredential(made, 'fcm', fcm);
  return made;
}

const fcmToken = (behaviour = 'fine') => `${crypto.randomUUID()}:APA91b${'x'.repeat(100)}--${behaviour}`;
const send = (application: TestApplication, userId: string, options: object = {}) =>
  world.notify(application, { audience: { userIds: [userId] }, options });

async function apnsAnswers(status: number, reason: string): Promise<void> {
  const action = { type: 'respond', status, reason };
  await world.control('POST', '/__rules', { match: { provider: 'apns', regex: '.*' }, times: 1, action });
}

async function settled(application: TestApplication, id: string, expected: object): Promise<void> {
  await world.until(application, id, { counts: expected });
}

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start({ role: 'api' }), launchBrowser()]);
  const { config } = world.api;
  workers = await startApi({ ...config, database: config.DATABASE_URL, redis: world.redisUrl, CARILLON_ROLE: 'all' });
  [shop, troubled] = await Promise.all([loneApplication(), loneApplication()]);
  const key = (await world.simulatorCredential('apns')) as object;
  await world.setCredential(troubled, 'apns', { ...key, keyId: 'UNKNOWNKEY' });
  operator = await openConsole(browser, world.api, '/', { role: 'operator' });
  page = operator.page;
});

afterAll(async () => {
  await browser?.close();
  await workers?.close();
  await world?.close();
});

const open = (path: string, application = shop) =>
  page.goto(`${world.api.baseUrl}/console/apps/${application.id}${path}`);
const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor();
const reasons = () => page.getByRole('list', { name: 'Why did it not ring?' }).getByRole('listitem');

const box = () => page.getByRole('banner').getByLabel('Find a user');

/** Types into the box of the header, as one does who has the keyboard under the hands. */
async function search(text: string): Promise<void> {
  await box().and(page.locator(':enabled')).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.insertText(text);
  await page.keyboard.press('Enter');
}

describe('the search', () => {
  it('leads from a user, a device, a notification and a fingerprint to their pages', async () => {
    const device = await world.device(shop, 'fcm', undefined, { userId: 'ann' });
    const id = await send(shop, 'ann');
    const { tokenFingerprint } = (await world.get(shop, `/v1/devices/${device}`)).body;
    await open('/devices');
    for (const [text, path] of [
      ['ann', '/users/ann'],
      [device, `/devices/${device}`],
      [id, `/notifications/${id}`],
      [tokenFingerprint.slice(0, 8), `/devices/${device}`],
      [tokenFingerprint, `/devices/${device}`],
    ]) {
      await search(text);
      await page.waitForURL((url) => url.pathname.endsWith(path));
    }
    await page.getByRole('link', { name: 'Devices and users' }).click();
    await page.getByRole('main').getByLabel('Find a user').fill('an');
    await page.getByRole('option', { name: 'ann' }).click();
    await heading('ann');
    await search('nobody');
    await page.getByText('No user id begins with “nobody”').waitFor();
  });

  it('finds a pasted token without letting it out of the browser', async () => {
    const subscription = await world.subscription(shop);
    const { endpoint } = subscription as { endpoint: string };
    const tokens: readonly (readonly ['fcm' | 'apns' | 'webpush', unknown, string])[] = [
      ['fcm', fcmToken(), ''],
      ['apns', APNS_TOKEN, ''],
      ['webpush', subscription, endpoint],
    ];
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.url(), request.postData() ?? ''));
    for (const [provider, token, secret] of tokens) {
      const device = await world.device(shop, provider, token);
      await search(typeof token === 'string' ? token : JSON.stringify(token));
      await page.waitForURL((url) => url.pathname.endsWith(`/devices/${device}`));
      const gone = secret || String(token);
      expect(sent.filter((text) => decodeURIComponent(text).includes(gone))).toEqual([]);
    }
    const unknown = fcmToken();
    await search(unknown);
    await page.getByText('No device of this application has this token').waitFor();
    const hash = createHash('sha256').update(unknown).digest('hex');
    expect(new URL(page.url()).searchParams.get('tokenFingerprint')).toBe(hash);
  });
});

describe('the pages', () => {
  it('explain a delivery that was retried, with its request, and whatever was stored stays text', async () => {
    const device = await world.device(shop, 'fcm', fcmToken('503x1'), {
      userId: HOSTILE,
      tags: { [HOSTILE.slice(0, 60)]: HOSTILE },
      appVersion: 'javascript:globalThis.hacked=1',
    });
    const id = await world.notify(shop, {
      audience: { userIds: [HOSTILE] },
      content: { title: HOSTILE, body: HOSTILE, data: { [`k${HOSTILE}`]: HOSTILE } },
    });
    await settled(shop, id, { retried: 1, pending: 1 });
    await open(`/notifications/${id}/deliveries/${device}`);
    await heading(/^Waiting for another attempt: FCM is overloaded/);
    await page.getByRole('listitem').filter({ hasText: 'Next attempt' }).waitFor();
    await world.advance(15_000);
    // The page looks again by itself.
    await heading('FCM accepted the message, but no receipt has come from the device');
    await page.getByText('Attempt 1 · UNAVAILABLE').waitFor();
    await page.getByText('Attempt 2 · 200').waitFor();
    await page.getByText('No receipt from the device so far').waitFor();
    await page.getByText('Compiled again', { exact: true }).waitFor();
    expect(await page.getByLabel('Headers').textContent()).toContain('authorization: Bearer <access token>');
    expect(await page.getByLabel('Body').textContent()).toContain(JSON.stringify(HOSTILE));
    await operator.expectWell('delivery');

    await page.getByRole('link', { name: HOSTILE }).click();
    await heading(HOSTILE);
    await reasons().first().waitFor();
    await page.getByLabel('Around when?').fill('2026-01-02T14:05');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing was meant for this user in this time').waitFor();
    await page.getByRole('button', { name: 'Show the last 24 hours' }).click();
    await reasons().first().waitFor();
    await page
      .getByRole('table', { name: 'Devices' })
      .getByRole('link', { name: device.slice(0, 8) })
      .click();
    await heading(`Device ${device.slice(0, 8)}`);
    await page.getByText('javascript:globalThis.hacked=1').waitFor();
    expect(await page.evaluate('globalThis.hacked')).toBeUndefined();
  });

  it('tell of a device its history and deliveries, and send it a test push', async () => {
    const token = fcmToken('unregistered');
    const device = await world.device(shop, 'fcm', token, { userId: 'zoe', topics: ['news', 'sports'] });
    const id = await send(shop, 'zoe');
    await settled(shop, id, { failed: 1 });
    await open(`/devices/${device}`);
    await page.getByText(/^Left out since .*: The device token is dead/).waitFor();
    await page.getByText('Its token is dead: UNREGISTERED').waitFor();
    await page.getByText('news, sports').waitFor();
    await page.getByRole('table', { name: 'Its deliveries' }).getByText('The device token is dead').waitFor();
    await operator.expectWell('device');

    const path = `/v1/devices/${device}`;
    await call(world.api, 'PATCH', path, { key: shop.serverKey, body: { token: fcmToken() } });
    await page.reload();
    await page.getByText(/^Got a new token/).waitFor();
    await page.getByRole('button', { name: 'Send a test push' }).click();
    await page.getByLabel('Title').fill('Does it ring?');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await heading('FCM accepted the message, but no receipt has come from the device');
    await page.getByText('Does it ring?').first().waitFor();
  });

  it('find deliveries by their filters and export what is found', async () => {
    await world.device(shop, 'apns', undefined, { userId: '=cmd()' });
    await apnsAnswers(400, HOSTILE);
    await settled(shop, await send(shop, '=cmd()'), { failed: 1 });
    await open('/deliveries');
    const list = page.getByRole('table', { name: 'Deliveries' });
    await list.getByRole('link', { name: 'The device token is dead' }).first().waitFor();
    await operator.expectWell('deliveries');

    await page.getByRole('combobox', { name: 'Provider' }).click();
    await page.getByRole('option', { name: 'APNs' }).click();
    await list.getByText('=cmd()').waitFor();
    expect(await list.getByRole('row').count()).toBe(2);
    await page.getByRole('button', { name: 'Export' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'As CSV' }).click(),
    ]);
    const [, line, rest] = (await readFile(await download.path(), 'utf8')).split('\r\n');
    expect([line?.includes(`"'=cmd()"`), rest]).toEqual([true, '']);
    await page.getByLabel('User', { exact: true }).fill('nobody');
    await page.keyboard.press('Enter');
    await page.getByText('No delivery matches.').waitFor();
    expect(new URL(page.url()).search).toBe('?provider=apns&userId=nobody');
    expect(await page.evaluate('globalThis.hacked')).toBeUndefined();
  });

  it('list users and devices', async () => {
    await open('/devices?search=a');
    await page.getByRole('table', { name: 'Users' }).getByRole('link', { name: 'ann' }).waitFor();
    await open('/devices');
    await page.getByRole('table', { name: 'Devices' }).getByRole('link').first().waitFor();
    await operator.expectWell('devices');
  });

  it('speak Korean, and leave out what a viewer may not do', async () => {
    const path = `/apps/${shop.id}/users/zoe`;
    const viewer = await openConsole(browser, world.api, path, { role: 'viewer', locale: 'ko-KR' });
    const lines = viewer.page.getByRole('list', { name: '왜 울리지 않았습니까?' });
    await lines.getByText(/^FCM이? .*수신/).waitFor();
    await viewer.expectWell('user-ko');
    await lines.getByRole('link').first().click();
    await viewer.page.getByRole('heading', { name: '다음에 할 일' }).waitFor();
    expect(await viewer.page.getByRole('link', { name: '다시 보내기' }).count()).toBe(0);
    await viewer.page.getByRole('main').getByRole('link', { name: 'zoe' }).click();
    await viewer.page.getByRole('table').getByRole('link').first().click();
    await viewer.page.getByRole('heading', { name: '등록 이력' }).waitFor();
    expect(await viewer.page.getByRole('button', { name: '테스트 푸시 보내기' }).count()).toBe(0);

    const removed = await world.device(shop, 'fcm');
    await call(world.api, 'DELETE', `/v1/devices/${removed}`, { key: shop.serverKey });
    await viewer.page.goto(`${world.api.baseUrl}/console/apps/${shop.id}/devices/${removed}`);
    await viewer.page.getByRole('heading', { level: 1, name: '삭제된 기기' }).waitFor();
    await viewer.page.getByText('요청에 따라 삭제되었습니다').waitFor();
    await viewer.close();
  });
});

interface Case {
  userId: string;
  application: () => TestApplication;
  answer: RegExp;
}

const CASES: readonly Case[] = [
  { userId: 'dead', application: () => shop, answer: /The device token is dead: FCM no longer knows/ },
  { userId: 'large', application: () => shop, answer: /The message is too large for APNs/ },
  { userId: 'keyless', application: () => troubled, answer: /Held: the credential for APNs does not work: / },
  { userId: 'throttled', application: () => troubled, answer: /Held until .* FCM limits the sending rate/ },
  { userId: 'late', application: () => shop, answer: /Expired: the time to live ran out between attempts/ },
  { userId: 'cancelled', application: () => shop, answer: /Cancelled before it was sent/ },
  { userId: 'queued', application: () => shop, answer: /Still in the queue: no attempt has been made yet/ },
  { userId: 'silent', application: () => shop, answer: /FCM accepted the message, but no receipt has come/ },
];

/** The eight ways of not ringing, each as it really happens. */
async function makeCases(): Promise<void> {
  await Promise.all([
    world.device(shop, 'fcm', fcmToken('unregistered'), { userId: 'dead' }),
    world.device(shop, 'apns', undefined, { userId: 'large' }),
    world.device(troubled, 'apns', undefined, { userId: 'keyless' }),
    world.device(troubled, 'fcm', fcmToken('429-ra3600'), { userId: 'throttled' }),
    world.device(shop, 'fcm', fcmToken('503x0'), { userId: 'late' }),
    ...['cancelled', 'queued', 'silent'].map((userId) => world.device(shop, 'fcm', fcmToken(), { userId })),
  ]);
  await apnsAnswers(413, 'PayloadTooLarge');
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const [dead, large, late, cancelled, silent, keyless, throttled] = await Promise.all([
    send(shop, 'dead'),
    send(shop, 'large'),
    send(shop, 'late', { ttlSeconds: 5 }),
    send(shop, 'cancelled', { sendAt }),
    send(shop, 'silent'),
    send(troubled, 'keyless'),
    send(troubled, 'throttled'),
  ]);
  await call(world.api, 'POST', `/v1/notifications/${cancelled}/cancel`, { key: shop.serverKey });
  await Promise.all([
    settled(shop, dead, { failed: 1 }),
    settled(shop, large, { failed: 1 }),
    settled(shop, late, { expired: 1 }),
    settled(shop, silent, { accepted: 1 }),
    ...[keyless, throttled].map((id) =>
      eventually(async () => {
        const { blockedBy } = (await world.get(troubled, `/v1/notifications/${id}`)).body;
        expect(blockedBy).toHaveLength(1);
      }),
    ),
  ]);
  // From here on nobody works, so that what is sent now waits.
  await workers?.close();
  workers = undefined;
  await send(shop, 'queued');
}

describe('“why did this phone not ring?”', () => {
  it('is answered from the overview by one search, or by three clicks, in each of the eight cases', async () => {
    await makeCases();
    let current = '';
    for (const { userId, application, answer } of CASES) {
      const { id } = application();
      await (id === current ? page.getByRole('link', { name: 'Overview' }).click() : open('', application()));
      current = id;
      await search(userId);
      await reasons().filter({ hasText: answer }).waitFor();

      await page.getByRole('link', { name: 'Overview' }).click();
      let clicks = 0;
      const click = async (target: Locator) => {
        clicks += 1;
        await target.click();
      };
      await click(page.getByRole('link', { name: 'Devices and users' }));
      await click(page.getByRole('table', { name: 'Devices' }).getByText(userId, { exact: true }));
      await click(reasons().getByRole('link', { name: answer }));
      await heading(answer);
      expect(clicks).toBeLessThanOrEqual(3);
    }
  }, 60_000);
});
