import type { IncomingMessage } from 'node:http';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAccount, PASSWORD } from '../setup/accounts.js';
import { call, createApplication, startApi, type TestApi } from '../setup/app.js';
import { launchBrowser, type Site, startSite } from '../setup/browser.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { testRedisUrl } from '../setup/redis.js';

let database: TestDatabase;
let api: TestApi;
let browser: Browser;
let context: BrowserContext;
let own: Page;
let evil: Site;
let applicationId: string;

beforeAll(async () => {
  // Same site, another origin: the browser sends even a strict cookie there.
  [database, evil, browser] = await Promise.all([createTestDatabase(), startSite(), launchBrowser()]);
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  // Every origin that an application trusts is still not one of the console's.
  applicationId = (await createApplication(api, { corsOrigins: [evil.origin] })).id;
  context = await browser.newContext();
  own = await context.newPage();
  await own.goto(`${api.baseUrl}/openapi.json`);
});

afterAll(async () => {
  await browser?.close();
  await evil?.close();
  await api?.close();
  await database?.drop();
});

interface Sent {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
  mode?: 'cors' | 'no-cors';
}

/** What a script of the page gets; `null` when the browser gives it nothing. */
function fetchIn(page: Page, sent: Sent): Promise<{ status: number; text: string } | null> {
  return page.evaluate(async ({ url, ...init }) => {
    try {
      const response = await fetch(url, { credentials: 'include', ...init });
      return response.type === 'opaque' ? null : { status: response.status, text: await response.text() };
    } catch {
      return null;
    }
  }, sent);
}

const nameOfApplication = async () =>
  (await call(api, 'GET', `/v1/applications/${applicationId}`, { key: api.adminKey })).body.name;

it('Chromium keeps the session on the plain loopback address, and hides it from scripts', async () => {
  const { email } = await createAccount(api, 'owner');
  const signedIn = await fetchIn(own, {
    method: 'POST',
    url: `${api.baseUrl}/v1/session`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  expect(signedIn?.status).toBe(200);
  const [cookie] = await context.cookies(api.baseUrl);
  expect(cookie).toMatchObject({
    name: '__Host-carillon',
    secure: true,
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
  });
  expect(await own.evaluate('document.cookie')).toBe('');
  const { csrfToken } = JSON.parse(signedIn?.text ?? '{}');
  const renamed = await fetchIn(own, {
    method: 'PATCH',
    url: `${api.baseUrl}/v1/applications/${applicationId}`,
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrfToken },
    body: '{"name":"by its owner"}',
  });
  expect(renamed?.status).toBe(200);
});

it('a page of another origin, to which the browser gives the cookie along, reads and changes nothing', async () => {
  const page = await context.newPage();
  const arrived: string[] = [];
  api.app.getHttpServer().on('request', ({ method, headers }: IncomingMessage) => {
    if (headers.origin === evil.origin && headers.cookie?.includes('__Host-carillon=')) arrived.push(method ?? '');
  });
  await page.goto(evil.origin);
  const url = `${api.baseUrl}/v1/applications/${applicationId}`;
  const body = '{"name":"stolen"}';
  const json = { 'content-type': 'application/json' };
  expect(await fetchIn(page, { method: 'GET', url: `${api.baseUrl}/v1/session` })).toBeNull();
  expect(await fetchIn(page, { method: 'PATCH', url, headers: json, body })).toBeNull();
  expect(await fetchIn(page, { method: 'PATCH', url, headers: { ...json, 'x-csrf-token': 'x' }, body })).toBeNull();
  expect(
    await fetchIn(page, { method: 'POST', url: `${url}/keys`, mode: 'no-cors', body: '{"role":"admin"}' }),
  ).toBeNull();
  const devices = `${api.baseUrl}/v1/devices?applicationId=${applicationId}`;
  expect(await fetchIn(page, { method: 'GET', url: devices })).toBeNull();
  const device = `{"provider":"fcm","token":"${'x'.repeat(40)}"}`;
  expect(await fetchIn(page, { method: 'POST', url: devices, headers: json, body: device })).toBeNull();

  // A form needs no leave to post; its answer becomes the page.
  const answered = page.waitForResponse(`${url}/keys`);
  await page.setContent(`
    <form method="post" enctype="text/plain" action="${url}/keys"><input name='{"role":"admin","x":"' value='"}'></form>
    <script>document.forms[0].submit()</script>`);
  expect([403, 415]).toContain((await answered).status());

  // The cookie came along, with what needs no preflight.
  expect(arrived).toEqual(['GET', 'POST', 'GET', 'POST']);
  expect(await nameOfApplication()).toBe('by its owner');
  const keys = await call(api, 'GET', `/v1/applications/${applicationId}/keys`, { key: api.adminKey });
  expect(keys.body.items).toHaveLength(3);
  const { items } = (await call(api, 'GET', devices.slice(api.baseUrl.length), { key: api.adminKey })).body;
  expect(items).toEqual([]);
});
