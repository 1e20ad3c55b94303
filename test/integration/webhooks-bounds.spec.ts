import { createServer, type Server } from 'node:net';
import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeDataSource } from '../../src/database/data-source.js';
import { createApplication, startApi, type TestApi } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { testRedisUrl } from '../setup/redis.js';
import { answering, WebhookReceiver } from '../setup/webhook-receiver.js';
import { TestWebhook } from '../setup/webhooks.js';

const MEGABYTE = 1_048_576;

let database: TestDatabase;
let db: DataSource;
let api: TestApi;
let receiver: WebhookReceiver;

async function start(allowInsecure: boolean): Promise<void> {
  database = await createTestDatabase();
  db = await makeDataSource({ url: database.url, poolSize: 4, applicationName: 'test' }).initialize();
  api = await startApi({
    database: database.url,
    redis: await testRedisUrl(),
    CARILLON_ROLE: 'all',
    WEBHOOK_ALLOW_INSECURE: allowInsecure,
  });
}

async function end(): Promise<void> {
  await api?.close();
  await db?.destroy();
  await database?.drop();
}

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
});
afterEach(() => receiver?.close());

describe('a hostile receiver', () => {
  beforeAll(() => start(true));
  afterAll(end);

  const make = async (at = receiver) => TestWebhook.create(api, db, await createApplication(api), at);

  it('that redirects is not followed', async () => {
    const internal = await WebhookReceiver.start();
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        receiver.answer = answering(status, { location: internal.url });
        const webhook = await make();
        await webhook.tell([await webhook.device()]);
        expect(await webhook.attempted(1)).toMatchObject({ error: 'redirect', status });
        await webhook.call('DELETE');
      }
      expect(internal.calls).toEqual([]);
    } finally {
      await internal.close();
    }
  });

  it('that never stops answering is cut off', async () => {
    let written = 0;
    let isClosed = false;
    receiver.answer = (response) => {
      const chunk = Buffer.alloc(65_536, 'x');
      const pour = (): void => {
        while (!isClosed && response.write(chunk)) written += chunk.length;
        written += chunk.length;
      };
      response.once('close', () => {
        isClosed = true;
      });
      response.on('drain', pour);
      response.writeHead(200);
      pour();
    };
    const webhook = await make();
    await webhook.tell([await webhook.device()]);
    expect(await webhook.attempted(1)).toMatchObject({ succeeded: true, status: 200 });
    await eventually(() => isClosed);
    // What the kernel's buffers take, and no more.
    expect(written).toBeLessThan(32 * MEGABYTE);
  });

  it('that never answers is waited for 15 s, by few calls, while others get theirs', async () => {
    receiver.answer = () => undefined;
    const slow = await make();
    await slow.tell(await Promise.all(Array.from({ length: 30 }, () => slow.device())));
    await eventually(() => receiver.open === 16);

    const quick = await WebhookReceiver.start();
    const other = await make(quick);
    await other.tell([await other.device()]);
    await other.attempted(1, 3_000);
    await quick.close();

    await eventually(async () => (await slow.attempts()).length > 0, { timeoutMs: 25_000 });
    const first = (await slow.attempts()).at(-1);
    expect(first).toMatchObject({ error: 'timeout', status: null, succeeded: false });
    expect(first?.latencyMs).toBeGreaterThanOrEqual(14_900);
    expect(first?.latencyMs).toBeLessThan(18_000);
    expect(receiver.mostOpen).toBe(16);
    // The rest waits in Postgres for its turn.
    await slow.call('PATCH', '', { enabled: false });
  }, 60_000);

  it('that tells secrets in its answer finds nothing of it in the log', async () => {
    receiver.answer = (response) => response.writeHead(500, 'very-secret-reason').end('very-secret-body');
    const webhook = await make();
    await webhook.tell([await webhook.device()]);
    await webhook.attempted(1);
    const rows = await db.query('select a::text as row from webhook_attempt a where webhook_id = $1', [webhook.id]);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain('very-secret');
  });
});

describe('an address inside the network', () => {
  let inside: Server;
  let connections = 0;
  let port = 0;

  beforeAll(async () => {
    await start(false);
    inside = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => inside.listen(0, resolve));
    const address = inside.address();
    port = typeof address === 'object' && address ? address.port : 0;
  });
  afterAll(async () => {
    await end();
    inside.close();
  });

  it('is refused when its name leads there only at the connect', async () => {
    const webhook = await TestWebhook.create(api, db, await createApplication(api), {
      url: 'https://hooks.example.com/',
    });
    // As when the name pointed elsewhere while the webhook was made.
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      await db.query('update webhook set url = $2 where id = $1', [webhook.id, `https://${host}:${port}/`]);
      await webhook.call('POST', '/test');
      expect(await webhook.attempted(1)).toMatchObject({ error: 'address_refused', status: null });
      await db.query('delete from webhook_attempt');
    }
    expect(connections).toBe(0);
  });
});
