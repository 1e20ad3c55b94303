import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { type LoopbackResponse, loopbackRequest } from '../../src/embedded/loopback-http.js';
import { isPortFree } from '../../src/embedded/ports.js';
import { identify } from '../../src/embedded/process-table.js';
import { CertificateAuthority } from '../../src/simulator/ca.js';
import { Home } from '../../src/simulator/home.js';
import { type ApiProcesses, startApiProcesses } from '../setup/api-processes.js';
import { createApplication } from '../setup/app.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';
import { startInstance } from '../setup/instance.js';
import { publish, SseClient, tokenFor } from '../setup/realtime.js';
import { testRedisUrl } from '../setup/redis.js';
import { ask, closeClients, connect, named, openClient } from '../setup/socket.js';
import { eachOf } from '../setup/swarm.js';

const NAMES = ['api-1', 'api-2'];
/** Milliseconds within which nothing is left of a process whose supervisor was killed. */
const ORPHAN_MS = 2_000;
const TEST_MS = 120_000;

let database: TestDatabase;
let apis: ApiProcesses;
let key: string;
let token: string;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  closeClients();
  apis?.kill('SIGKILL');
  await apis?.exited;
});

afterAll(() => database?.drop());

async function start(env: Record<string, string> = {}): Promise<void> {
  const settings = { REALTIME_MAX_CONNECTIONS_PER_USER: '200', ...env };
  apis = await startApiProcesses({ database: database.url, redis: await testRedisUrl(), processes: 2, env: settings });
  key = (await createApplication(apis)).serverKey;
  token = (await tokenFor(apis, key)).token;
}

/** A request over a connection of its own. */
const request = (path: string, options = {}): Promise<LoopbackResponse> =>
  loopbackRequest(apis.baseUrl + path, { timeoutMs: 10_000, ...options });
const poll = (channels: string) => request(`/v1/realtime/poll?channels=${channels}&waitSeconds=25`, { key: token });
const isGone = (pid: number) => identify(pid) === undefined;
const isServing = async () => (await request('/livez').catch(() => undefined))?.status === 200;
const messagesOf = (stream: SseClient) => stream.messages.map(({ data }) => data);
const many = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

async function connections(): Promise<number[]> {
  return Promise.all(
    NAMES.map(async (name) => (await apis.metric(`carillon_realtime_connections{process="${name}"}`)) ?? -1),
  );
}

/** Opens what `open` opens, again and again, until both processes have some of it. */
async function onBoth<T>(open: () => T): Promise<T[]> {
  const before = await connections();
  const opened: T[] = [];
  for (let added = [0, 0]; Math.min(...added) < 2; ) {
    opened.push(open());
    added = await eventually(async () => {
      const now = (await connections()).map((n, i) => n - (before[i] ?? 0));
      expect(now[0]).toBe(opened.length - (now[1] ?? 0));
      return now;
    });
  }
  return opened;
}

describe('several processes behind one port', { timeout: TEST_MS }, () => {
  it('share the requests, and whichever answers tells about all of them', async () => {
    await start();
    for (const { status } of await Promise.all(many(20, () => request('/livez')))) expect(status).toBe(200);
    const labels = (name: string) => `{process="${name}",method="GET",route="/livez",status="200"}`;
    const served = await Promise.all(
      NAMES.map((name) => apis.metric(`carillon_http_request_duration_seconds_count${labels(name)}`)),
    );
    expect(served.reduce((sum, n) => Number(sum) + Number(n))).toBe(20);
    for (const n of served) expect(n).toBeGreaterThanOrEqual(5);

    const texts = await Promise.all(many(4, async () => String((await request('/metrics')).body)));
    for (const text of texts) {
      for (const name of NAMES) {
        expect(text).toContain(`\ncarillon_process_up{process="${name}"} 1\n`);
        expect(text).toMatch(new RegExp(`^process_resident_memory_bytes\\{process="${name}"\\} \\d+$`, 'm'));
      }
      expect(text).not.toMatch(/^process_resident_memory_bytes \d+$/m);
      expect(text).toMatch(/^carillon_invariant_violations 0$/m);
    }
  });

  it('hand every message to whoever follows its channel, on both', async () => {
    await start();
    const streams = await Promise.all(await onBoth(() => SseClient.open(apis, 'channels=shared,user:u-1', { token })));
    const sockets = await onBoth(() => openClient(apis, { token }));
    await eventually(() => sockets.every(({ socket }) => socket.connected));
    await Promise.all(sockets.map((client) => ask(client, 'subscribe', { channels: ['shared', 'user:u-1'] })));
    await eventually(() => streams.every(({ lastEventId }) => lastEventId !== ''));
    const polls = await onBoth(() => poll('shared'));

    const ids: string[] = [];
    for (const n of many(10, (i) => i)) {
      const channel = n % 2 === 0 ? 'shared' : 'user:u-1';
      const body = { event: 'line', data: n };
      const answer = await request(`/v1/realtime/channels/${channel}/messages`, { method: 'POST', key, body });
      expect(answer.status).toBe(201);
      ids.push((answer.body as { id: string }).id);
    }
    const inOrder = (messages: { data: unknown; channel: string }[], channel: string) =>
      messages.filter((message) => message.channel === channel).map(({ data }) => data);
    await eventually(() => {
      const got = [...sockets.map(({ messages }) => messages), ...streams.map(messagesOf)];
      for (const messages of got) {
        expect(inOrder(messages, 'shared')).toEqual([0, 2, 4, 6, 8]);
        expect(inOrder(messages, 'user:u-1')).toEqual([1, 3, 5, 7, 9]);
      }
    });
    for (const { status, body } of await Promise.all(polls)) {
      expect(status).toBe(200);
      expect((body as { messages: unknown[] }).messages[0]).toMatchObject({ id: ids[0], data: 0 });
    }
    for (const stream of streams) stream.close();
  });

  it('serve the certificate that is in force', async () => {
    const { folder, files, renew } = certificate();
    apis = await startApiProcesses({ database: database.url, redis: await testRedisUrl(), processes: 2, env: files });
    const before = await serials();
    expect(new Set(before).size).toBe(1);
    renew();
    await eventually(async () => {
      const now = await serials();
      expect(new Set(now).size).toBe(1);
      expect(now[0]).not.toBe(before[0]);
    });
    rmSync(folder, { recursive: true, force: true });
  });
});

describe('one of several api processes', { timeout: TEST_MS }, () => {
  it('that is killed is replaced, the port goes on answering, and clients resume where they were', async () => {
    await start();
    const open = (lastEventId?: string) =>
      SseClient.open(apis, 'channels=kept,user:u-1', { token, ...(lastEventId && { lastEventId }) });
    const streams = await Promise.all(await onBoth(() => open()));
    const sockets = await onBoth(() => {
      const client = openClient(apis, { token }, { reconnection: true, reconnectionDelay: 50 });
      client.socket.on('connect', () => {
        const after = client.cursor === undefined ? {} : { after: client.cursor };
        void ask(client, 'subscribe', { channels: ['kept', 'user:u-1'], ...after }).catch(() => undefined);
      });
      return client;
    });
    await eventually(async () => {
      await publish(apis, key, 'kept', 'first');
      await publish(apis, key, 'user:u-1', 'first');
      for (const { messages } of [...streams, ...sockets]) expect(messages.length).toBeGreaterThanOrEqual(2);
    });

    const victim = apis.pidOf('api-1');
    process.kill(victim, 'SIGKILL');
    const answers = await Promise.allSettled(many(40, () => request('/livez')));
    // At most the one that was just being handed to the process that died.
    expect(answers.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
    for (const n of many(5, (i) => i)) {
      for (const channel of ['kept', 'user:u-1']) {
        const body = { event: 'line', data: n };
        await eventually(async () => {
          const answer = await request(`/v1/realtime/channels/${channel}/messages`, { method: 'POST', key, body });
          expect(answer.status).toBe(201);
        });
      }
    }
    await eventually(() => expect(apis.pidOf('api-1')).not.toBe(victim), { timeoutMs: 30_000 });
    await eventually(async () => {
      expect((await request('/readyz')).body).toEqual({ status: 'ok', missing: {} });
    });
    expect(isGone(victim)).toBe(true);

    const resumed = await Promise.all(streams.map((stream) => (stream.isEnded ? open(stream.lastEventId) : undefined)));
    expect(resumed.filter(Boolean).length).toBeGreaterThanOrEqual(2);
    await eventually(() => {
      const got = [
        ...streams.map((stream, i) => [...messagesOf(stream), ...(resumed[i] ? messagesOf(resumed[i]) : [])]),
        ...sockets.map(({ messages }) => messages),
      ];
      for (const messages of got) {
        for (const channel of ['kept', 'user:u-1']) expectWhole(messages.filter((one) => one.channel === channel));
      }
    });
    for (const stream of [...streams, ...resumed]) stream?.close();
  });

  it('that starts or hangs is named by the other, which goes on', async () => {
    await start();
    const pid = apis.pidOf('api-2');
    process.kill(pid, 'SIGSTOP');
    // The one connection that was handed to it waits until it goes on; the others do not.
    const waiting = await Promise.allSettled(many(6, () => request('/livez', { timeoutMs: 3_000 })));
    expect(waiting.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
    await eventually(async () => {
      const { status, body } = await request('/readyz');
      expect(status).toBe(200);
      expect(body).toEqual({ status: 'ok', missing: {}, others: { 'api-2': 'process: no answer' } });
    });
    const text = String((await request('/metrics')).body);
    expect(text).toMatch(/^carillon_process_up\{process="api-2"\} 0$/m);
    expect(text).not.toMatch(/^process_resident_memory_bytes\{process="api-2"\}/m);
    process.kill(pid, 'SIGCONT');
    await eventually(async () => expect((await request('/readyz')).body).toEqual({ status: 'ok', missing: {} }));
  });

  it('leaves no connection hanging that was on its way to it, however often that happens', async () => {
    await start();
    let hung = 0;
    let answered = 0;
    let isOver = false;
    const clients = eachOf(
      many(12, (i) => i),
      12,
      async () => {
        while (!isOver) {
          const end = await request('/livez', { timeoutMs: 5_000 }).catch((error: Error) => error);
          if (end instanceof Error && end.message.startsWith('no answer')) hung += 1;
          else if (!(end instanceof Error)) answered += 1;
        }
      },
    );
    for (const name of [...NAMES, ...NAMES]) {
      const victim = apis.pidOf(name);
      process.kill(victim, 'SIGKILL');
      await eventually(() => expect(apis.pidOf(name)).not.toBe(victim), { timeoutMs: 30_000 });
    }
    isOver = true;
    await clients;
    expect(hung).toBe(0);
    expect(answered).toBeGreaterThan(100);
  });

  it('that hangs for half a minute is killed and replaced', async () => {
    await start();
    const hung = apis.pidOf('api-2');
    process.kill(hung, 'SIGSTOP');
    await eventually(() => expect(apis.pidOf('api-2')).not.toBe(hung), { timeoutMs: 90_000, intervalMs: 250 });
    expect(apis.lines('api.hung')).toHaveLength(1);
    expect(isGone(hung)).toBe(true);
    await eventually(async () => expect((await request('/readyz')).body).toEqual({ status: 'ok', missing: {} }));
  });

  it('that is asked to end tells its clients when to come back, and is replaced', async () => {
    await start();
    const sockets = await onBoth(() => openClient(apis, { token }));
    const leaving = apis.pidOf('api-1');
    process.kill(leaving, 'SIGTERM');
    await eventually(() => isGone(leaving), { timeoutMs: 30_000 });
    const told = sockets.filter((client) => named(client, 'reconnect').length === 1);
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told.length).toBeLessThan(sockets.length);
    await eventually(() => expect(apis.pidOf('api-1')).not.toBe(leaving), { timeoutMs: 30_000 });
    expect(sockets.filter(({ socket }) => socket.connected)).toHaveLength(sockets.length - told.length);
  });
});

describe('the process that supervises several api processes', { timeout: TEST_MS }, () => {
  it('drains all of them at SIGTERM and leaves neither a process nor the port', async () => {
    await start();
    const pids = NAMES.map((name) => apis.pidOf(name));
    const clients = await Promise.all(await onBoth(() => connect(apis, { token })));
    const held = await onBoth(() => poll('quiet'));
    await apis.stop();
    expect(await apis.exited).toBe(0);
    for (const { status } of await Promise.all(held)) expect(status).toBe(204);
    const delays = clients.map((client) => named(client, 'reconnect')[0]?.delayMs);
    for (const delayMs of delays) expect(delayMs).toBeLessThanOrEqual(2_000);
    expect(new Set(delays).size).toBeGreaterThan(2);
    expect(pids.every(isGone)).toBe(true);
    expect(await isServing()).toBe(false);
    expect(await isPortFree(Number(new URL(apis.baseUrl).port))).toBe(true);
  });

  it('leaves neither when it is killed', async () => {
    await start();
    const pids = NAMES.map((name) => apis.pidOf(name));
    apis.kill('SIGKILL');
    await eventually(() => pids.every(isGone), { timeoutMs: ORPHAN_MS });
    expect(await isPortFree(Number(new URL(apis.baseUrl).port))).toBe(true);
  });

  it('runs workers beside them, without which no api process is ready', async () => {
    await start({ CARILLON_ROLE: 'all', WORKER_PROCESSES: '2' });
    const all = [...NAMES, 'critical+normal', 'bulk'];
    for (const name of all) expect(await apis.metric(`carillon_process_up{process="${name}"}`)).toBe(1);
    const worker = apis.lines('service.started').find(({ lanes }) => lanes === 'bulk')?.pid ?? 0;
    process.kill(worker, 'SIGSTOP');
    await eventually(async () => {
      const answers = await Promise.all(many(4, () => request('/readyz')));
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 503, body: { missing: { workers: expect.stringContaining('bulk') } } });
      }
    });
    process.kill(worker, 'SIGCONT');
    await eventually(async () => expect((await request('/readyz')).status).toBe(200));
    await apis.stop();
    expect(apis.startedPids()).toHaveLength(4);
    expect(apis.startedPids().every(isGone)).toBe(true);
  });
});

function certificate() {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-tls-'));
  const files = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') };
  const authority = CertificateAuthority.open(new Home(folder));
  const renew = () => {
    const { cert, key: privateKey } = authority.issue(['127.0.0.1']);
    writeFileSync(files.TLS_KEY_FILE, privateKey);
    writeFileSync(files.TLS_CERT_FILE, cert);
  };
  renew();
  return { folder, files, renew };
}

/** Serial numbers of the certificates on connections that come one after the other. */
async function serials(): Promise<string[]> {
  const found: string[] = [];
  await eachOf(
    many(6, (i) => i),
    1,
    async () => {
      const socket = connectTls({
        port: Number(new URL(apis.baseUrl).port),
        host: '127.0.0.1',
        rejectUnauthorized: false,
      });
      await once(socket, 'secureConnect');
      found.push(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    },
  );
  return found;
}

describe('npm start', { timeout: TEST_MS }, () => {
  const homeOf = async () => join(await mkdtemp(join(inject('runDir'), 'start-')), 'home');

  it('serves its port by as many processes as it is told', async () => {
    const instance = startInstance(await homeOf(), { env: { API_PROCESSES: '2' } });
    const { baseUrl, metricsToken } = await instance.ready();
    await eventually(async () => {
      const text = String((await loopbackRequest(`${baseUrl}/metrics`, { key: metricsToken })).body);
      for (const name of NAMES) expect(text).toContain(`carillon_process_up{process="${name}"} 1\n`);
    });
    instance.child.kill('SIGTERM');
    expect(await instance.exitCode).toBe(0);
    expect(await isPortFree(Number(new URL(baseUrl).port))).toBe(true);
  });

  it('says what is wrong with a number that makes no sense', async () => {
    const instance = startInstance(await homeOf(), { env: { API_PROCESSES: 'many' } });
    expect(await instance.exitCode).toBe(1);
    expect(instance.output()).toContain('API_PROCESSES');
  });
});

/** Consecutive, from the first that there was. */
function expectWhole(messages: readonly { id: string; event: string }[]): void {
  const seqs = messages.map(({ id }) => Number(id.split('-')[1]));
  expect(messages.filter(({ event }) => event === 'gap')).toEqual([]);
  expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i));
  expect(seqs.length).toBeGreaterThanOrEqual(6);
}
