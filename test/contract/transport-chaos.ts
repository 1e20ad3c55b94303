import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import { Harness, type MakeTransport, originOf, REFUSED_STREAM, responseOf } from './transport-harness.js';
import { startHttp2 } from './transport-peers.js';

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What must hold whatever the peer does: nothing lost, nothing settled twice, no wrong claim of "not processed". */
export function describeChaos(make: MakeTransport): void {
  const harness = new Harness(make);

  it.each([1, 2, 3])('tells the truth about every request while the peer fails at random (seed %i)', async (seed) => {
    const random = randomFrom(seed);
    const processed = new Map<string, number>();
    const peer = await harness.peer(
      startHttp2(
        (stream, headers) => {
          const path = String(headers[':path']);
          const dice = random();
          if (dice < 0.02) return stream.close(REFUSED_STREAM);
          processed.set(path, (processed.get(path) ?? 0) + 1);
          if (dice < 0.025) return stream.session?.socket.destroy();
          if (dice < 0.03) return stream.session?.destroy();
          if (dice < 0.035) stream.session?.close();
          if (dice < 0.045) return stream.close();
          setTimeout(() => {
            if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true });
          }, dice * 5);
        },
        { settings: { maxConcurrentStreams: 20 } },
      ),
    );
    const transport = harness.transport({ maxConnectionsPerOrigin: 4 });
    const ends = new Map<string, string>();
    const send = async (path: string): Promise<void> => {
      ends.set(path, (await harness.send(transport, originOf(peer), { path })).kind);
    };
    await Promise.all(Array.from({ length: 1_500 }, (_, index) => send(`/${index}`)));

    const repeatedProcessed = [...processed].filter(([, times]) => times > 1);
    const falseClaims = [...ends].filter(([path, kind]) => kind === 'not_processed' && processed.has(path));
    const lostAnswers = [...ends].filter(([path, kind]) => kind === 'response' && !processed.has(path));
    expect({ repeatedProcessed, falseClaims, lostAnswers }).toEqual({
      repeatedProcessed: [],
      falseClaims: [],
      lostAnswers: [],
    });
    expect(ends.size).toBe(1_500);
    expect([...ends.values()].filter((kind) => kind === 'response').length).toBeGreaterThan(1_000);
    await eventually(() => transport.stats().every(({ inFlight, waiting }) => inFlight + waiting === 0));
  });

  describe('without TLS, where that is permitted', () => {
    it.each([
      ['HTTP/2', true, () => createHttp2Server((_request, response) => response.end('h2'))],
      ['HTTP/1.1', false, () => createServer((_request, response) => response.end('h1'))],
    ])('speaks %s', async (_name, requireHttp2, create) => {
      const server = create();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const transport = harness.transport();
      const origin = originOf({ url: `http://127.0.0.1:${port}` }, { requireHttp2, allowInsecure: true });
      const result = responseOf(await harness.send(transport, origin));
      expect(result.body.toString()).toBe(requireHttp2 ? 'h2' : 'h1');
      await transport.close(0);
      await new Promise((resolve) => server.close(resolve));
    });
  });
}
