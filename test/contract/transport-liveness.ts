import { describe, expect, it } from 'vitest';
import { eventually } from '../setup/eventually.js';
import { firstOf, Harness, type MakeTransport, originOf, responseOf } from './transport-harness.js';
import { startRaw } from './transport-raw-peer.js';

/** Dead peers, and connections that this side gives up. */
export function describeLiveness(make: MakeTransport): void {
  const harness = new Harness(make);

  describe('a half-open connection', () => {
    it('with a request in flight is found by PING; new requests go elsewhere meanwhile', async () => {
      const peer = await harness.peer(
        startRaw(
          (connection, stream) => {
            if (connection !== peer.connections[0]) connection.respond(stream);
          },
          { answersPings: false },
        ),
      );
      const transport = harness.transport({ pingBusyMs: 80, pingIdleMs: 10_000, pingTimeoutMs: 900 });
      const held = harness.send(transport, originOf(peer), { timeoutMs: 10_000 });
      await eventually(() => peer.connections[0]?.pings === 1);
      const next = responseOf(await harness.send(transport, originOf(peer)));
      expect(peer.connections[1]?.requests).toHaveLength(1);
      expect((await held).kind).toBe('ambiguous');
      await eventually(() => transport.stats()[0]?.connections === 1);
      expect(responseOf(await harness.send(transport, originOf(peer))).connection).toBe(next.connection);
    });

    it('is not trusted with a request after a long silence: the request is sent once, elsewhere', async () => {
      const peer = await harness.peer(
        startRaw((connection, stream) => connection.respond(stream), { answersPings: false }),
      );
      const transport = harness.transport({ pingIdleMs: 100, pingTimeoutMs: 300 });
      const first = responseOf(await harness.send(transport, originOf(peer)));
      await eventually(() => peer.connections[0]?.pings === 1);
      const second = responseOf(await harness.send(transport, originOf(peer)));
      expect(second.connection).not.toBe(first.connection);
      expect(peer.connections.map(({ requests }) => requests)).toEqual([[1], [1]]);
    });

    it('is not trusted either when it died after the PINGs that may go without a request', async () => {
      const peer = await harness.peer(startRaw((connection, stream) => connection.respond(stream)));
      const transport = harness.transport({ pingIdleMs: 60, pingTimeoutMs: 200 });
      responseOf(await harness.send(transport, originOf(peer)));
      const first = await firstOf(peer.connections, ({ pings }) => pings === 2);
      first.answersPings = false;
      const silentUntil = performance.now() + 100;
      await eventually(() => performance.now() > silentUntil);
      responseOf(await harness.send(transport, originOf(peer)));
      expect(peer.connections.map(({ requests }) => requests)).toEqual([[1], [1]]);
    });
  });

  it('asks a silent connection and goes on using it when it answers', async () => {
    const peer = await harness.peer(startRaw((connection, stream) => connection.respond(stream)));
    const transport = harness.transport({ pingIdleMs: 60, pingTimeoutMs: 2_000 });
    const first = responseOf(await harness.send(transport, originOf(peer)));
    // Two without a request between them, and no third: Google ends connections for that.
    await eventually(() => peer.connections[0]?.pings === 2);
    const silentUntil = performance.now() + 300;
    await eventually(() => performance.now() > silentUntil);
    expect(peer.connections[0]?.pings).toBe(2);
    expect(responseOf(await harness.send(transport, originOf(peer))).connection).toBe(first.connection);
    expect(peer.connections).toHaveLength(1);
  });

  describe('retire', () => {
    it('takes nothing new to that connection; what is in flight finishes, then it closes', async () => {
      const peer = await harness.peer(
        startRaw((connection, stream) => {
          if (stream !== 3) connection.respond(stream);
        }),
      );
      const transport = harness.transport();
      const { connection } = responseOf(await harness.send(transport, originOf(peer)));
      const held = harness.send(transport, originOf(peer));
      await eventually(() => peer.connections[0]?.requests.length === 2);
      transport.retire(connection);
      transport.retire('unknown');
      const next = responseOf(await harness.send(transport, originOf(peer)));
      expect(next.connection).not.toBe(connection);
      peer.connections[0]?.respond(3);
      expect(responseOf(await held).connection).toBe(connection);
      await eventually(() => peer.connections[0]?.socket.readableEnded === true);
      expect(transport.stats()).toMatchObject([{ connections: 1, inFlight: 0 }]);
    });
  });

  describe('close', () => {
    it('waits for what is in flight and refuses what comes later', async () => {
      const peer = await harness.peer(startRaw(() => {}));
      const transport = harness.transport();
      const held = harness.send(transport, originOf(peer));
      const first = await firstOf(peer.connections, ({ requests }) => requests.length === 1);
      const closed = transport.close(5_000);
      expect(await harness.send(transport, originOf(peer))).toEqual({ kind: 'not_processed', reason: 'shutdown' });
      first.respond(1);
      responseOf(await held);
      await closed;
      expect(transport.stats()).toEqual([]);
      await eventually(() => first.socket.readableEnded === true);
    });

    it('ends what takes longer than the grace, and what was never sent', async () => {
      const peer = await harness.peer(startRaw(() => {}, { maxConcurrentStreams: 1 }));
      const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
      const origin = originOf(peer, { initialStreams: 1 });
      const sent = [harness.send(transport, origin), harness.send(transport, origin)];
      await eventually(() => peer.connections[0]?.requests.length === 1);
      await transport.close(100);
      expect(await Promise.all(sent)).toEqual([
        { kind: 'ambiguous', reason: 'closed' },
        { kind: 'not_processed', reason: 'shutdown' },
      ]);
      await eventually(() => peer.sockets[0]?.destroyed === true);
    });

    it('ends a connect under way', async () => {
      const peer = await harness.peer(startRaw(() => {}));
      const transport = harness.transport();
      const sent = harness.send(transport, originOf(peer));
      await transport.close(0);
      expect(await sent).toEqual({ kind: 'not_processed', reason: 'shutdown' });
    });
  });
}
