import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { call, type TestApi } from './app.js';

export type AccountRole = 'viewer' | 'operator' | 'owner';

/** Where pictures of the pages go, for people to look at: `CONSOLE_SCREENSHOTS=<folder> npm test -- test/browser`. */
const SCREENSHOTS = process.env['CONSOLE_SCREENSHOTS'];
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const COLOR_SCHEMES = ['light', 'dark'] as const;
const LOOKS = [
  { size: 'desktop', viewport: DESKTOP, checked: 'light' },
  { size: 'phone', viewport: PHONE, checked: 'dark' },
] as const;
/** Milliseconds for one step of a person; less than a test has, so that the failure names the step. */
const WITHIN_MS = 20_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** As far as it is read; https://github.com/dequelabs/axe-core/blob/develop/doc/API.md */
interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

let accounts = 0;

/** Signs a new account in, as people do, and opens `path` (below `/console`). Whatever the page logs as an error fails the test. */
export async function openConsole(
  browser: Browser,
  api: TestApi,
  path: string,
  { role = 'owner', locale = 'en-US' }: { role?: AccountRole; locale?: string } = {},
): Promise<ConsolePage> {
  accounts += 1;
  const account = { email: `${role}-${accounts}@example.com`, password: `correct horse ${accounts} battery` };
  const made = await call(api, 'POST', '/v1/accounts', {
    key: api.adminKey,
    body: { ...account, name: 'Robin', role },
  });
  expect(made.status).toBe(201);
  const context = await browser.newContext({ viewport: DESKTOP, locale });
  context.setDefaultTimeout(WITHIN_MS);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(`${api.baseUrl}/console${path}`);
  await page.getByLabel(/^(Email|이메일)/).fill(account.email);
  await page.getByLabel(/^(Password|비밀번호)/).fill(account.password);
  await page.getByRole('button', { name: /^(Sign in|로그인)$/ }).click();
  await page.waitForURL((url) => !url.pathname.endsWith('/sign-in'));
  // Before one is signed in, the console asks whether one is, and Chromium logs the 401.
  problems.length = 0;
  return new ConsolePage(page, problems);
}

/** A page of the console in a browser that is signed in. */
export class ConsolePage {
  constructor(
    readonly page: Page,
    private readonly problems: string[],
  ) {}

  /**
   * What has to hold of every page: axe finds nothing on a desktop in light and on a phone in dark, nothing is wider than the
   * screen, no error was logged. Leaves four pictures in {@link SCREENSHOTS}, when that is set.
   */
  async expectWell(name: string): Promise<void> {
    for (const { size, viewport, checked } of LOOKS) {
      await this.page.setViewportSize(viewport);
      for (const colorScheme of COLOR_SCHEMES) {
        if (SCREENSHOTS === undefined && colorScheme !== checked) continue;
        await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        if (SCREENSHOTS) await this.page.screenshot({ path: join(SCREENSHOTS, `${name}-${size}-${colorScheme}.png`) });
        if (colorScheme === checked) expect(await this.violations(), `${name}, ${size}, ${colorScheme}`).toEqual([]);
      }
      const width = await this.page.evaluate<number>('document.documentElement.scrollWidth');
      expect(width, `${name} on a ${size}`).toBeLessThanOrEqual(viewport.width);
    }
    await this.page.setViewportSize(DESKTOP);
    await this.page.emulateMedia({ colorScheme: 'light' });
    expect(this.problems).toEqual([]);
  }

  /** Chromium logs every answer of 4xx, and every broken line, as an error: forgets those that the test provoked. */
  expectRefusals(): void {
    const others = this.problems.filter((problem) => !/^Failed to load resource: .*(4\d\d|ERR_FAILED)/.test(problem));
    this.problems.splice(0, this.problems.length, ...others);
  }

  private async violations(): Promise<string[]> {
    if (!(await this.page.evaluate('"axe" in window'))) await this.page.evaluate(AXE);
    // Colours that are still changing are of neither look.
    await this.page.evaluate(`Promise.allSettled(document.getAnimations()
      .filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity)
      .map(({ finished }) => finished)).then(() => undefined)`);
    const found: Violation[] = await this.page.evaluate(
      'axe.run(document, { resultTypes: ["violations"], elementRef: false }).then(({ violations }) => violations)',
    );
    return found.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} (${failureSummary})`),
    );
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
