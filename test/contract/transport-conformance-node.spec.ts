import { describeConformance, type EchoServer } from './transport-conformance.js';
import { startHttp2 } from './transport-peers.js';
import { LARGE } from './transport-servers.js';

async function startNode(): Promise<EchoServer> {
  const complaints: string[] = [];
  const peer = await startHttp2(
    (stream, headers, body) => {
      stream.respond({ ':status': 200 });
      stream.end(headers[':path'] === '/large.bin' ? LARGE : body);
    },
    { maxSessionMemory: 100 },
  );
  peer.server.on('sessionError', (error: Error) => complaints.push(error.message));
  peer.server.on('session', (session) => {
    session.on('goaway', (code: number) => {
      if (code !== 0) complaints.push(`GOAWAY ${code}`);
    });
  });
  return { ...peer, complaints: async () => complaints };
}

describeConformance('node:http2', startNode);
