import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../src/transport/address-guard.js';
import { eventually } from '../setup/eventually.js';
import { Harness, type MakeTransport, originOf, responseOf } from './transport-harness.js';
import { issue, startHttp2, startTarpit } from './transport-peers.js';

/** How connections are made, refused, kept alive and ended by this side. */
export function describeConnects(make: MakeTransport): void {
  const harness = new Harness(make);
  const startAnswering = () =>
    harness.peer(startHttp2((stream) => stream.respond({ ':status': 200 }, { endStream: true })));

  /** DNS that gives the next of these answers at each question. */
  function resolver(answers: string[][]) {
    const asked: string[] = [];
    const resolve = (hostname: string, done: (error: null, addresses: LookupAddress[]) => void): void => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
      asked.push(hostname);
      done(
        null,
        answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
    return { asked, resolve };
  }

  describe('a connection that cannot be made', () => {
    it('is not processed when nobody listens', async () => {
      const peer = await startAnswering();
      await peer.close();
      const result = await harness.send(harness.transport(), originOf(peer));
      expect(result).toEqual({ kind: 'not_processed', reason: 'connect' });
    });

    it('is not processed when the name does not resolve', async () => {
      const { resolve } = resolver([[]]);
      const origin = originOf({ url: 'https://push.example:443' });
      const result = await harness.send(harness.transport({ resolve }), origin);
      expect(result).toEqual({ kind: 'not_processed', reason: 'dns' });
    });

    it('is not processed when the peer accepts and stays silent', async () => {
      const peer = await harness.peer(startTarpit());
      const result = await harness.send(harness.transport({ connectTimeoutMs: 150 }), originOf(peer));
      expect(result).toEqual({ kind: 'not_processed', reason: 'connect_timeout' });
      await eventually(() => peer.sockets[0]?.destroyed === true || peer.sockets[0]?.readableEnded === true);
    });

    it("is not processed when the request's time is up before the connect", async () => {
      const peer = await harness.peer(startTarpit());
      const result = await harness.send(harness.transport(), originOf(peer), { timeoutMs: 100 });
      expect(result).toEqual({ kind: 'not_processed', reason: 'queue_timeout' });
    });

    it.each([
      ["an authority that is not the origin's", { ca: undefined }],
      ['a useless authority', { ca: 'nonsense' }],
    ])('is not processed under %s', async (_name, more) => {
      const peer = await startAnswering();
      const result = await harness.send(harness.transport(), originOf(peer, more));
      expect(result).toEqual({ kind: 'not_processed', reason: 'tls' });
    });

    it('is not processed when the certificate is for another name, whatever the environment says', async () => {
      const peer = await harness.peer(
        startHttp2((stream) => stream.respond({ ':status': 200 }, { endStream: true }), issue(['other.example'])),
      );
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
      try {
        const result = await harness.send(harness.transport(), originOf(peer));
        expect(result).toEqual({ kind: 'not_processed', reason: 'tls' });
      } finally {
        delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      }
    });

    it('is tried again only after a while, and then serves what waited', async () => {
      const peer = await harness.peer(startTarpit());
      const transport = harness.transport({ connectTimeoutMs: 50, random: () => 0 });
      const results = await Promise.all([0, 1, 2].map(() => harness.send(transport, originOf(peer))));
      expect(results.map(({ kind }) => kind)).toEqual(['not_processed', 'not_processed', 'not_processed']);
      expect(peer.sockets).toHaveLength(1);
      const startedMs = performance.now();
      await harness.send(transport, originOf(peer));
      expect(peer.sockets).toHaveLength(2);
      expect(performance.now() - startedMs).toBeGreaterThan(75);
    });
  });

  it.each([
    ['a useless authority', { ca: 'nonsense' }, {}],
    ['too many connections', {}, { maxConnections: 0 }],
    ['a refused address', { allowAddress: () => false }, {}],
    ['no TLS', { url: 'http://127.0.0.1' }, {}],
  ])(
    'never settles within `request` (%s), so that a caller may send the next one from there',
    async (_name, more, options) => {
      const transport = harness.transport(options);
      const request = { method: 'GET', path: '/', headers: {}, timeoutMs: 2_000 } as const;
      let isInside = false;
      let insideCount = 0;
      await new Promise<void>((resolve) => {
        let left = 3;
        const next = (): void => {
          if (isInside) insideCount += 1;
          left -= 1;
          if (left === 0) {
            resolve();
            return;
          }
          isInside = true;
          transport.request(originOf({ url: 'https://127.0.0.1:9' }, more), request, next);
          isInside = false;
        };
        next();
      });
      expect(insideCount).toBe(0);
    },
  );

  describe('the address check', () => {
    const guard = { allowAddress: (address: string) => address === '127.0.0.1' };

    it('lets a checked address through, by name and by number', async () => {
      const peer = await startAnswering();
      const { resolve, asked } = resolver([['127.0.0.1']]);
      const transport = harness.transport({ resolve });
      responseOf(await harness.send(transport, originOf(peer, guard)));
      responseOf(await harness.send(transport, originOf({ url: `https://localhost:${peer.port}` }, guard)));
      expect(asked).toEqual(['localhost']);
    });

    it.each(['127.0.0.1', '[::1]', '0x7f.1', '2130706433'])(
      'refuses the address %s before a byte is sent',
      async (host) => {
        const peer = await startAnswering();
        const origin = originOf({ url: `https://${host}:${peer.port}` }, { allowAddress: isPublicAddress });
        const result = await harness.send(harness.transport(), origin);
        expect(result).toEqual({ kind: 'not_processed', reason: 'address_refused' });
        expect(peer.sockets).toHaveLength(0);
      },
    );

    it('refuses a name when one of its addresses is refused', async () => {
      const peer = await startAnswering();
      const { resolve } = resolver([['127.0.0.1', '10.0.0.1']]);
      const origin = originOf({ url: `https://localhost:${peer.port}` }, guard);
      const result = await harness.send(harness.transport({ resolve }), origin);
      expect(result).toEqual({ kind: 'not_processed', reason: 'address_refused' });
      expect(peer.sockets).toHaveLength(0);
    });

    it('looks at every connect, so that a name which moves inwards is caught', async () => {
      const peer = await startAnswering();
      const { resolve, asked } = resolver([['127.0.0.1'], ['10.0.0.1']]);
      const transport = harness.transport({ resolve });
      const origin = originOf({ url: `https://localhost:${peer.port}` }, guard);
      transport.retire(responseOf(await harness.send(transport, origin)).connection);
      const result = await harness.send(transport, origin);
      expect(result).toEqual({ kind: 'not_processed', reason: 'address_refused' });
      expect(asked).toEqual(['localhost', 'localhost']);
    });

    it('does not reuse a connection that was made unchecked', async () => {
      const peer = await startAnswering();
      const transport = harness.transport();
      responseOf(await harness.send(transport, originOf(peer)));
      const result = await harness.send(transport, originOf(peer, { allowAddress: () => false }));
      expect(result).toEqual({ kind: 'not_processed', reason: 'address_refused' });
    });

    it('counts a check that throws as a refusal', async () => {
      const peer = await startAnswering();
      const allowAddress = (): boolean => {
        throw new Error('broken');
      };
      const result = await harness.send(harness.transport(), originOf(peer, { allowAddress }));
      expect(result).toEqual({ kind: 'not_processed', reason: 'address_refused' });
    });
  });
}
