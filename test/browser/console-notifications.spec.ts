import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAILED_EVERY, type LongLog, writeLongLog } from '../factories/long-log.js';
import { call } from '../setup/app.js';
import { launchBrowser } from '../setup/browser.js';
import { type AccountRole, type ConsolePage, openConsole } from '../setup/console.js';
import { eventually } from '../setup/eventually.js';
import { type TestApplication, World } from '../setup/world.js';

const HOSTILE = `"><img src=x onerror="globalThis.hacked = 1"><script>globalThis.hacked = 1</script>`;
const WITHIN = { timeoutMs: 20_000 };

let world: World;
let browser: Browser;
let application: TestApplication;
/** To six devices: three take it, one of them at the second try; two are dead, one is another sender's. */
let campaign: string;

const token = (behaviour = '') => {
  const random = crypto.randomUUID().replaceAll('-', '');
  return `${random}:APA91b${random}${behaviour}`;
};

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start(), launchBrowser()]);
  application = await world.application(['fcm']);
  const registered = await call(world.api, 'POST', '/v1/devices', {
    key: application.clientKey,
    body: { provider: 'fcm', token: token() },
  });
  await world.device(application, 'fcm', token(), { userId: HOSTILE, tags: { plan: HOSTILE } });
  const others = ['--503x1', '--unregistered', '--unregistered', '--sender-mismatch'];
  await Promise.all(others.map((behaviour) => world.device(application, 'fcm', token(behaviour), { userId: 'ada' })));
  campaign = await world.notify(application, {
    audience: { all: true },
    content: {
      title: `Sale ${HOSTILE}`,
      body: 'Everything must go',
      imageUrl: 'https://images.example/sale.png',
      clickUrl: 'https://shop.example/sale',
      data: { campaign: HOSTILE },
    },
    options: { collapseKey: 'sale', ttlSeconds: 3_600 },
  });
  await world.until(application, campaign, { status: 'completed', counts: { accepted: 3, failed: 3 } }, 30_000);
  for (const type of ['delivered', 'opened']) {
    const answer = await call(world.api, 'POST', '/v1/receipts', {
      key: application.clientKey,
      headers: { 'x-device-secret': registered.body.deviceSecret },
      body: { notificationId: campaign, deviceId: registered.body.id, type },
    });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  }
});

afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const open = (path: string, role: AccountRole = 'operator', app = application, locale = 'en-US') =>
  openConsole(browser, world.api, `/apps/${app.id}${path}`, { role, locale });

const pathOf = (page: Page) => new URL(page.url()).pathname.replace(/^\/console\/apps\/[^/]+/, '');

async function end(console: ConsolePage): Promise<void> {
  expect(await console.page.evaluate('globalThis.hacked')).toBeUndefined();
  await console.close();
}

const rowsOf = (page: Page, label: string) =>
  page
    .getByRole('table', { name: label })
    .getByRole('row')
    .filter({ has: page.getByRole('link') });

describe('the list of notifications', () => {
  it('finds them by text, status and time, and leads to each', async () => {
    await world.notify(application, { audience: { userIds: ['ada'] }, content: { title: 'Your parcel' } });
    const console = await open('/notifications');
    const { page } = console;
    const rows = rowsOf(page, 'Notifications');
    await rows.nth(1).waitFor();
    expect(await rows.count()).toBe(2);
    expect(await rows.nth(0).textContent()).toContain('Your parcel');
    expect(await rows.nth(1).textContent()).toContain(`Sale ${HOSTILE}`);
    expect(await rows.nth(1).textContent()).toContain('All devices');
    await console.expectWell('notifications');

    await page.getByLabel('Title or text contains').fill('sale');
    await page.keyboard.press('Enter');
    await page.waitForURL(/text=sale/);
    await eventually(async () => expect(await rows.count()).toBe(1), WITHIN);
    await page.getByRole('combobox', { name: 'Status' }).click();
    await page.getByRole('option', { name: 'Scheduled' }).click();
    await page.getByText('Nothing matches these filters').waitFor();
    expect(new URL(page.url()).search).toContain('status=scheduled');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await rows.nth(1).waitFor();
    await page.getByLabel('From').fill('2099-01-01T00:00');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing matches these filters').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByRole('link', { name: /^Sale/ }).click();
    await page.waitForURL(`**/notifications/${campaign}`);
    await end(console);
  });

  it('says what to do where nothing was sent, in Korean too', async () => {
    const empty = await world.application([]);
    const console = await open('/notifications', 'viewer', empty, 'ko-KR');
    await console.page.getByRole('heading', { level: 1, name: '알림' }).waitFor();
    await console.page.getByText('아직 보낸 알림이 없습니다').waitFor();
    expect(await console.page.getByRole('link', { name: '작성' }).count()).toBe(0);
    await end(console);
  });
});

describe('one notification', () => {
  it('shows what it was, what became of it and why', async () => {
    const console = await open(`/notifications/${campaign}`);
    const { page } = console;
    await page.getByRole('heading', { level: 1, name: /^Sale/ }).waitFor();
    const funnel = page.getByRole('region', { name: 'From planned to opened' }).getByRole('listitem');
    await eventually(async () =>
      expect((await funnel.allTextContents()).map((text) => /\d+/.exec(text)?.[0])).toEqual(['6', '3', '1', '1']),
    );
    expect(await funnel.nth(0).textContent()).toContain('Failed 3');
    const timeline = page.getByRole('list', { name: 'Timeline' });
    await eventually(async () => expect(await timeline.textContent()).toMatch(/Accepted.*First delivery.*3.*ended/s));
    for (const looks of ['iPhone', 'Android', 'Browser']) {
      const shown = page.getByRole('figure').filter({ hasText: looks });
      expect(await shown.textContent()).toContain('Everything must go');
    }
    expect(await page.locator('img').count()).toBe(0);
    await console.expectWell('notification');

    await page.getByRole('tab', { name: 'Exact requests' }).click();
    const request = page.getByRole('region', { name: 'Request to FCM' });
    expect(await request.textContent()).toMatch(/^POST .*\/v1\/projects\/.*"tag": "sale"/s);
    await end(console);
  });

  it('counts failures by code with what they mean, and each leads to its deliveries', async () => {
    const console = await open(`/notifications/${campaign}`);
    const { page } = console;
    const failures = page.getByRole('region', { name: 'Why deliveries ended' });
    const dead = await failures.getByRole('listitem').filter({ hasText: 'UNREGISTERED' }).textContent();
    expect(dead).toMatch(/FCM.*uninstalled.*2/s);
    await failures.getByRole('link', { name: 'Show 2 deliveries with UNREGISTERED' }).click();
    const rows = rowsOf(page, 'Deliveries');
    await eventually(async () => expect(await rows.count()).toBe(2), WITHIN);
    expect(new URL(page.url()).search).toBe('?status=failed&provider=fcm&code=UNREGISTERED');
    expect(await rows.nth(0).textContent()).toContain('Failed');

    await page.getByRole('button', { name: 'Export' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: 'CSV' }).click();
    const file = await readFile(await (await download).path(), 'utf8');
    expect(file.trim().split('\r\n')).toHaveLength(3);
    expect(file).toContain('UNREGISTERED');

    await rows.nth(0).getByRole('link').click();
    await page.waitForURL(/\/deliveries\/[0-9a-f-]{36}$/);
    await end(console);
  });

  it('sends once more to those that it failed to reach', async () => {
    const console = await open(`/notifications/${campaign}`);
    const { page } = console;
    await page.getByRole('button', { name: 'Retry the failed ones' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Send to them now' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(campaign));
    const again = pathOf(page).split('/').at(-1) ?? '';
    await page
      .getByText(`Devices that notification ${campaign.slice(0, 8)} failed to reach`)
      .first()
      .waitFor();
    expect(await world.until(application, again, { status: 'completed' })).toMatchObject({
      audience: { failedOf: campaign },
    });
    await page.getByRole('link', { name: campaign }).click();
    await page.getByRole('link', { name: 'Send again' }).click();
    await page.waitForURL(`**/compose?like=${campaign}`);
    await end(console);
  });

  it('is watched, paused, resumed and cancelled while a provider holds it back', async () => {
    const held = await world.application(['fcm']);
    await world.device(held, 'fcm', token('--429-ra900'));
    const id = await world.notify(held, { audience: { all: true }, content: { title: 'Held' } });
    const console = await open(`/notifications/${id}`, 'operator', held);
    const { page } = console;
    const alert = page.getByRole('alert').filter({ hasText: 'Held back' });
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/FCM is held back until .*: \S/);
    await page.getByText('0 of 1 deliveries have ended').waitFor();
    await console.expectWell('notification-held');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused: nothing more is sent').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('button', { name: 'Cancel the rest' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.textContent()).toContain('cannot be undone');
    await dialog.getByRole('button', { name: 'Cancel', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Cancel the rest' }).click();
    await dialog.getByRole('button', { name: 'Cancel the rest' }).click();
    // Nobody reloads the page: it looks again by itself until everything has ended.
    await page.getByRole('button', { name: 'Pause' }).waitFor({ state: 'detached' });
    await page.getByText('of 1 deliveries have ended').waitFor({ state: 'detached' });
    await world.until(held, id, { status: 'cancelled', counts: { cancelled: 1 } });
    await end(console);
  });

  it('offers a viewer nothing but looking', async () => {
    const console = await open(`/notifications/${campaign}`, 'viewer');
    const { page } = console;
    await page.getByRole('button', { name: 'Export' }).waitFor();
    for (const name of ['Pause', 'Resume', 'Cancel the rest', 'Retry the failed ones', 'Retry: UNREGISTERED']) {
      expect(await page.getByRole('button', { name }).count(), name).toBe(0);
    }
    expect(await page.getByRole('link', { name: 'Send again' }).count()).toBe(0);
    await page.getByRole('tab', { name: 'Exact requests' }).click();
    await page.getByRole('region', { name: 'Request to FCM' }).waitFor();
    await end(console);
  });

  it('that does not exist is said to be so', async () => {
    const console = await open(`/notifications/${crypto.randomUUID()}`, 'viewer');
    await console.page.getByText('notification_not_found').waitFor();
    await end(console);
  });
});

describe('a list of very many rows', () => {
  const ROWS = 100_000;
  /** Bytes. What the cursors of 90,000 rows may weigh, and what a heap moves by itself. */
  const MAX_GROWTH = 2 * 1_024 * 1_024;
  let log: LongLog;
  let large: TestApplication;

  beforeAll(async () => {
    large = await world.application([]);
    log = await writeLongLog(world.db, large.id, ROWS);
  });

  /** Scrolls on and on, until so many rows are known or there are no more; answers how many are. */
  const scrollTo = (page: Page, rows: number): Promise<number> =>
    page.evaluate(`(async () => {
      const table = document.querySelector('[role=table][aria-label=Deliveries]');
      const rows = table.querySelector('[role=rowgroup]:last-child');
      const isWhole = () => table.getAttribute('aria-rowcount') !== '-1';
      const known = () => rows.clientHeight / 32;
      const frame = () => new Promise(requestAnimationFrame);
      while (known() < ${rows} && !isWhole()) {
        const before = known();
        table.scrollTop = table.scrollHeight;
        while (known() === before && !isWhole()) await frame();
      }
      table.scrollTop = table.scrollHeight;
      return known();
    })()`);

  /** Indexes and first cells of the rows that exist. */
  const rowsThere = (page: Page): Promise<[index: number, href: string | null, status: string][]> =>
    page.evaluate(`[...document.querySelectorAll('[role=table][aria-label=Deliveries] [role=row]')].slice(1).map((row) =>
      [row.ariaRowIndex - 2, row.querySelector('a')?.getAttribute('href') ?? null, row.querySelector('.status')?.textContent])`);

  async function expectRightRows(page: Page, index: number): Promise<void> {
    const expected = (i: number) => [
      i,
      `/console/apps/${large.id}/notifications/${log.notificationId}/deliveries/${log.devices[i]}`,
      i % FAILED_EVERY === 0 ? 'Failed' : 'Accepted',
    ];
    await eventually(async () => {
      const there = await rowsThere(page);
      expect(there.map(([i]) => i)).toContain(index);
      expect(there).toEqual(there.map(([i]) => expected(i)));
    }, WITHIN);
  }

  async function heapOf(page: Page): Promise<{ bytes: number; nodes: number }> {
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    const { nodes } = await session.send('Memory.getDOMCounters');
    await session.detach();
    return { bytes: usedSize, nodes };
  }

  it('is scrolled through in constant memory, and is right at its end and everywhere', {
    timeout: 180_000,
  }, async () => {
    const console = await open('/notifications', 'viewer', large);
    const { page } = console;
    // Longer pages than the console asks for: what is kept of them is the same, and fewer are to be waited for.
    await page.route('**/deliveries?*', (route) =>
      route.continue({
        url: route
          .request()
          .url()
          .replace(/limit=\d+/, 'limit=1000'),
      }),
    );
    await page.getByRole('link', { name: 'To very many' }).click();
    await expectRightRows(page, 0);
    await scrollTo(page, ROWS / 10);
    const early = await heapOf(page);
    expect(await scrollTo(page, Number.POSITIVE_INFINITY)).toBe(ROWS);
    await expectRightRows(page, ROWS - 1);
    expect((await rowsThere(page)).length).toBeLessThan(60);
    await page.getByText('100,000 rows', { exact: true }).waitFor();
    // What is out of sight is forgotten after a moment.
    const late = await eventually(async () => {
      const now = await heapOf(page);
      expect(now.bytes).toBeLessThan(early.bytes + MAX_GROWTH);
      return now;
    }, WITHIN);
    expect(late.nodes).toBeLessThan(early.nodes * 1.2);
    await page.evaluate(`document.querySelector('[role=table][aria-label=Deliveries]').scrollTop = 32 * ${ROWS / 2}`);
    await expectRightRows(page, ROWS / 2 + 5);
    await end(console);
  });

  it('reaches the millionth row, and says where it cannot go on', { timeout: 120_000 }, async () => {
    const console = await open('/notifications', 'viewer', large);
    const { page } = console;
    // Made in the page: the same over HTTP would be 100 MB.
    await page.addInitScript(`(() => {
      const size = 100_000;
      const real = globalThis.fetch;
      const row = { status: 'accepted', provider: 'fcm', attempts: [], explanation: { title: 'Accepted' } };
      globalThis.fetch = (request, options) => {
        const url = new URL(request.url ?? request);
        if (!url.pathname.endsWith('/deliveries')) return real(request, options);
        const start = Number(url.searchParams.get('cursor') ?? 0);
        const items = Array.from({ length: size }, (_, i) => ({ ...row, deviceId: 'row-' + (start + i) }));
        return Promise.resolve(Response.json({ items, nextCursor: String(start + size) }));
      };
    })()`);
    await page.goto(`${world.api.baseUrl}/console/apps/${large.id}/notifications/${log.notificationId}`);
    await page.locator('a[href$="/row-0"]').waitFor();
    expect(await scrollTo(page, 1_000_000)).toBeGreaterThanOrEqual(1_000_000);
    await page.evaluate(`document.querySelector('[role=table][aria-label=Deliveries]').scrollTop = 32 * 999_990`);
    const millionth = page.getByRole('row').filter({ has: page.locator('a[href$="/row-999999"]') });
    await millionth.waitFor();
    expect(await millionth.getAttribute('aria-rowindex')).toBe('1000001');
    const box = await millionth.boundingBox();
    expect(box?.height).toBe(32);
    await page.evaluate(`document.querySelector('[role=table][aria-label=Deliveries]').scrollTop = 1e9`);
    await page.getByText('Only the first 1,048,573 can be scrolled to').waitFor();
    await page.locator('a[href$="/row-1048572"]').waitFor();
    await end(console);
  });
});
