import { sensitiveHeaders } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { Harness, type MakeTransport, originOf, responseOf } from './transport-harness.js';
import { IDENTITY, startHttp1, startHttp2, startTls } from './transport-peers.js';
import { startRaw } from './transport-raw-peer.js';

/** What a request and its response look like on the wire. */
export function describeRequests(make: MakeTransport): void {
  const harness = new Harness(make);

  describe('a request over HTTP/2', () => {
    it('arrives whole, and its response comes back with lower-case headers and the body', async () => {
      const seen: { headers: Record<string | symbol, unknown>; body: string }[] = [];
      const peer = await harness.peer(
        startHttp2((stream, headers, body) => {
          seen.push({ headers, body: body.toString() });
          stream.respond({ ':status': 410, 'Apns-Id': 'abc', 'set-cookie': ['a=1', 'b=2'] });
          stream.end('{"reason":"Unregistered"}');
        }),
      );
      const headers = { authorization: 'bearer secret', 'apns-topic': 'com.example' };
      const request = {
        path: '/3/device/ab?x=1',
        headers,
        sensitive: ['authorization'],
        body: Buffer.from('{"aps":{}}'),
      };
      const result = responseOf(await harness.send(harness.transport(), originOf(peer), request));

      expect(result).toMatchObject({ status: 410, headers: { 'apns-id': 'abc', 'set-cookie': 'a=1, b=2' } });
      expect(Object.keys(result.headers).filter((name) => name.startsWith(':'))).toEqual([]);
      expect(result.body.toString()).toBe('{"reason":"Unregistered"}');
      expect(seen).toHaveLength(1);
      expect(seen[0]?.body).toBe('{"aps":{}}');
      expect(seen[0]?.headers).toMatchObject({
        ':method': 'POST',
        ':path': '/3/device/ab?x=1',
        ':scheme': 'https',
        ':authority': `127.0.0.1:${peer.port}`,
        'content-length': '10',
        ...headers,
      });
      expect(seen[0]?.headers[sensitiveHeaders]).toEqual(['authorization']);
    });

    it('has no body and no content-length when none is given', async () => {
      const peer = await harness.peer(
        startHttp2((stream, headers, body) => {
          stream.respond({ ':status': headers['content-length'] === undefined && body.length === 0 ? 204 : 400 });
          stream.end();
        }),
      );
      const request = { method: 'GET', body: undefined } as const;
      expect(responseOf(await harness.send(harness.transport(), originOf(peer), request)).status).toBe(204);
    });

    it('shares one connection with others of the same key, and none with another key', async () => {
      const peer = await harness.peer(startHttp2((stream) => stream.respond({ ':status': 200 }, { endStream: true })));
      const transport = harness.transport();
      const origin = originOf(peer);
      const first = responseOf(await harness.send(transport, origin));
      const many = await Promise.all(Array.from({ length: 50 }, () => harness.send(transport, { ...origin })));
      expect(new Set(many.map((result) => responseOf(result).connection))).toEqual(new Set([first.connection]));
      const other = responseOf(await harness.send(transport, { ...origin, key: 'other' }));
      expect(other.connection).not.toBe(first.connection);
      expect(peer.sockets).toHaveLength(2);
    });

    it('takes informational responses and trailers for nothing', async () => {
      const peer = await harness.peer(
        startHttp2((stream) => {
          stream.additionalHeaders({ ':status': 103, link: '</x>' });
          stream.respond({ ':status': 200 }, { waitForTrailers: true });
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '5' }));
          stream.end('ok');
        }),
      );
      const result = responseOf(await harness.send(harness.transport(), originOf(peer)));
      expect([result.status, result.body.toString()]).toEqual([200, 'ok']);
      expect(result.headers).not.toHaveProperty('grpc-status');
    });

    it('ends with an empty last DATA frame, as Google sends it', async () => {
      const peer = await harness.peer(
        startRaw((connection, stream) => {
          connection.respondHead(stream);
          connection.data(stream, '{"name":"x"}', false);
          connection.data(stream, '', true);
        }),
      );
      const result = responseOf(await harness.send(harness.transport(), originOf(peer)));
      expect(result.body.toString()).toBe('{"name":"x"}');
    });

    it('is answered although the connection closes right after the response', async () => {
      const peer = await harness.peer(
        startRaw((connection, stream) => {
          connection.respondHead(stream);
          connection.data(stream, 'whole', true);
          connection.socket.destroySoon();
        }),
      );
      expect(responseOf(await harness.send(harness.transport(), originOf(peer))).body.toString()).toBe('whole');
    });

    it('keeps no more of the body than allowed, and the connection', async () => {
      const peer = await harness.peer(
        startHttp2((stream) => {
          stream.respond({ ':status': 500 });
          stream.end(Buffer.alloc(2_000_000, 'x'));
        }),
      );
      const transport = harness.transport({ maxBodyBytes: 1_000 });
      const first = responseOf(await harness.send(transport, originOf(peer)));
      expect([first.status, first.body.length]).toEqual([500, 1_000]);
      expect(responseOf(await harness.send(transport, originOf(peer))).connection).toBe(first.connection);
    });

    it('does not follow a redirect', async () => {
      const peer = await harness.peer(
        startHttp2((stream, headers) => {
          const isFollowed = headers[':path'] === '/next';
          stream.respond({ ':status': isFollowed ? 200 : 307, location: '/next' }, { endStream: true });
        }),
      );
      expect(responseOf(await harness.send(harness.transport(), originOf(peer))).status).toBe(307);
    });

    it('presents the client certificate', async () => {
      const peer = await harness.peer(
        startHttp2(
          (stream) => {
            const socket = stream.session?.socket as TLSSocket;
            stream.respond(
              { ':status': 200, subject: socket.getPeerCertificate().subject?.CN ?? 'none' },
              { endStream: true },
            );
          },
          { requestCert: true, rejectUnauthorized: false },
        ),
      );
      const origin = originOf(peer, { cert: IDENTITY.cert, certKey: IDENTITY.key });
      expect(responseOf(await harness.send(harness.transport(), origin)).headers['subject']).toBe('localhost');
    });

    it('is refused without TLS unless that is permitted, and without a proper URL', async () => {
      const transport = harness.transport();
      const origin = originOf({ url: 'http://127.0.0.1:9' });
      expect(await harness.send(transport, origin)).toEqual({ kind: 'not_processed', reason: 'insecure' });
      expect(await harness.send(transport, originOf({ url: 'nonsense' }))).toEqual({
        kind: 'not_processed',
        reason: 'invalid_origin',
      });
    });
  });

  describe.each([
    ['a NUL in a header', { headers: { a: 'x\0b\0y' } }],
    ['a line break in a header', { headers: { a: 'x\r\nb: y' } }],
    ['a space in the path', { path: '/a b' }],
    ['a header that only a connection may set', { headers: { connection: 'close' } }],
  ])('%s', (_name, request) => {
    it('is refused before anything is sent, and not in the same tick', async () => {
      const reached: unknown[] = [];
      const peer = await harness.peer(
        startHttp2((stream, headers) => {
          reached.push(headers);
          stream.respond({ ':status': 200 }, { endStream: true });
        }),
      );
      const transport = harness.transport();
      responseOf(await harness.send(transport, originOf(peer)));
      expect(await harness.send(transport, originOf(peer), request)).toEqual({
        kind: 'not_processed',
        reason: 'invalid_request',
      });
      expect(reached).toHaveLength(1);
    });
  });

  describe('HTTP/1.1', () => {
    it('is spoken on one kept connection when ALPN offers no h2', async () => {
      const seen: string[] = [];
      const peer = await harness.peer(
        startHttp1((request, response) => {
          request.on('data', (chunk: Buffer) => seen.push(`${request.url} ${request.headers.host} ${chunk}`));
          request.on('end', () => response.writeHead(201, { location: '/m/1' }).end('done'));
        }),
      );
      const transport = harness.transport();
      const origin = originOf(peer, { requireHttp2: false });
      const first = responseOf(await harness.send(transport, origin, { path: '/push/1' }));
      const second = responseOf(await harness.send(transport, origin, { path: '/push/2' }));
      expect(first).toMatchObject({ status: 201, headers: { location: '/m/1' } });
      expect(first.body.toString()).toBe('done');
      expect(second.connection).toBe(first.connection);
      expect(seen).toEqual([`/push/1 127.0.0.1:${peer.port} {}`, `/push/2 127.0.0.1:${peer.port} {}`]);
    });

    it('goes on over a new connection when the server closes after each response', async () => {
      const peer = await harness.peer(
        startHttp1((_request, response) => response.writeHead(201, { connection: 'close' }).end()),
      );
      const transport = harness.transport({ maxConnectionsPerOrigin: 1 });
      const origin = originOf(peer, { requireHttp2: false });
      const results = await Promise.all(Array.from({ length: 4 }, () => harness.send(transport, origin)));
      expect(results.map((result) => responseOf(result).status)).toEqual([201, 201, 201, 201]);
      expect(peer.sockets).toHaveLength(4);
    });

    it('serves several requests at a time over several connections', async () => {
      let atOnce = 0;
      const release: (() => void)[] = [];
      const peer = await harness.peer(
        startHttp1((_request, response) => {
          atOnce += 1;
          release.push(() => response.end());
          if (atOnce === 3) for (const go of release) go();
        }),
      );
      const transport = harness.transport({ maxConnectionsPerOrigin: 3 });
      const origin = originOf(peer, { requireHttp2: false });
      const results = await Promise.all(Array.from({ length: 3 }, () => harness.send(transport, origin)));
      expect(new Set(results.map((result) => responseOf(result).connection)).size).toBe(3);
    });

    it('is refused where HTTP/2 is required', async () => {
      const peer = await harness.peer(startTls(() => {}));
      expect(await harness.send(harness.transport(), originOf(peer))).toEqual({
        kind: 'not_processed',
        reason: 'no_h2',
      });
    });

    it.each([
      ['no answer', '', { kind: 'ambiguous', reason: 'closed' }],
      [
        'half a response',
        'HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\nhalf',
        { kind: 'ambiguous', reason: 'closed' },
      ],
    ])('is ambiguous after %s', async (_name, answer, expected) => {
      let requests = 0;
      const peer = await harness.peer(
        startTls((socket) => {
          socket.on('error', () => {});
          socket.once('data', () => {
            requests += 1;
            socket.end(answer);
          });
        }),
      );
      expect(await harness.send(harness.transport(), originOf(peer, { requireHttp2: false }))).toEqual(expected);
      expect(requests).toBe(1);
    });

    it('is ambiguous when no answer comes in time', async () => {
      const peer = await harness.peer(startHttp1(() => {}));
      const origin = originOf(peer, { requireHttp2: false });
      const result = await harness.send(harness.transport(), origin, { timeoutMs: 200 });
      expect(result).toEqual({ kind: 'ambiguous', reason: 'timeout' });
    });

    it('keeps no more of the body than allowed', async () => {
      const peer = await harness.peer(startHttp1((_request, response) => response.end(Buffer.alloc(1_000_000, 'x'))));
      const origin = originOf(peer, { requireHttp2: false });
      const result = responseOf(await harness.send(harness.transport({ maxBodyBytes: 500 }), origin));
      expect(result.body.length).toBe(500);
    });
  });
}
