import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { call } from '../setup/app.js';
import { launchBrowser } from '../setup/browser.js';
import { type ConsolePage, openConsole } from '../setup/console.js';
import { eventually } from '../setup/eventually.js';
import { answering, WebhookReceiver } from '../setup/webhook-receiver.js';
import { TestWebhook } from '../setup/webhooks.js';
import { type TestApplication, World } from '../setup/world.js';

const HOSTILE = '"><img src=x onerror="window.broken=1">';
const WITHIN = { timeoutMs: 10_000 };

let world: World;
let browser: Browser;
let owner: ConsolePage;
let page: Page;
let app: TestApplication;
/** An application without any credential. */
let bare: TestApplication;
let receiver: WebhookReceiver;
let webhook: TestWebhook;

beforeAll(async () => {
  expect(inject('chromiumPath')).toBeTruthy();
  [world, browser, receiver] = await Promise.all([
    World.start({ WEBHOOK_ALLOW_INSECURE: true }),
    launchBrowser(),
    WebhookReceiver.start(answering(500)),
  ]);
  app = await world.application();
  bare = await world.application([]);
  webhook = await TestWebhook.create(world.api, world.db, app, {
    url: `${receiver.url}&x=<img/src=x/onerror=alert(1)>`,
  });
  await world.device(app, 'fcm', undefined, { userId: HOSTILE, tags: { plan: 'pro' } });
  for (const provider of ['fcm', 'apns', 'webpush'] as const)
    await world.device(app, provider, undefined, { userId: 'u-1' });
  owner = await openConsole(browser, world.api, `/apps/${app.id}/settings`);
  page = owner.page;
});

afterAll(async () => {
  await browser?.close();
  await receiver?.close();
  await world?.close();
});

const show = (path: string, id = app.id) => page.goto(`${world.api.baseUrl}/console/apps/${id}${path}`);
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const field = (name: string) => page.getByRole('textbox', { name, exact: true });
const text = (value: string | RegExp) => page.getByText(value).first();
const stored = () =>
  page.evaluate<string>('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href])');

describe('API keys', () => {
  it('are made, shown once, work, and stop when revoked', async () => {
    await show('/settings');
    await button('New key').click();
    await field('Name').fill(HOSTILE);
    await button('Create key').click();
    const key = await field('Key').inputValue();
    expect(key).toMatch(/^sv_/);
    expect(await field('As a line of an .env file').inputValue()).toBe(`CARILLON_SERVER_KEY=${key}`);
    expect(await stored()).not.toContain(key);
    expect((await call(world.api, 'GET', '/v1/devices', { key })).status).toBe(200);

    await button('I have stored it').click();
    const row = page.getByRole('row').filter({ hasText: HOSTILE });
    await row.getByText(`${key.slice(0, 9)}…`).waitFor();
    expect(await page.content()).not.toContain(key);
    await owner.expectWell('settings-keys');

    await row.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await row.getByText('Revoked').waitFor();
    await eventually(async () => (await call(world.api, 'GET', '/v1/devices', { key })).status === 401, WITHIN);
  });
});

describe('credentials', () => {
  it('are shown with their state, and verified in words', async () => {
    await show('/settings?tab=credentials');
    const fcm = page.locator('section').filter({ has: page.getByRole('heading', { name: 'FCM' }) });
    await fcm.getByText('In order').waitFor();
    await fcm.getByRole('button', { name: 'Verify' }).click();
    await fcm.getByText('Verified: FCM takes this credential.').waitFor();
    await owner.expectWell('settings-credentials');
  });

  it('are set up from the file that Google hands out, wrong ones named by their fields', async () => {
    await show('/settings?tab=credentials', bare.id);
    await text('Android devices can register').waitFor();
    await button('Set up').first().click();
    const dialog = page.getByRole('dialog');
    const { serviceAccount } = (await world.simulatorCredential('fcm')) as { serviceAccount: Record<string, string> };
    const file = join(await mkdtemp(join(inject('runDir'), 'console-')), 'account.json');
    await writeFile(file, JSON.stringify({ ...serviceAccount, private_key: 'lost' }));
    await dialog.locator('input[type=file]').setInputFiles(file);
    await dialog.getByText('Read from account.json').waitFor();
    expect(await dialog.locator('input[type=file]').inputValue()).toBe('');
    await dialog.getByText(`Project ${serviceAccount['project_id']}`).waitFor();
    await dialog.getByRole('button', { name: 'Store and verify' }).click();
    await dialog.getByText(/^private_key: must be a private key/).waitFor();
    owner.expectRefusals();

    await dialog.getByLabel('Service account (JSON)').first().fill(JSON.stringify(serviceAccount));
    await dialog.getByRole('button', { name: 'Store and verify' }).click();
    await dialog.waitFor({ state: 'detached' });
    // Only a simulated credential would trust the simulators' certificate, so nobody answers this one.
    await text(/FCM could not be asked/).waitFor();
    await page.getByText(serviceAccount['client_email'] ?? '').waitFor();
    expect(await page.content()).not.toContain('PRIVATE KEY');
    expect(await stored()).not.toContain('PRIVATE KEY');
  });

  it('explain what Apple asks for, and generate the key pair of Web Push', async () => {
    await button('Set up').first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Ten characters; stands beside the key').waitFor();
    const { privateKey } = (await world.simulatorCredential('apns')) as { privateKey: string };
    const file = join(await mkdtemp(join(inject('runDir'), 'console-')), 'AuthKey_ABCDE12345.p8');
    await writeFile(file, privateKey);
    await dialog.locator('input[type=file]').setInputFiles(file);
    await eventually(async () => (await dialog.getByLabel('Key ID').inputValue()) === 'ABCDE12345', WITHIN);
    await owner.expectWell('settings-apns');
    await dialog.getByRole('button', { name: 'Cancel' }).click();

    await button('Set up').last().click();
    await dialog.getByLabel('Contact for push services').fill('mailto:push@example.com');
    await dialog.getByRole('button', { name: 'Store and verify' }).click();
    await text('Verified: both halves of the pair belong together').waitFor();
    const { body } = await call(world.api, 'GET', `/v1/applications/${bare.id}/webpush/public-key`);
    await page.getByText(body.publicKey).waitFor();
  });

  it('warn before a certificate expires', async () => {
    const at = new Date(Date.now() + 10 * 86_400_000).toISOString();
    await world.db.query(
      `update credential set public_parts = public_parts || jsonb_build_object('certificateExpiresAt', $2::text)
       where application_id = $1 and provider = 'apns'`,
      [app.id, at],
    );
    await show('/settings?tab=credentials');
    await text(/The certificate expires in 9 days|The certificate expires in 10 days/).waitFor();
  });
});

describe('webhooks', () => {
  it('are made with a secret that is shown once', async () => {
    await show('/settings?tab=webhooks');
    await button('New webhook').click();
    await field('URL').fill('ftp://example.com');
    await button('Create webhook').click();
    await page.getByRole('dialog').getByRole('alert').waitFor();
    owner.expectRefusals();
    await field('URL').fill('https://hooks.example.com/carillon');
    await button('Create webhook').click();
    const secret = await field('Secret').inputValue();
    expect(secret).toMatch(/^whsec_/);
    await button('I have stored it').click();
    await page.getByRole('link', { name: 'https://hooks.example.com/carillon' }).waitFor();
    expect((await page.content()) + (await stored())).not.toContain(secret);
    await owner.expectWell('settings-webhooks');
  });

  it('show their calls, replay one and a range, and can be switched off', async () => {
    await webhook.tell([await webhook.device(), await webhook.device()]);
    await show(`/webhooks/${webhook.id}`);
    await page.getByRole('cell', { name: 'http_500' }).first().waitFor(WITHIN_PAGE);
    receiver.answer = answering(204);
    await page
      .getByRole('button', { name: /^Replay: / })
      .first()
      .click();
    await text('1 events are sent again').waitFor();
    await page.getByRole('cell', { name: '204' }).first().waitFor(WITHIN_PAGE);
    await owner.expectWell('webhook');

    await button('Replay a range').click();
    const local = (ms: number) => {
      const at = new Date(Date.now() + ms);
      return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    };
    await page.getByLabel(/^From/).fill(local(-3_600_000));
    await page.getByLabel(/^To/).fill(local(3_600_000));
    const before = receiver.calls.length;
    await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
    await text('2 events are sent again').waitFor();
    await eventually(() => receiver.calls.length >= before + 2, WITHIN);

    await button('New secret…').click();
    await page.getByRole('dialog').getByRole('button', { name: 'New secret' }).click();
    expect(await field('Secret').inputValue()).toMatch(/^whsec_/);
    await button('I have stored it').click();
    await text('The secret before the last one signs until').waitFor();

    await button('Switch off').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
    await button('Switch on').waitFor();
    expect((await webhook.call('GET')).body).toMatchObject({ enabled: false, disabledReason: 'requested' });
  });
});

const WITHIN_PAGE = { timeout: 15_000 };

describe('general settings', () => {
  it('hold origins and the public key of user tokens, refused at their fields', async () => {
    await show('/settings?tab=general');
    await field('Origins of web pages').fill('https://app.example.com/path');
    await button('Save').click();
    await page.locator('form').getByText('must be an exact origin').first().waitFor();
    owner.expectRefusals();
    await field('Origins of web pages').fill('https://app.example.com\nhttps://www.example.com');
    await button('Save').click();
    await text('Saved').waitFor();
    const { body } = await call(world.api, 'GET', `/v1/applications/${app.id}`, { key: world.api.adminKey });
    expect(body.corsOrigins).toEqual(['https://app.example.com', 'https://www.example.com']);
    await owner.expectWell('settings-general');
  });
});

describe('the audit log', () => {
  it('says who did what, by account, kind and place', async () => {
    await show('/audit');
    await page.getByRole('cell', { name: 'Created an API key' }).first().waitFor();
    await page
      .getByRole('cell', { name: /owner-\d+@example\.com/ })
      .first()
      .waitFor();
    await page.getByRole('cell', { name: 'Admin key of the installation' }).first().waitFor();
    await owner.expectWell('audit');

    await page.getByLabel('Who').fill('bootstrap');
    await button('Search').click();
    await page
      .getByRole('cell', { name: /owner-\d+@example\.com/ })
      .first()
      .waitFor({ state: 'detached' });
    await page.getByRole('combobox', { name: 'What' }).click();
    await page.getByRole('option', { name: 'Credentials' }).click();
    await page.getByRole('cell', { name: 'Created an API key' }).first().waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?by=bootstrap&action=credential');
    await page.getByRole('cell', { name: 'Stored a credential' }).first().waitFor();

    await show('/audit?where=all&action=account');
    await page.getByRole('cell', { name: 'Signed in' }).first().waitFor();
  });
});

describe('composing', () => {
  it('shows what each provider would get, and what it would not take at the fields', async () => {
    await show('/compose?userId=u-1');
    expect(await field('Users').inputValue()).toBe('u-1');
    await text('3 devices').waitFor();
    await field('Title').fill(HOSTILE);
    await field('Text').fill('It is on its way.');
    await page.getByRole('button', { name: /^APNs .* of 4,096 bytes/ }).click();
    await page.getByLabel('Request to APNs').getByText('apns-push-type: alert').waitFor();
    await field('Opens').fill('javascript:window.broken=1');
    await text('must be an absolute URL, and not one that runs as code').waitFor();
    await field('Opens').fill('https://example.com/orders/1');
    await text('must be an absolute URL').waitFor({ state: 'detached' });
    await field('Text').fill('x'.repeat(4_090));
    await text(/bytes for FCM, at most 4096/).waitFor();
    await field('Text').fill('It is on its way.');
    await page.getByRole('button', { name: 'Overrides by provider' }).click();
    await field('Override for FCM').fill('{ "fcm_options": ');
    await text('must be a JSON object').waitFor();
    await field('Override for FCM').fill('{ "topic": "all" }');
    await text(/topic: /).waitFor();
    owner.expectRefusals();
    await field('Override for FCM').fill('');
    await page.getByRole('button', { name: /^FCM .* of 4,096 bytes/ }).waitFor();
    await owner.expectWell('compose');
  });

  it('tries it without sending, and sends once however often one clicks', async () => {
    await button('Dry run').click();
    await text('The dry run went well: it would reach 3 devices.').waitFor();
    const sent = () => world.db.query('select id from notification where application_id = $1', [app.id]);
    expect(await sent()).toEqual([]);
    await page.route('**/v1/notifications?*', async (route) => {
      // The answer of the first try is lost on its way.
      await route.fetch();
      await route.abort();
      await page.unroute('**/v1/notifications?*');
    });
    await button('Send').click();
    await text('It may have arrived all the same.').waitFor();
    await button('Send').dblclick();
    await page.waitForURL(/\/notifications\/[0-9a-f-]{36}$/);
    const rows = await sent();
    expect(rows).toHaveLength(1);
    await world.until(app, rows[0].id, { status: 'completed', counts: { planned: 3, accepted: 3 } });

    await show(`/compose?like=${rows[0].id}`);
    await text('Filled in from an earlier notification').waitFor();
    expect(await field('Title').inputValue()).toBe(HOSTILE);
    expect(await field('Users').inputValue()).toBe('u-1');
    await page.getByLabel(/^Send at/).fill('2099-01-31T09:30');
    await button('Schedule').click();
    await text(/sendAt/).waitFor();
    owner.expectRefusals();
  });

  it('asks before it goes to many', async () => {
    await world.devices(
      app,
      Array.from({ length: 1_001 }, (_, i) => ({
        provider: 'fcm',
        token: `many-${i}:APA91b${'x'.repeat(60)}`,
        topics: ['news'],
      })),
    );
    await show('/compose');
    await page.getByRole('radio', { name: 'Topics' }).check();
    await field('Topics').fill('news');
    await field('Title').fill('To many');
    await text('1,001 devices').waitFor();
    await button('Send').click();
    await text('This goes to 1,001 devices at once.').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

    await page.route('**/v1/notifications/audience?*', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), total: 250_000, isEstimate: true } });
    });
    await button('Send').click();
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Send to 250,000 devices' });
    expect(await confirm.isDisabled()).toBe(true);
    await field('Type 250,000 to confirm').fill('250000');
    expect(await confirm.isEnabled()).toBe(true);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.unrouteAll();
    const { body } = await world.get(app, '/v1/notifications?text=To%20many');
    expect(body.items).toEqual([]);
  });

  it('ran nothing of what callers stored', async () => {
    expect(await page.evaluate('window.broken')).toBeUndefined();
  });
});

describe('roles', () => {
  it('leave out what an account may not do', async () => {
    const viewer = await openConsole(browser, world.api, `/apps/${app.id}/settings`, { role: 'viewer' });
    const seen = (path: string) => viewer.page.goto(`${world.api.baseUrl}/console/apps/${app.id}${path}`);
    await viewer.page.getByRole('row').nth(1).waitFor();
    expect(await viewer.page.getByRole('button', { name: /New key|Revoke/ }).count()).toBe(0);
    await seen('/settings?tab=credentials');
    await viewer.page.getByText('Fingerprint').first().waitFor();
    expect(await viewer.page.getByRole('button', { name: /Verify|Replace|Remove|Set up/ }).count()).toBe(0);
    await seen(`/webhooks/${webhook.id}`);
    await viewer.page.getByRole('cell', { name: '204' }).first().waitFor();
    expect(await viewer.page.getByRole('button', { name: /Replay|Switch|Remove|secret|Change/ }).count()).toBe(0);
    await seen('/compose');
    await viewer.page.getByText('Your role may look but not send.').waitFor();
    await viewer.close();
  });

  it('and languages: the same pages in Korean', async () => {
    const korean = await openConsole(browser, world.api, `/apps/${app.id}/compose`, { locale: 'ko-KR' });
    await korean.page.getByRole('heading', { name: '작성' }).waitFor();
    await korean.page.getByLabel('제목', { exact: true }).fill('안녕하세요');
    await korean.page.getByRole('button', { name: /^APNs .*바이트/ }).waitFor();
    await korean.close();
  });
});
