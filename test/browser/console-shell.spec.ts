import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { call, startApi, type TestApi } from '../setup/app.js';
import { launchBrowser } from '../setup/browser.js';
import { openConsole } from '../setup/console.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let browser: Browser;
let app: string;

beforeAll(async () => {
  expect(inject('chromiumPath')).toBeTruthy();
  database = await createTestDatabase();
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  browser = await launchBrowser();
  const made = await call(api, 'POST', '/v1/applications', { key: api.adminKey, body: { name: 'shop' } });
  app = made.body.id;
});

afterAll(async () => {
  await browser?.close();
  await api?.close();
  await database?.drop();
});

describe('signing in', () => {
  it('leads to the page that was asked for, and keeps no secret where scripts can read it', async () => {
    const console = await openConsole(browser, api, `/apps/${app}/notifications?status=failed`);
    const { page } = console;
    await page.getByRole('link', { name: 'Overview' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/console/apps/${app}/notifications`);
    expect(new URL(page.url()).search).toBe('?status=failed');
    expect(await page.evaluate('document.cookie')).toBe('');
    const stored: string = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])');
    expect(stored).not.toMatch(/token|secret|password|csrf/i);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({
      name: '__Host-carillon',
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
      path: '/',
    });

    await page.getByRole('button', { name: 'Account of Robin' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await console.close();
  });

  it('says what is wrong with a password, and not more', async () => {
    const page = await browser.newPage();
    await page.goto(`${api.baseUrl}/console`);
    await page.getByLabel('Email').fill('nobody@example.com');
    await page.getByRole('textbox', { name: 'Password' }).fill('wrong wrong wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    expect(new URL(page.url()).pathname).toBe('/console/sign-in');
    await page.close();
  });

  it('makes the first account from the admin key', async () => {
    const page = await browser.newPage();
    await page.goto(`${api.baseUrl}/console`);
    await page.getByRole('button', { name: 'Admin key' }).click();
    await page.getByLabel('Admin key').fill(api.adminKey);
    await page.getByLabel('Name').fill('Robin');
    await page.getByLabel('Email').fill('first@example.com');
    await page.getByLabel('New password').fill('a long enough password');
    await page.getByRole('button', { name: 'Make the account and sign in' }).click();
    await page.getByRole('button', { name: 'Account of Robin' }).waitFor();
    await page.close();
  });

  it('goes to no other site afterwards', async () => {
    for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
      const { page, close } = await openConsole(browser, api, `/sign-in?next=${encodeURIComponent(next)}`).then(
        (console) => ({
          page: console.page,
          close: () => console.close(),
        }),
      );
      await page.getByRole('link', { name: 'Overview' }).waitFor();
      expect(page.url()).toContain(`${api.baseUrl}/console/`);
      await close();
    }
  });
});

describe('the shell', () => {
  it('speaks Korean, remembers it, and is well on a phone', async () => {
    const console = await openConsole(browser, api, '/', { locale: 'ko-KR' });
    const { page } = console;
    await page.getByRole('link', { name: '개요' }).waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe('ko');
    await page.getByRole('button', { name: 'Robin 계정' }).click();
    await page.getByRole('menuitem', { name: 'English' }).click();
    await page.getByRole('link', { name: 'Overview' }).waitFor();
    await page.reload();
    await page.getByRole('link', { name: 'Overview' }).waitFor();
    await console.close();
  });

  it('can be walked through by keyboard', async () => {
    const console = await openConsole(browser, api, `/apps/${app}`);
    const { page } = console;
    await page.getByRole('link', { name: 'Overview' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('location.hash')).toBe('#content');
    await page.getByRole('link', { name: 'Delivery log' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/deliveries');
    await console.close();
  });
});
