import { PooledTransport } from '../../src/transport/pooled-transport.js';
import type { Origin } from '../../src/transport/transport.js';
import { contend, sustain } from '../contender.js';
import { sampleRequests } from '../requests.js';

export interface LatencyInput {
  url: string;
  ca: string;
  inFlight: number;
}

const TIMEOUT_MS = 30_000;
const SENSITIVE = ['authorization'];
/** One request in so many has its time taken. */
const SAMPLE = 16;

contend<LatencyInput>({
  setUp: async ({ url, ca, inFlight }) => {
    // Nothing set: as many connections as production would open.
    const transport = new PooledTransport();
    const origin: Origin = { url, key: '', ca, requireHttp2: true };
    const requests = sampleRequests('fcm');
    const latencies: number[] = [];
    let at = 0;
    const send = (done: (end: string | number) => void) => {
      const request = requests[at % requests.length];
      const startedMs = at % SAMPLE === 0 ? performance.now() : undefined;
      at += 1;
      if (request === undefined) throw new RangeError('no requests');
      const { path, headers, body } = request;
      const post = { method: 'POST' as const, path, headers, sensitive: SENSITIVE, body, timeoutMs: TIMEOUT_MS };
      transport.request(origin, post, (result) => {
        if (startedMs !== undefined) latencies.push(performance.now() - startedMs);
        done(result.kind === 'response' ? result.status : result.reason);
      });
    };
    return {
      run: (count) => {
        latencies.length = 0;
        return sustain(count, inFlight, send);
      },
      extra: () => {
        latencies.sort((a, b) => a - b);
        return {
          connections: transport.stats().reduce((sum, { connections }) => sum + connections, 0),
          p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? Number.NaN,
          p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
        };
      },
      tearDown: () => transport.close(0),
    };
  },
});
