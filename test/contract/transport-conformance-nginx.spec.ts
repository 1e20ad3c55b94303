import { describe, expect, it } from 'vitest';
import { nodeConnections } from '../../src/transport/http2-connection.js';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import type { Origin, Transport, TransportResult } from '../../src/transport/transport.js';
import { eventually } from '../setup/eventually.js';
import { describeConformance, times } from './transport-conformance.js';
import { Harness, originOf } from './transport-harness.js';
import { type NginxOptions, type NginxServer, startNginx } from './transport-servers.js';

describeConformance('nginx', () => startNginx());

/** Repeats after which a request counts as lost. */
const MANY = 100;

type Kind = TransportResult['kind'];

describe.each([
  ['our own framing', {}],
  ['node:http2', { http2: nodeConnections }],
])('nginx, with %s', (_name, options) => {
  const harness = new Harness((more) => new PooledTransport({ ...options, ...more }));

  async function start(nginx: NginxOptions): Promise<{ server: NginxServer; origin: Origin }> {
    const server = await harness.peer(startNginx(nginx));
    return { server, origin: originOf(server) };
  }

  /** Sends one request to each path, 200 at a time; what was not processed goes out again. */
  async function load(
    transport: Transport,
    origin: Origin,
    count: number,
    mostRepeats: number,
    onEnd: (kind: Kind, index: number) => void = () => {},
  ): Promise<Map<string, Kind>> {
    const ends = new Map<string, Kind>();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const path = `/${next++}`;
        let kind: Kind;
        let sends = 0;
        do {
          ({ kind } = await harness.send(transport, origin, { path, timeoutMs: 8_000 }));
          sends += 1;
        } while (kind === 'not_processed' && sends <= mostRepeats);
        ends.set(path, kind);
        onEnd(kind, ends.size);
      }
    };
    await Promise.all(times(200).map(worker));
    return ends;
  }

  const pathsOf = (ends: Map<string, Kind>, kind: Kind): string[] =>
    [...ends].filter(([, other]) => other === kind).map(([path]) => path);

  /** What holds whatever happens to the server: nothing twice, no answer without the request, no false claim. */
  function expectTruth(server: NginxServer, ends: Map<string, Kind>, count: number): void {
    expect(ends.size).toBe(count);
    expect([...server.reached].filter(([, reached]) => reached > 1)).toEqual([]);
    expect(pathsOf(ends, 'response').filter((path) => !server.reached.has(path))).toEqual([]);
    expect(pathsOf(ends, 'not_processed').filter((path) => server.reached.has(path))).toEqual([]);
  }

  it.each([
    ['connections that end after 7 requests', 'keepalive_requests 7;', 300],
    ['connections that end after 100 requests', 'keepalive_requests 100;', 2_000],
    ['one stream at a time', 'http2_max_concurrent_streams 1;', 300],
    ['five streams at a time', 'http2_max_concurrent_streams 5;', 1_000],
    [
      'connections of five streams that end after 50 requests',
      'keepalive_requests 50; http2_max_concurrent_streams 5;',
      600,
    ],
  ])('loses no request and sends none twice over %s', async (_case, line, count) => {
    const { server, origin } = await start({ lines: [line], delayMs: () => 2 });
    const ends = await load(harness.transport(), origin, count, MANY);
    expectTruth(server, ends, count);
    expect(pathsOf(ends, 'response')).toHaveLength(count);
    await eventually(async () => expect((await server.logged()).size).toBe(count));
    expect([...(await server.logged())].filter(([, times]) => times > 1)).toEqual([]);
    expect(await server.complaints()).toEqual([]);
  });

  it('loses no request and sends none twice while the configuration is reloaded', async () => {
    const { server, origin } = await start({ delayMs: (path) => path.length });
    const ends = await load(harness.transport(), origin, 3_000, MANY, (_kind, ended) => {
      if (ended % 600 === 0) process.kill(server.pid, 'SIGHUP');
    });
    expectTruth(server, ends, 3_000);
    expect(pathsOf(ends, 'response')).toHaveLength(3_000);
    expect(await server.complaints()).toEqual([]);
  });

  it('is told nothing ambiguous while the server ends in good order', async () => {
    const { server, origin } = await start({ delayMs: (path) => 5 * path.length });
    const ends = await load(harness.transport(), origin, 1_500, 0, (_kind, ended) => {
      if (ended === 500) process.kill(server.pid, 'SIGQUIT');
    });
    await server.exited;
    expectTruth(server, ends, 1_500);
    expect(pathsOf(ends, 'ambiguous')).toEqual([]);
    expect(pathsOf(ends, 'response').length).toBeGreaterThanOrEqual(500);
    expect(pathsOf(ends, 'not_processed').length).toBeGreaterThan(0);
  });

  it('knows what did not reach a server that is killed under load', async () => {
    const { server, origin } = await start({ delayMs: (path) => path.length });
    const ends = await load(harness.transport(), origin, 1_500, 0, (_kind, ended) => {
      if (ended === 500) server.signal('SIGKILL');
    });
    expectTruth(server, ends, 1_500);
    expect(pathsOf(ends, 'not_processed').length).toBeGreaterThan(0);
  });

  it('leaves the fast ones alone when a slow one ends at its deadline', async () => {
    const { server, origin } = await start({ delayMs: (path) => (path === '/slow' ? 5_000 : 0) });
    const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
    const slow = harness.send(transport, origin, { path: '/slow', timeoutMs: 300 });
    const ends = await load(transport, origin, 500, 0);
    expect(await slow).toEqual({ kind: 'ambiguous', reason: 'timeout' });
    expectTruth(server, ends, 500);
    expect(pathsOf(ends, 'response')).toHaveLength(500);
    expect(await server.complaints()).toEqual([]);
  });
});
