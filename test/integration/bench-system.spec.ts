import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Client } from 'pg';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { FcmPeer } from '../../bench/servers/fcm-peer.js';
import { identityIn } from '../../bench/servers/served.js';
import { growthMiB } from '../../bench/system/campaign.js';
import { createDevices } from '../../bench/system/devices.js';
import { Http1Client, postOf } from '../../bench/system/http1-client.js';
import { latencies, percentile } from '../../bench/system/percentile.js';
import { cpuUsOf, cpuUsOfFamily, MemorySampler } from '../../bench/system/processes.js';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import type { TransportResult } from '../../src/transport/transport.js';
import { createTestDatabase } from '../setup/database.js';
import { eventually } from '../setup/eventually.js';

describe('benchmark figures of the whole path', () => {
  it('takes the smallest latency that so many of all do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(latencies([3, 1, 2])).toEqual({ p50Ms: 2, p99Ms: 3 });
  });

  it('compares the last quarter of the memory samples with the second, of the process that grew most', () => {
    expect(
      growthMiB([
        [50, 100, 100, 100],
        [50, 80, 90, 95],
      ]),
    ).toBe(15);
  });
});

describe('a look at processes', () => {
  it('counts the CPU of a process, of its children, and of children that have ended', async () => {
    if (process.platform !== 'linux') return expect(cpuUsOf(process.pid)).toBeNaN();
    const burn = 'const used = () => process.cpuUsage().user; const start = used(); while (used() < start + 150_000);';
    const script = `require('node:child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(burn)}]);
      { ${burn} } console.log('done'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = child.pid ?? 0;
    try {
      await once(child.stdout, 'data');
      const own = cpuUsOf(pid);
      expect(own).toBeGreaterThan(100_000);
      expect(cpuUsOfFamily(pid) - own).toBeGreaterThan(100_000);
      const [samples] = new MemorySampler([pid]).stop();
      expect(Math.min(...(samples ?? []))).toBeGreaterThan(5);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(cpuUsOf(pid)).toBe(0);
  });
});

describe('the client that the load comes from', () => {
  const servers: Server[] = [];
  afterAll(() => servers.map((server) => server.close()));

  async function serve(answer: (request: string) => string[]): Promise<{ port: number; requests: string[] }> {
    const requests: string[] = [];
    const server = createServer((socket) => {
      socket.on('data', (chunk) => {
        requests.push(chunk.toString());
        for (const part of answer(chunk.toString())) socket.write(part);
      });
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, requests };
  }

  const ask = (client: Http1Client, bytes: string) =>
    new Promise<[number, string]>((resolve) => client.send(bytes, (status, body) => resolve([status, body])));

  it('reads one answer after the other on a connection, however they are cut', async () => {
    const head = 'HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\n';
    const { port, requests } = await serve(() => [...`${head}body`]);
    const client = await Http1Client.open(port);
    const request = postOf(port, '/v1/notifications', 'key');
    expect(await ask(client, request('first', '{}'))).toEqual([202, 'body']);
    expect(await ask(client, request('second', '{"a":1}'))).toEqual([202, 'body']);
    client.close();
    expect(requests[1]).toContain('Idempotency-Key: second\r\nContent-Length: 7\r\n\r\n{"a":1}');
  });

  it('tells when the connection ends before the answer', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.destroy()));
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = await Http1Client.open((server.address() as AddressInfo).port);
    expect((await ask(client, 'POST / HTTP/1.1\r\n\r\n'))[0]).toBe(0);
    expect((await ask(client, 'POST / HTTP/1.1\r\n\r\n'))[0]).toBe(0);
  });
});

describe('the stand-in for FCM', () => {
  it('answers every request after its delay, and tells of each with its body', async () => {
    const { key, cert, ca } = identityIn(await mkdtemp(join(inject('runDir'), 'bench-')));
    const bodies: string[] = [];
    const peers = new Set<FcmPeer>();
    const onRequest = (body: Buffer) => void bodies.push(body.toString());
    const server = createTlsServer({ key, cert, ALPNProtocols: ['h2'] }, (socket) => {
      socket.on('error', () => {});
      peers.add(new FcmPeer(socket, { delayMs: 30, maxStreams: 10, onRequest }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const timer = setInterval(() => {
      for (const peer of peers) peer.answerDue(performance.now());
    }, 1);
    const transport = new PooledTransport();
    const origin = {
      url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      key: '',
      ca,
      requireHttp2: true,
    };
    const send = (n: number) =>
      new Promise<TransportResult>((resolve) => {
        const body = Buffer.from(`{"message":{"token":"t-${n}"}}`);
        transport.request(origin, { method: 'POST', path: '/', headers: {}, body, timeoutMs: 5_000 }, resolve);
      });
    const startedMs = performance.now();
    const results = await Promise.all(Array.from({ length: 100 }, (_, n) => send(n)));
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(30);
    expect(new Set(results.map((result) => (result.kind === 'response' ? result.status : result.reason)))).toEqual(
      new Set([200]),
    );
    expect(new Set(bodies).size).toBe(100);
    expect(bodies).toHaveLength(100);
    await transport.close(0);
    clearInterval(timer);
    await eventually(() => new Promise((resolve) => server.getConnections((_, n) => resolve(n === 0))));
    server.close();
  });
});

describe('devices for a benchmark', () => {
  it('are as many as asked for, with tokens of their own, and leave the table as the migrations made it', async () => {
    const database = await createTestDatabase();
    const db = new Client({ connectionString: database.url });
    await db.connect();
    const indexes = async () =>
      (await db.query("select indexname, indexdef from pg_indexes where tablename = 'device' order by 1")).rows;
    const constraints = async () =>
      (
        await db.query(
          "select conname, pg_get_constraintdef(oid) as def from pg_constraint where conrelid = 'device'::regclass order by 1",
        )
      ).rows;
    try {
      const application = crypto.randomUUID();
      await db.query("insert into application (id, name) values ($1, 'bench')", [application]);
      const before = [await indexes(), await constraints()];
      await createDevices(db, application, 1_000, 500);
      expect([await indexes(), await constraints()]).toEqual(before);
      const { rows } = await db.query(
        `select count(*)::int as devices, count(distinct left(token, 22))::int as keys, count(distinct user_id)::int as users,
           min(length(token)) as shortest, max(length(token)) as longest, bool_and(token_hash = sha256(token::bytea)) as hashed
         from device where application_id = $1 and status = 'active'`,
        [application],
      );
      expect(rows[0]).toEqual({ devices: 1_000, keys: 1_000, users: 1_000, shortest: 163, longest: 163, hashed: true });
      expect((await db.query('show session_replication_role')).rows[0]).toEqual({ session_replication_role: 'origin' });
    } finally {
      await db.end();
      await database.drop();
    }
  });
});
