import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { launchBrowser, type Site, startSite } from '../setup/browser.js';
import { CuttableProxy } from '../setup/cuttable-proxy.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { publish, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';

/** A browser's own EventSource waits one to three seconds after each cut, the SDK up to five, then up to ten. */
const RECONNECTING = { timeoutMs: 25_000 };
const MESSAGES = 30;

let browser: Browser;
let site: Site;
let database: TestDatabase;
let api: TestApi;
let proxy: CuttableProxy;
let application: Awaited<ReturnType<typeof createApplication>>;
let page: Page;

beforeAll(async () => {
  [browser, site, database] = await Promise.all([launchBrowser(), startSite(), createTestDatabase()]);
  api = await startApi({ database: database.url, redis: await testRedisUrl() });
  proxy = await CuttableProxy.start(api.baseUrl);
  application = await createApplication(api, { corsOrigins: [site.origin] });
});

afterEach(async () => {
  await page?.close();
  proxy.refused = undefined;
});

afterAll(async () => {
  await browser?.close();
  await site?.close();
  await proxy?.close();
  await api?.close();
  await database?.drop();
});

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const received = (): Promise<unknown[]> => page.evaluate('globalThis.received ?? []');

/** Opens a page of the customer's site and runs a script in it, which collects numbers in `received`. */
async function run(script: string, origin = site.origin): Promise<void> {
  page = await browser.newPage();
  await page.goto(origin);
  const { token } = await tokenFor(api, application.serverKey, { channels: ['*'] });
  const known = { API: proxy.baseUrl, TOKEN: token };
  await page.evaluate(`(async () => {
    const { API, TOKEN } = ${JSON.stringify(known)};
    globalThis.received = [];
    ${script}
  })()`);
}

/** Publishes numbers, cutting the line in between, and waits until the page has them all. */
async function expectAllOf(channel: string, cuts: readonly number[] = [8, 20]): Promise<void> {
  for (const n of upTo(MESSAGES)) {
    await publish(api, application.serverKey, channel, { n });
    if (n === 3) await eventually(async () => (await received()).length === 3);
    if (cuts.includes(n)) proxy.cut();
  }
  await eventually(async () => (await received()).length >= MESSAGES, RECONNECTING);
  expect(await received()).toEqual(upTo(MESSAGES));
}

describe("a browser's own means", () => {
  it('EventSource follows with a ticket, and resumes by itself where it was cut', async () => {
    await run(`
      const answer = await fetch(API + '/v1/realtime/tickets', { method: 'POST', headers: { authorization: 'Bearer ' + TOKEN } });
      const { ticket } = await answer.json();
      const source = new EventSource(API + '/v1/realtime/events?' + new URLSearchParams({ channels: 'native', after: 'start', ticket }));
      source.addEventListener('line', (event) => received.push(JSON.parse(event.data).data.n));
      await new Promise((resolve) => { source.onopen = resolve; });
    `);
    await expectAllOf('native');
  });

  it('fetch reads the stream', async () => {
    await run(`
      const headers = { authorization: 'Bearer ' + TOKEN };
      const { body } = await fetch(API + '/v1/realtime/events?channels=streamed&after=start', { headers });
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      (async () => {
        for (let rest = ''; ; ) {
          const { value, done } = await reader.read();
          if (done) return;
          const blocks = (rest + value).split('\\n\\n');
          rest = blocks.pop();
          for (const block of blocks) {
            const data = /^data: (.*)$/m.exec(block);
            if (/^event: line$/m.test(block)) received.push(JSON.parse(data[1]).data.n);
          }
        }
      })();
    `);
    await expectAllOf('streamed', []);
  });

  it('fetch polls, and reads the cursor of an empty answer', async () => {
    await run(`
      const poll = async (after, waitSeconds) => {
        const query = new URLSearchParams({ channels: 'polled', waitSeconds, ...(after && { after }) });
        const answer = await fetch(API + '/v1/realtime/poll?' + query, { headers: { authorization: 'Bearer ' + TOKEN } });
        return answer.status === 204 ? { messages: [], cursor: answer.headers.get('x-cursor') } : answer.json();
      };
      let { cursor } = await poll(undefined, 0);
      (async () => {
        for (;;) {
          const answer = await poll(cursor, 25);
          for (const { data } of answer.messages) received.push(data.n);
          cursor = answer.cursor;
        }
      })();
    `);
    await expectAllOf('polled', []);
  });
});

describe('the SDK in a page of another origin', () => {
  const script = (channel: string, options: string) => `
    const { Carillon } = await import(API + '/sdk/carillon.js');
    globalThis.carillon = new Carillon({ url: API, getToken: () => TOKEN, ${options} });
    carillon.subscribe('${channel}', ({ data }) => received.push(data.n));
    await new Promise((resolve) => carillon.on('status', ({ state }) => state === 'open' && resolve()));
  `;
  const transport = (): Promise<string> => page.evaluate('carillon.status.transport');

  it.each(['websocket', 'sse', 'polling'])('follows over %s, and resumes where it was cut', async (name) => {
    await run(script(`sdk-${name}`, `transports: ['${name}']`));
    expect(await transport()).toBe(name);
    await expectAllOf(`sdk-${name}`);
  });

  it('acknowledges a notification once the user can see it, and not behind other windows', async () => {
    await run(`${script('user:u-1', '')}
      carillon.on('notification', ({ notificationId }) => received.push(notificationId));`);
    const notify = (notificationId: string) =>
      publish(api, application.serverKey, 'user:u-1', { notificationId }, 'notification');
    const told = async () => (await received()).filter((one) => typeof one === 'string');
    await page.evaluate(`Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' })`);
    await notify('n-1');
    await eventually(async () => expect(await told()).toEqual(['n-1']));
    await page.evaluate('void delete document.visibilityState');
    const isAcknowledging = () => proxy.requests.some((line) => line.endsWith(' /v1/realtime/acknowledgements'));
    expect(isAcknowledging()).toBe(false);
    await notify('n-2');
    await eventually(async () => expect(await told()).toEqual(['n-1', 'n-2']));
    await eventually(isAcknowledging);
  });

  it('gives up where the application does not list its origin', async () => {
    const foreign = await startSite();
    await run(
      `
      const { Carillon } = await import(API + '/sdk/carillon.js');
      globalThis.carillon = new Carillon({ url: API, getToken: () => TOKEN });
      carillon.on('closed', ({ reason }) => received.push(reason));
      carillon.subscribe('foreign', () => undefined);`,
      foreign.origin,
    );
    await eventually(async () => expect(await received()).toEqual(['origin_not_allowed']));
    await foreign.close();
  });

  it('falls back where WebSocket is blocked, and comes up again once it is not, with no message twice', async () => {
    proxy.refused = /upgrade: websocket/i;
    await run(script('fallback', 'upgradeAfterMs: 500'));
    expect(await transport()).toBe('sse');
    await publish(api, application.serverKey, 'fallback', { n: 1 });
    await eventually(async () => (await received()).length === 1);
    proxy.refused = undefined;
    await eventually(async () => (await transport()) === 'websocket', RECONNECTING);
    for (const n of [2, 3]) await publish(api, application.serverKey, 'fallback', { n });
    await eventually(async () => (await received()).length >= 3);
    expect(await received()).toEqual([1, 2, 3]);
  });
});
