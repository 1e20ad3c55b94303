import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeConnections } from '../../src/transport/http2-connection.js';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import type { Origin, Transport } from '../../src/transport/transport.js';
import { eventually } from '../setup/eventually.js';
import { Harness, originOf, responseOf } from './transport-harness.js';
import type { Peer } from './transport-peers.js';
import { LARGE } from './transport-servers.js';

/** A server that gives back what is posted to it, and has {@link LARGE} at `/large.bin`. */
export interface EchoServer extends Peer {
  /** What it found wrong with its client. */
  complaints(): Promise<string[]>;
}

export const times = (count: number): undefined[] => Array.from({ length: count });

/** Of some length between nothing and `maxBytes`, and with a content that no other has. */
export function bodyOf(index: number, maxBytes: number): Buffer {
  return Buffer.alloc((index * 7_919) % (maxBytes + 1), `${index}-`);
}

/** Sends a body, and expects it back. */
export async function expectEcho(
  harness: Harness,
  transport: Transport,
  origin: Origin,
  path: string,
  body: Buffer,
): Promise<string> {
  const result = responseOf(await harness.send(transport, origin, { path, body }));
  expect([path, result.status, result.body.length]).toEqual([path, 200, body.length]);
  expect(result.body.equals(body)).toBe(true);
  return result.connection;
}

/** What every server must agree with us on. */
export function describeConformance(name: string, start: () => Promise<EchoServer>): void {
  describe.each([
    ['our own framing', {}],
    ['node:http2', { http2: nodeConnections }],
  ])(`${name}, with %s`, (_name, options) => {
    const harness = new Harness((more) => new PooledTransport({ ...options, ...more }));
    let server: EchoServer;
    let origin: Origin;

    beforeAll(async () => {
      server = await start();
      origin = originOf(server);
    });
    afterAll(async () => {
      const complaints = await server.complaints();
      await server.close();
      expect(complaints).toEqual([]);
    });

    it('echoes many small bodies at a time', async () => {
      const transport = harness.transport();
      await Promise.all(
        times(1_000).map((_, index) =>
          expectEcho(harness, transport, origin, `/small/${index}`, bodyOf(index + 1, 2_000)),
        ),
      );
    });

    it('echoes bodies that are larger than every window', async () => {
      const transport = harness.transport({ maxBodyBytes: 2_000_000 });
      await Promise.all(
        times(12).map((_, index) =>
          expectEcho(harness, transport, origin, `/large/${index}`, bodyOf(index + 1, 600_000)),
        ),
      );
      await expectEcho(harness, transport, origin, '/largest', Buffer.alloc(2_000_000, 'xyz'));
    });

    it('has a response cut off that is too large, and goes on', async () => {
      const transport = harness.transport({ maxBodyBytes: 1_000, maxConnectionsPerOrigin: 1 });
      const get = { method: 'GET', path: '/large.bin', body: undefined } as const;
      const results = await Promise.all(times(30).map(() => harness.send(transport, origin, get)));
      for (const result of results) expect(responseOf(result).body.equals(LARGE.subarray(0, 1_000))).toBe(true);
      const connections = new Set(results.map((result) => responseOf(result).connection));
      connections.add(await expectEcho(harness, transport, origin, '/after', Buffer.from('after')));
      expect(connections.size).toBe(1);
    });

    it('takes a whole large response', async () => {
      const transport = harness.transport({ maxBodyBytes: LARGE.length });
      const get = { method: 'GET', path: '/large.bin', body: undefined } as const;
      const results = await Promise.all(times(5).map(() => harness.send(transport, origin, get)));
      for (const result of results) expect(responseOf(result).body.equals(LARGE)).toBe(true);
    });

    it('understands headers that repeat, vary, are secret or long', async () => {
      const transport = harness.transport();
      const send = async (index: number): Promise<void> => {
        const headers = {
          authorization: `bearer ${index % 3}${'t'.repeat(1_000)}`,
          'x-fixed': 'fixed',
          'x-varying': `${index}`.repeat(index % 20),
          'x-long': 'l'.repeat(index % 5 === 0 ? 3_000 : 3),
        };
        const request = { path: `/headers/${index}`, headers, sensitive: ['authorization'] };
        expect(responseOf(await harness.send(transport, origin, request)).status).toBe(200);
      };
      for (let round = 0; round < 10; round += 1) await Promise.all(times(40).map((_, index) => send(index)));
    });

    it('answers a PING, and is trusted again', async () => {
      const transport = harness.transport({ pingIdleMs: 50 });
      const first = await expectEcho(harness, transport, origin, '/ping', Buffer.from('before'));
      const silentUntil = performance.now() + 200;
      await eventually(() => performance.now() > silentUntil);
      expect(await expectEcho(harness, transport, origin, '/ping', Buffer.from('after'))).toBe(first);
    });
  });
}
