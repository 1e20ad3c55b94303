import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { call } from '../setup/app.js';
import { launchBrowser } from '../setup/browser.js';
import { type ConsolePage, openConsole } from '../setup/console.js';
import { eventually } from '../setup/eventually.js';
import { type TestApplication, World } from '../setup/world.js';

/** What callers may store where the console shows it. */
const HOSTILE = `"><img src=x onerror="document.title='ran'">`;

/** Milliseconds after which what failed is tried again, chance included. */
const RETRIES_MS = 15_000;
/** Milliseconds that one step of a person may take. */
const STEP_MS = 20_000;

let world: World;
let browser: Browser;
let application: TestApplication;
let owner: ConsolePage;
let viewer: ConsolePage;
let page: Page;

beforeAll(async () => {
  [world, browser] = await Promise.all([World.start({ WEBHOOK_ALLOW_INSECURE: true }), launchBrowser()]);
  application = await world.application(['fcm', 'apns']);
  owner = await openConsole(browser, world.api, '/applications');
  viewer = await openConsole(browser, world.api, '/applications', { role: 'viewer', locale: 'ko-KR' });
  for (const { page: each } of [owner, viewer]) each.setDefaultTimeout(STEP_MS);
});

afterAll(async () => {
  await browser?.close();
  await world?.close();
});

beforeEach(() => {
  page = owner.page;
});

const open = (path: string, on = page) => on.goto(`${world.api.baseUrl}/console${path}`);
const button = (name: string | RegExp, on: Page | Locator = page) => on.getByRole('button', { name });
const row = (text: string, on = page) => on.getByRole('row').filter({ hasText: text });

/** Chooses from the menu of one row. */
async function choose(actionsOf: string, what: string): Promise<void> {
  await button(`Actions for ${actionsOf}`).click();
  await page.getByRole('menuitem', { name: what }).click();
}

/** What the dialog that is open asks for. */
const dialog = () => page.getByRole('dialog');

async function expectNoScriptRan(): Promise<void> {
  expect(await page.title()).not.toContain('ran');
  expect(await page.locator('img').count()).toBe(0);
}

describe('applications', () => {
  it('are made, renamed and deleted by an owner', async () => {
    await open('/applications');
    await button('New application').click();
    await dialog().getByLabel('Name').fill(HOSTILE);
    await button('New application', dialog()).click();
    await page.waitForURL(/\/settings\?tab=credentials$/);

    await open('/applications');
    await row(HOSTILE).waitFor();
    await expectNoScriptRan();
    await owner.expectWell('applications');

    await choose(HOSTILE, 'Rename');
    await dialog().getByLabel('Name').fill('Shop, production');
    await button('Save', dialog()).click();
    await row('Shop, production').waitFor();

    await choose('Shop, production', 'Delete');
    const remove = button('Delete', dialog());
    expect(await remove.isDisabled()).toBe(true);
    await dialog()
      .getByLabel(/^Type the name/)
      .fill('Shop, production');
    await remove.click();
    await row('Shop, production').waitFor({ state: 'detached' });
    const left = await call(world.api, 'GET', '/v1/applications', { key: world.api.adminKey });
    expect(left.body.items.map(({ id }: { id: string }) => id)).toEqual([application.id]);
  });

  it('are only looked at by a viewer', async () => {
    await row('test', viewer.page).waitFor();
    expect(await button(/새 애플리케이션|작업/, viewer.page).count()).toBe(0);
  });
});

describe('accounts', () => {
  it('begin with a link that is shown once and works once', async () => {
    await open('/accounts');
    await button('Invite').click();
    await dialog().getByLabel('Name').fill(HOSTILE);
    await dialog().getByLabel('Email').fill('ada@example.com');
    await button('Make the account', dialog()).click();
    const link = await dialog().getByRole('status', { name: 'Sign-in link' }).textContent();
    await owner.expectWell('accounts-link');
    await button('Done', dialog()).click();
    await row('ada@example.com').filter({ hasText: 'Invited' }).waitFor();
    await expectNoScriptRan();

    const ada = await (await browser.newContext()).newPage();
    ada.setDefaultTimeout(STEP_MS);
    await ada.goto(link ?? '');
    await ada.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    expect(await ada.getByRole('link', { name: 'Accounts' }).count()).toBe(0);
    await ada.context().clearCookies();
    await ada.goto(link ?? '');
    await ada.getByText('has been used').waitFor();
    await ada.context().close();
  });

  it('begin with a password', async () => {
    await open('/accounts');
    await button('Invite').click();
    await dialog().getByLabel('Email').fill('grace@example.com');
    await dialog()
      .getByLabel(/^Operator/)
      .check();
    await dialog()
      .getByLabel(/password that you choose/)
      .check();
    await dialog().getByRole('textbox', { name: 'Password' }).fill('a long enough one');
    await button('Make the account', dialog()).click();
    await row('grace@example.com').filter({ hasText: 'Operator' }).waitFor();
    const body = { email: 'grace@example.com', password: 'a long enough one' };
    expect((await call(world.api, 'POST', '/v1/session', { body })).status).toBe(200);
  });

  it('get another role, are disabled, enabled and deleted', async () => {
    await open('/accounts');
    await choose('grace@example.com', 'Change role');
    await dialog()
      .getByLabel(/^Viewer/)
      .check();
    await button('Save', dialog()).click();
    await row('grace@example.com').filter({ hasText: 'Viewer' }).waitFor();
    await choose('grace@example.com', 'Disable');
    await button('Disable', dialog()).click();
    await row('grace@example.com').filter({ hasText: 'Disabled' }).waitFor();
    const body = { email: 'grace@example.com', password: 'a long enough one' };
    expect((await call(world.api, 'POST', '/v1/session', { body })).body.code).toBe('sign_in_failed');
    await owner.expectWell('accounts');
    await choose('grace@example.com', 'Enable');
    await row('grace@example.com').filter({ hasText: 'Active' }).waitFor();
    await choose('grace@example.com', 'Delete');
    await button('Delete', dialog()).click();
    await row('grace@example.com').waitFor({ state: 'detached' });
    expect(await button(/^Actions for owner-/).count()).toBe(0);
  });

  it('are not shown to a viewer, whatever address it opens', async () => {
    await open('/accounts', viewer.page);
    await viewer.page.getByRole('alert').filter({ hasText: 'account_role_not_allowed' }).waitFor();
    expect(await button('초대', viewer.page).count()).toBe(0);
  });
});

const overviewOf = ({ id }: { id: string }) => `/apps/${id}`;
const heading = (name: string | RegExp, on = page) => on.getByRole('heading', { name });
const table = (name: string, on = page) => on.getByRole('table', { name });
const live = (on = page) => on.getByRole('status').filter({ hasText: /^(Live|실시간)$/ });

/** Provider calls of FCM as the page shows them now; 0 before the first. */
async function callsShown(on = page): Promise<number> {
  const cells = on.getByRole('row', { name: /^FCM/ }).getByRole('cell');
  const [, calls] = await cells.allTextContents();
  return Number((calls ?? '0').replaceAll(',', ''));
}

/** Registers devices of which some are dead, some heal, and tells all of them something. */
async function campaign(devices: number, more: object = {}): Promise<string> {
  const run = crypto.randomUUID().replaceAll('-', '');
  const fate = (i: number) => (i % 10 === 0 ? '--unregistered' : i % 10 === 1 ? '--503-ra1x1' : '');
  await world.devices(
    application,
    Array.from({ length: devices }, (_, i) => ({
      provider: 'fcm',
      token: `${run}${i}:APA91b${run}${fate(i)}`,
      topics: [run],
    })),
  );
  return world.notify(application, { audience: { topics: [run] }, ...more });
}

describe('the overview', () => {
  it('says of a new application what to do first', async () => {
    await open(overviewOf(await world.application([])));
    await heading('Nothing can be sent yet').waitFor();
    await page.getByRole('link', { name: 'Credentials' }).waitFor();
  });

  it('changes while a campaign runs, by the stream alone and without a reload', async () => {
    await world.control('POST', '/__rules', {
      match: { provider: 'fcm' },
      action: { type: 'delay', uniform: { min: 100, max: 500 } },
    });
    await open(overviewOf(application));
    await heading('All well').waitFor();
    await live().waitFor();
    await page.evaluate('globalThis.isSameDocument = true');
    const polls: string[] = [];
    page.on('request', (request) => request.url().endsWith('/overview') && polls.push(request.url()));
    const id = await campaign(400);
    await eventually(async () => expect(await callsShown()).toBeGreaterThan(0));
    expect(await callsShown()).toBeLessThan(440);
    await owner.expectWell('overview');
    await world.advance(RETRIES_MS);
    await world.until(application, id, { status: 'completed', counts: { accepted: 360, failed: 40 } });
    await eventually(async () => expect(await callsShown()).toBe(440));
    expect(await page.evaluate('globalThis.isSameDocument')).toBe(true);
    expect(polls).toEqual([]);
    await heading('All well').waitFor();

    await table('Recent failures by code').getByRole('link', { name: 'UNREGISTERED' }).click();
    await page.waitForURL(/\/deliveries\?provider=fcm&code=UNREGISTERED$/);
  });

  it('is polled where no stream gets through, and says when nothing answers', async () => {
    const { page: other } = viewer;
    await other.route(/\/v1\/realtime\//, (route) => route.abort());
    await other.routeWebSocket(/\/realtime/, (socket) => socket.close());
    await open(overviewOf(application), other);
    await heading('모두 정상입니다', other).waitFor();
    await other.getByText('다시 연결 중').waitFor();
    const before = await callsShown(other);
    await campaign(10);
    await eventually(async () => expect(await callsShown(other)).toBeGreaterThan(before), { timeoutMs: 15_000 });
    await other.context().setOffline(true);
    await heading('Carillon이 응답하지 않습니다', other).waitFor();
    await other.unrouteAll();
    await other.context().setOffline(false);
    await heading('모두 정상입니다', other).waitFor();
  });
});

describe('trouble', () => {
  let broken: TestApplication;

  it('is named in words: what is broken, since when, and what to do', async () => {
    broken = await world.application(['fcm']);
    const rename = { key: world.api.adminKey, body: { name: HOSTILE } };
    await call(world.api, 'PATCH', `/v1/applications/${broken.id}`, rename);
    const apns = (await world.simulatorCredential('apns')) as object;
    await world.setCredential(broken, 'apns', { ...apns, keyId: 'UNKNOWNKEY' });
    const webhook = {
      url: `http://127.0.0.1:9/"><img/src=x/onerror=document.title='ran'>`,
      events: ['credential.broken'],
    };
    const made = await call(world.api, 'POST', '/v1/webhooks', { key: broken.serverKey, body: webhook });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    await open(overviewOf(broken));
    await heading('All well').waitFor();
    await live().waitFor();

    const dead = `${crypto.randomUUID()}:APA91bAAAAAAAAAAAAAA--429-ra600`;
    const deviceIds = await Promise.all([world.device(broken, 'apns'), world.device(broken, 'fcm', dead)]);
    await world.notify(broken, { audience: { deviceIds } });
    await heading('3 things need attention').waitFor();
    await heading(/^APNs does not take our credential, since /).waitFor();
    await heading(/^FCM asks us to slow down, since /).waitFor();
    await heading(/^A webhook fails, since /).waitFor();
    await expectNoScriptRan();
    await owner.expectWell('overview-trouble');

    await world.setCredential(broken, 'apns');
    await heading('2 things need attention').waitFor();
    await page.getByRole('link', { name: 'Attempts' }).click();
    await page.waitForURL(new RegExp(`/webhooks/${made.body.id}$`));
  });

  it('stands in the queues as well, beside what waits and who works', async () => {
    await open('/queues');
    const gate = table('Closed gates').getByRole('row').filter({ hasText: HOSTILE });
    await gate.filter({ hasText: 'Throttled' }).waitFor();
    await table('What waits, by lane and provider').getByRole('row', { name: /FCM/ }).waitFor();
    await table('Workers').getByRole('row').nth(1).waitFor();
    await button('Jobs of dispatch-normal-fcm').click();
    await page.getByText('No jobs in this queue right now.').waitFor();
    await expectNoScriptRan();
    await owner.expectWell('queues');
    await gate.getByRole('link').click();
    await page.waitForURL((url) => url.pathname.endsWith(overviewOf(broken)));
  });
});

describe('a form', () => {
  it('says at the field what the API refuses', async () => {
    await open('/accounts');
    await button('Invite').click();
    await dialog().getByLabel('Email').fill('ada@example.com');
    await button('Make the account', dialog()).click();
    await dialog().getByText('belongs to another account').waitFor();
    await dialog()
      .getByLabel(/password that you choose/)
      .check();
    const password = dialog().getByRole('textbox', { name: 'Password' });
    await password.fill('short');
    await button('Make the account', dialog()).click();
    await dialog().getByText('>=12 characters').waitFor();
    await button('Cancel', dialog()).click();
  });
});
