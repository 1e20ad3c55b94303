import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import type { Bench, Section } from '../section.js';
import { figure } from '../spread.js';
import type { Stack } from '../system/stack.js';
import type { ConsoleData } from './data.js';

const GOAL_MS = 1_500;
const TIMEOUT_MS = 30_000;
const ACCOUNT = { email: 'bench@example.com', password: 'as long as it has to be', name: 'Bench', role: 'viewer' };
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'];

/** A page, and what a person waits for on it. */
interface Page {
  title: string;
  path: string;
  /** CSS selector. */
  shows: string;
}

interface FirstPage {
  title: string;
  ms: number[];
}

export function pagesOf(applicationId: string, data: ConsoleData): Page[] {
  const app = `/apps/${applicationId}`;
  const from = data.campaigns[0]?.at.toISOString() ?? '';
  return [
    { title: 'overview', path: app, shows: 'main .uplot' },
    { title: 'notifications', path: `${app}/notifications`, shows: 'main [role=row][data-link]' },
    {
      title: 'one campaign',
      path: `${app}/notifications/${data.campaigns[0]?.id}`,
      shows: 'main [role=row][data-link]',
    },
    { title: 'delivery log', path: `${app}/deliveries?from=${from}`, shows: 'main [role=row][data-link]' },
    { title: 'devices and users', path: `${app}/devices`, shows: 'main [role=row][data-link]' },
  ];
}

/** Each page as the first one that a browser opens: nothing is cached, only the session is there. Undefined: there is no Chromium. */
export async function measureFirstPages(
  bench: Bench,
  stack: Stack,
  pages: readonly Page[],
): Promise<FirstPage[] | undefined> {
  const executablePath = findChromium();
  if (executablePath === undefined) return undefined;
  await stack.admin('POST', '/v1/accounts', ACCOUNT);
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const session = await signIn(browser, stack.baseUrl);
    const all = pages.map(({ title }): FirstPage => ({ title, ms: [] }));
    for (let round = 1; round <= bench.rounds; round += 1) {
      for (const [index, page] of pages.entries())
        all[index]?.ms.push(await open(browser, stack.baseUrl, session, page));
      bench.say(`console: first pages, round ${round} of ${bench.rounds}`);
    }
    return all;
  } finally {
    await browser.close();
  }
}

function findChromium(): string | undefined {
  const dirs = (process.env['PATH'] ?? '').split(delimiter);
  return [process.env['CHROMIUM_PATH'] ?? '', ...dirs.map((dir) => join(dir, 'chromium'))].find(
    (path) => path !== '' && existsSync(path),
  );
}

type Session = Awaited<ReturnType<typeof signIn>>;

async function signIn(browser: Browser, baseUrl: string) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${baseUrl}/console/sign-in`);
  await page.locator('input[name=email]').fill(ACCOUNT.email);
  await page.locator('input[name=password]').fill(ACCOUNT.password);
  await page.locator('button[type=submit]').click();
  await page.waitForURL((url) => !url.pathname.endsWith('/sign-in'));
  const state = await context.storageState();
  await context.close();
  return state;
}

/** Milliseconds from asking for the address until what a person waits for is there. */
async function open(browser: Browser, baseUrl: string, storageState: Session, { path, shows }: Page): Promise<number> {
  const context = await browser.newContext({ storageState, viewport: { width: 1_280, height: 800 } });
  const page = await context.newPage();
  const startMs = performance.now();
  await page.goto(`${baseUrl}/console${path}`, { waitUntil: 'commit', timeout: TIMEOUT_MS });
  await page.locator(shows).first().waitFor({ timeout: TIMEOUT_MS });
  const ms = performance.now() - startMs;
  await context.close();
  return ms;
}

export function pageTable(pages: readonly FirstPage[] | undefined): Section {
  const median = (ms: readonly number[]) => ms.toSorted((a, b) => a - b)[Math.floor(ms.length / 2)] ?? Number.NaN;
  return {
    title: 'Pages of the console, each opened first, nothing cached',
    columns: ['', 'median ms', 'slowest ms'],
    rows: pages
      ? [
          ...pages.map(({ title, ms }) => [title, figure(median(ms)), figure(Math.max(...ms))]),
          ['**goal**', `≤ ${GOAL_MS.toLocaleString('en-US')}`, ''],
        ]
      : [['not measured: needs chromium on PATH, or CHROMIUM_PATH', '', '']],
    note: 'From asking for the address until the chart, or the first row, is there; Chromium, the api and Postgres share the machine.',
  };
}
