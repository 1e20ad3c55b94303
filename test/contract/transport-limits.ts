import type { ServerHttp2Stream } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import { firstOf, Harness, type MakeTransport, originOf, responseOf } from './transport-harness.js';
import { startHttp2 } from './transport-peers.js';
import { startRaw } from './transport-raw-peer.js';

/** How many streams, connections and waiting requests there may be. */
export function describeLimits(make: MakeTransport): void {
  const harness = new Harness(make);
  const times = (count: number): undefined[] => Array.from({ length: count });

  /** A server that answers nothing until told; streams are listed in their order of arrival. */
  async function startHolding(maxConcurrentStreams?: number) {
    const held: { stream: ServerHttp2Stream; path: unknown }[] = [];
    const settings = maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams };
    const peer = await harness.peer(
      startHttp2((stream, headers) => held.push({ stream, path: headers[':path'] }), { settings }),
    );
    const answerAll = (): void => {
      for (const { stream } of held) if (!stream.headersSent) stream.respond({ ':status': 200 }, { endStream: true });
    };
    return { peer, held, answerAll };
  }

  describe('streams and connections', () => {
    it('opens another connection when every stream is taken, up to the limit, and then waits in order', async () => {
      const { peer, held, answerAll } = await startHolding(2);
      const transport = harness.transport({ maxConnectionsPerOrigin: 3 });
      const origin = originOf(peer, { initialStreams: 2 });
      const all = times(10).map(async (_, index) => {
        const result = await harness.send(transport, origin, { path: `/${index}` });
        return responseOf(result).status;
      });
      await eventually(() => held.length === 6);
      expect(transport.stats()).toMatchObject([{ connections: 3, inFlight: 6, waiting: 4 }]);
      let isOver = false;
      const end = () => {
        isOver = true;
      };
      Promise.all(all).then(end, end);
      while (!isOver) {
        answerAll();
        await eventually(
          () =>
            isOver || held.every(({ stream }) => stream.destroyed) || held.some(({ stream }) => !stream.headersSent),
        );
      }
      expect(await Promise.all(all)).toEqual(times(10).map(() => 200));
      expect(peer.sockets).toHaveLength(3);
      expect(held.map(({ path }) => path).sort()).toEqual(times(10).map((_, index) => `/${index}`));
      expect(held.slice(6).map(({ path }) => path)).toEqual(['/6', '/7', '/8', '/9']);
    });

    it('uses no more streams than its own cap, whatever the peer allows', async () => {
      const { peer, held, answerAll } = await startHolding(1_000);
      const transport = harness.transport({ maxConnectionsPerOrigin: 1, maxStreamsPerConnection: 3 });
      const all = Promise.all(times(5).map(() => harness.send(transport, originOf(peer))));
      await eventually(() => held.length === 3);
      expect(transport.stats()).toMatchObject([{ inFlight: 3, waiting: 2 }]);
      answerAll();
      await eventually(() => held.length === 5);
      answerAll();
      expect((await all).map(({ kind }) => kind)).toEqual(times(5).map(() => 'response'));
    });

    it('starts with the streams it was told to, and follows SETTINGS up and down at any time', async () => {
      const peer = await harness.peer(startRaw(() => {}, { maxConcurrentStreams: 'withheld' }));
      const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
      const all = Promise.all(times(9).map(() => harness.send(transport, originOf(peer, { initialStreams: 1 }))));
      const connection = await firstOf(peer.connections);
      await eventually(() => connection.requests.length === 1);
      expect(transport.stats()).toMatchObject([{ inFlight: 1, waiting: 8 }]);
      connection.settings(4);
      await eventually(() => connection.requests.length === 4);
      expect(transport.stats()).toMatchObject([{ inFlight: 4, waiting: 5 }]);
      connection.settings(1);
      for (const stream of connection.requests.slice(0, 3)) connection.respond(stream);
      await eventually(() => transport.stats()[0]?.inFlight === 1);
      expect(connection.requests).toHaveLength(4);
      // Without the parameter the limit stays as it was; only a value changes it.
      connection.settings(100);
      await eventually(() => connection.requests.length === 9);
      for (const stream of connection.requests.slice(3)) connection.respond(stream);
      expect((await all).map(({ kind }) => kind)).toEqual(times(9).map(() => 'response'));
    });

    it('opens a connection ahead of need', async () => {
      const peer = await harness.peer(startHttp2((stream) => stream.respond({ ':status': 200 }, { endStream: true })));
      const transport = harness.transport();
      transport.warm(originOf(peer));
      transport.warm(originOf(peer));
      await eventually(() => transport.stats()[0]?.connections === 1);
      await harness.send(transport, originOf(peer));
      expect(peer.sockets).toHaveLength(1);
    });

    it('closes the longest idle connection when there are too many over all origins', async () => {
      const start = () => harness.peer(startHttp2((stream) => stream.respond({ ':status': 200 }, { endStream: true })));
      const peers = [await start(), await start(), await start()];
      const transport = harness.transport({ maxConnections: 2 });
      for (const peer of peers) responseOf(await harness.send(transport, originOf(peer)));
      await eventually(() => peers[0]?.sockets[0]?.destroyed);
      expect(peers[1]?.sockets[0]?.destroyed).toBe(false);
    });

    it('refuses a request when too many connections are busy elsewhere', async () => {
      const busy = await startHolding();
      const other = await startHolding();
      const transport = harness.transport({ maxConnections: 1 });
      const held = harness.send(transport, originOf(busy.peer));
      await eventually(() => busy.held.length === 1);
      const refused = { kind: 'not_processed', reason: 'connection_limit' };
      expect(await harness.send(transport, originOf(other.peer))).toEqual(refused);
      busy.answerAll();
      responseOf(await held);
    });

    it('closes a connection that nobody uses', async () => {
      const peer = await harness.peer(startHttp2((stream) => stream.respond({ ':status': 200 }, { endStream: true })));
      const transport = harness.transport({ idleCloseMs: 100 });
      responseOf(await harness.send(transport, originOf(peer)));
      await eventually(() => peer.sockets[0]?.destroyed === true);
    });
  });

  describe('waiting', () => {
    it('refuses what does not fit into the queue, not in the same tick', async () => {
      const { peer, held, answerAll } = await startHolding(1);
      const origin = originOf(peer, { initialStreams: 1 });
      const transport = harness.transport({ maxConnectionsPerOrigin: 1, maxWaiting: 2 });
      const first = harness.send(transport, origin);
      await eventually(() => held.length === 1);
      const waiting = [harness.send(transport, origin), harness.send(transport, origin)];
      let isSync = true;
      const refused = harness.send(transport, origin).then((result) => ({ result, isSync }));
      isSync = false;
      expect(await refused).toEqual({ result: { kind: 'not_processed', reason: 'queue_full' }, isSync: false });
      for (const count of [2, 3]) {
        answerAll();
        await eventually(() => held.length === count);
      }
      answerAll();
      expect((await Promise.all([first, ...waiting])).map(({ kind }) => kind)).toEqual(times(3).map(() => 'response'));
    });

    it('ends a request that found no stream in time as not processed', async () => {
      const { peer, held } = await startHolding(1);
      const origin = originOf(peer, { initialStreams: 1 });
      const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
      const first = harness.send(transport, origin, { timeoutMs: 1_000 });
      await eventually(() => held.length === 1);
      const second = await harness.send(transport, origin, { timeoutMs: 100 });
      expect(second).toEqual({ kind: 'not_processed', reason: 'queue_timeout' });
      expect(transport.stats()).toMatchObject([{ inFlight: 1, waiting: 0 }]);
      expect(await first).toEqual({ kind: 'ambiguous', reason: 'timeout' });
      expect(held).toHaveLength(1);
    });
  });
}
