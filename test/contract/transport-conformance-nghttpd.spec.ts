import { describe, expect, it } from 'vitest';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import { bodyOf, describeConformance, expectEcho, times } from './transport-conformance.js';
import { Harness, originOf, responseOf } from './transport-harness.js';
import { LARGE, type ServerProcess, startNghttpd } from './transport-servers.js';

describeConformance('nghttpd', () => startNghttpd());

describe('nghttpd, with its options', () => {
  const harness = new Harness((options) => new PooledTransport(options));

  async function start(...options: string[]): Promise<ServerProcess> {
    return harness.peer(startNghttpd(options));
  }

  const get = { method: 'GET', path: '/large.bin', body: undefined } as const;

  it.each([
    ['padding', ['--padding=255']],
    ['windows of one byte', ['--window-bits=1', '--connection-window-bits=16']],
    ['small windows', ['--window-bits=10', '--connection-window-bits=16']],
    ['wide windows', ['--window-bits=30', '--connection-window-bits=30']],
    ['no header table of its own', ['--header-table-size=0', '--encoder-header-table-size=0']],
    ['a small header table', ['--header-table-size=100', '--encoder-header-table-size=100']],
    ['a large header table', ['--header-table-size=100000', '--encoder-header-table-size=100000']],
    ['one stream at a time', ['--max-concurrent-streams=1']],
    ['no content-length', ['--no-content-length']],
    ['trailers', ['--trailer=x-trailer: value']],
    ['an early response', ['--early-response']],
  ])('agrees on everything with %s', async (name, options) => {
    const server = await start(...options);
    const origin = originOf(server, { initialStreams: 1 });
    const transport = harness.transport({ maxBodyBytes: LARGE.length, maxConnectionsPerOrigin: 2 });
    const isTiny = name === 'windows of one byte';
    const bodies = times(60).map((_, index) => bodyOf(index + 1, isTiny ? 50 : 100_000));
    await Promise.all([
      ...bodies.map((body, index) => expectEcho(harness, transport, origin, `/${index}`, body)),
      ...times(3).map(async () => {
        const { status, headers, body } = responseOf(await harness.send(transport, origin, get));
        expect([status, headers['x-trailer'], body.equals(LARGE)]).toEqual([200, undefined, true]);
      }),
    ]);
    expect(await server.complaints()).toEqual([]);
  });

  it('settles each request once when it is killed under load', async () => {
    const server = await start();
    const transport = harness.transport({ maxConnectionsPerOrigin: 2 });
    let answers = 0;
    const results = await Promise.all(
      times(3_000).map(async (_, index) => {
        const result = await harness.send(transport, originOf(server), { path: `/${index}`, timeoutMs: 5_000 });
        if (result.kind === 'response') answers += 1;
        if (answers === 500) server.signal('SIGKILL');
        return result.kind;
      }),
    );
    const kinds = (kind: string): number => results.filter((other) => other === kind).length;
    expect(kinds('response')).toBeGreaterThanOrEqual(500);
    // As many as two connections of this server can hold.
    expect(kinds('ambiguous')).toBeLessThanOrEqual(200);
    expect(kinds('not_processed')).toBeGreaterThan(0);
  });

  it('pushes nothing to us, although it is told to', async () => {
    const server = await start('--push=/large.bin=/pushed.bin');
    const transport = harness.transport();
    expect(responseOf(await harness.send(transport, originOf(server), get)).status).toBe(200);
    expect(await server.complaints()).toEqual([]);
  });
});
