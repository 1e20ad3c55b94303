import { connect } from 'node:http2';
import { nodeConnections } from '../../src/transport/http2-connection.js';
import { PooledTransport } from '../../src/transport/pooled-transport.js';
import type { Origin } from '../../src/transport/transport.js';
import { type Contest, contend, sustain } from '../contender.js';
import { IN_FLIGHT, type Kind, type SampleRequest, sampleRequests } from '../requests.js';

export interface TransportInput {
  client: 'bare' | 'node' | 'wire';
  kind: Kind;
  url: string;
  ca: string;
}

const TIMEOUT_MS = 30_000;
const SENSITIVE = ['authorization'];

contend<TransportInput>({
  setUp: ({ client, kind, url, ca }) => {
    const next = endless(sampleRequests(kind));
    return client === 'bare' ? bare(url, ca, next) : ours(client, url, ca, next);
  },
});

function endless(requests: readonly SampleRequest[]): () => SampleRequest {
  let at = 0;
  return () => {
    const request = requests[at % requests.length];
    at += 1;
    if (request === undefined) throw new RangeError('no requests');
    return request;
  };
}

/** `node:http2` as fast as it goes: one warm session, nothing around it but what it takes to read the answer. */
async function bare(url: string, ca: string, next: () => SampleRequest): Promise<Contest> {
  const session = connect(url, { ca, settings: { enablePush: false } });
  await new Promise<void>((resolve, reject) => {
    session.once('remoteSettings', () => resolve());
    session.once('error', reject);
  });
  const send = (done: (end: string | number) => void) => {
    const { path, headers, body } = next();
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-length': body.length, ...headers });
    let status: string | number = 'no answer';
    const chunks: Buffer[] = [];
    stream.on('response', (head) => {
      status = head[':status'] ?? 'no status';
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {
      status = 'error';
    });
    stream.on('close', () => done(status));
    stream.end(body);
  };
  return {
    run: (count) => sustain(count, IN_FLIGHT, send),
    tearDown: async () => session.destroy(),
  };
}

async function ours(client: 'node' | 'wire', url: string, ca: string, next: () => SampleRequest): Promise<Contest> {
  const http2 = client === 'node' ? { http2: nodeConnections } : {};
  const transport = new PooledTransport({ maxConnectionsPerOrigin: 1, ...http2 });
  const origin: Origin = { url, key: '', ca, requireHttp2: true };
  const send = (done: (end: string | number) => void) => {
    const { path, headers, body } = next();
    const request = { method: 'POST' as const, path, headers, sensitive: SENSITIVE, body, timeoutMs: TIMEOUT_MS };
    transport.request(origin, request, (result) => done(result.kind === 'response' ? result.status : result.reason));
  };
  return {
    run: (count) => sustain(count, IN_FLIGHT, send),
    tearDown: () => transport.close(0),
  };
}
