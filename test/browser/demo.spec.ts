import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchBrowser } from '../setup/browser.js';
import { eventually } from '../setup/eventually.js';
import { type Instance, type Ready, startInstance } from '../setup/instance.js';
import { publish } from '../setup/realtime.js';

const START_MS = 150_000;
const WITHIN = { timeoutMs: 20_000 };
/** Pictures of the page, for people to look at. */
const ARTIFACTS = join(tmpdir(), 'carillon-demo');

let instance: Instance;
let ready: Ready;
let browser: Browser;
let ada: Page;
let grace: Page;

beforeAll(async () => {
  const home = join(await mkdtemp(join(inject('runDir'), 'demo-')), 'home');
  instance = startInstance(home);
  [ready, browser] = await Promise.all([instance.ready(), launchBrowser()]);
  await mkdir(ARTIFACTS, { recursive: true });
  ada = await open('ada');
  grace = await open('grace');
}, START_MS);

afterAll(async () => {
  await browser?.close();
  instance?.child.kill('SIGTERM');
  await instance?.exitCode;
}, 40_000);

async function open(user: string, more: object = {}): Promise<Page> {
  const page = await browser.newPage(more);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${ready.baseUrl}/demo?user=${user}`);
  await eventually(async () => (await stateOf(page)).startsWith('Connected'), WITHIN);
  expect(problems).toEqual([]);
  return page;
}

const stateOf = async (page: Page) => (await page.textContent('#state')) ?? '';
const pricesOf = async (page: Page) => ((await page.getAttribute('#curve', 'points')) ?? '').split(' ').length;
const linesOf = (page: Page) => page.locator('#lines li').allTextContents();

async function say(page: Page, text: string): Promise<void> {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

describe('the demo page', () => {
  it('is announced by the banner', () => {
    expect(instance.output()).toContain(`${ready.baseUrl}/demo`);
  });

  it('carries the chat between two windows, over each transport', async () => {
    expect(await ada.textContent('#user')).toBe('ada');
    expect(await stateOf(ada)).toBe('Connected over WebSocket');
    await say(ada, 'hello from ada');
    await say(grace, 'hello from grace');
    for (const [transport, name] of [
      ['sse', 'server-sent events'],
      ['polling', 'long polling'],
    ] as const) {
      await ada.selectOption('#transport', transport);
      await eventually(async () => (await stateOf(ada)) === `Connected over ${name}`, WITHIN);
      await say(grace, `to ${transport}`);
      await eventually(async () => (await linesOf(ada)).includes(`graceto ${transport}`), WITHIN);
      await say(ada, `from ${transport}`);
      await eventually(async () => (await linesOf(grace)).includes(`adafrom ${transport}`), WITHIN);
    }
    const all = [
      'adahello from ada',
      'gracehello from grace',
      'graceto sse',
      'adafrom sse',
      'graceto polling',
      'adafrom polling',
    ];
    for (const page of [ada, grace]) {
      await eventually(async () => expect((await linesOf(page)).toSorted()).toEqual(all.toSorted()), WITHIN);
    }
    await ada.selectOption('#transport', '');
    await eventually(async () => (await stateOf(ada)) === 'Connected over WebSocket', WITHIN);
  });

  it('has a ticker that runs', async () => {
    await eventually(async () => (await pricesOf(ada)) > 3 && (await pricesOf(grace)) > 3, WITHIN);
  });

  it('shows what was replayed after the connection was cut', async () => {
    await ada.click('#cut');
    expect(await stateOf(ada)).toContain('Cut.');
    await say(grace, 'while ada is away');
    await eventually(async () => (await stateOf(ada)) === 'Connected over WebSocket', WITHIN);
    await eventually(async () => (await linesOf(ada)).includes('gracewhile ada is away'), WITHIN);
    expect(await ada.textContent('#summary')).toMatch(/\d+ missed messages were replayed/);
    expect(await ada.locator('tr.replayed').count()).toBeGreaterThan(0);
  });

  it('sends a notification, and shows one that comes', async () => {
    await ada.click('#notify');
    await eventually(async () => (await ada.textContent('#log'))?.includes('accepted') ?? false, WITHIN);
    const accepted = ada.locator('#log tr', { hasText: 'accepted' });
    const id = await accepted.locator('td').nth(3).textContent();
    const key = ready.application.serverKey;
    const answer = await fetch(`${ready.baseUrl}/v1/notifications/${id}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(answer.status).toBe(200);
    await publish(ready, key, 'user:ada', { notificationId: 'n-1', title: 'Hello', body: 'live' }, 'notification');
    await eventually(async () => (await ada.textContent('#notices'))?.includes('Hello live') ?? false, WITHIN);
    expect(await grace.textContent('#notices')).not.toContain('Hello live');
  });

  it.each(['light', 'dark'] as const)('fits a desktop and a phone, %s', { timeout: 60_000 }, async (colorScheme) => {
    for (const [name, width, height] of [
      ['desktop', 1280, 900],
      ['phone', 390, 844],
    ] as const) {
      const page = await open(`${name}-${colorScheme}`, { colorScheme, viewport: { width, height } });
      await say(page, 'How does this look?');
      await page.click('#notify');
      await eventually(async () => (await linesOf(page)).length > 0 && (await pricesOf(page)) > 2, WITHIN);
      await page.click('#cut');
      await eventually(async () => (await page.locator('tr.replayed').count()) > 2, WITHIN);
      const overflow: number = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
      await page.screenshot({ path: join(ARTIFACTS, `${name}-${colorScheme}.png`), fullPage: true });
      await page.close();
    }
  });

  it('serves its own machine alone, and gives away no server key', async () => {
    const session = (headers: Record<string, string>) =>
      fetch(`${ready.baseUrl}/demo/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ userId: 'ada' }),
      });
    const own = await session({});
    expect(own.status).toBe(201);
    expect(await own.text()).not.toContain(ready.application.serverKey);
    for (const name of ['origin', 'x-forwarded-for']) {
      const answer = await session({ [name]: 'https://evil.example' });
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ code: 'demo_refused' });
    }
    const page = await fetch(`${ready.baseUrl}/demo`);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  });
});
