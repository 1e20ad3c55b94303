import { createServer } from 'node:tls';
import { FcmPeer } from './fcm-peer.js';

/** What is remembered of the requests. `tokens`: how many different ones. `arrivals`: when each came. */
export type Keep = 'nothing' | 'tokens' | 'arrivals';

/** What the parent process sends first; anything after it asks for a report. */
export interface FcmOrder {
  key: string;
  cert: string;
  delayMs: number;
  maxStreams: number;
  keep: Keep;
}

/** What it gets back at first. */
export interface FcmReady {
  port: number;
}

/** What happened since the last report. */
export interface FcmReport {
  requests: number;
  differentTokens: number;
  /** Open at this moment. */
  connections: number;
  /** Milliseconds of the machine's monotonic clock, which all processes share, by {@link TOKEN_KEY_CHARACTERS} of the token. */
  arrivals: Map<string, number>;
}

/** That many of its first characters tell a token from all others. */
export const TOKEN_KEY_CHARACTERS = 22;
const TOKEN_FIELD = '"token":"';
const TICK_MS = 1;

function watch(keep: Keep): { onRequest: (body: Buffer) => void; report: () => Omit<FcmReport, 'connections'> } {
  let requests = 0;
  let arrivals = new Map<string, number>();
  return {
    onRequest: (body) => {
      requests += 1;
      if (keep === 'nothing') return;
      const at = body.indexOf(TOKEN_FIELD) + TOKEN_FIELD.length;
      const token = body.toString('latin1', at, at + TOKEN_KEY_CHARACTERS);
      arrivals.set(token, keep === 'arrivals' ? Number(process.hrtime.bigint()) / 1_000_000 : 0);
    },
    report: () => {
      const report = { requests, differentTokens: arrivals.size, arrivals };
      requests = 0;
      arrivals = new Map();
      return keep === 'arrivals' ? report : { ...report, arrivals: new Map() };
    },
  };
}

process.once('disconnect', () => process.exit(0));
process.once('message', ({ key, cert, delayMs, maxStreams, keep }: FcmOrder) => {
  const peers = new Set<FcmPeer>();
  const { onRequest, report } = watch(keep);
  const server = createServer({ key, cert, ALPNProtocols: ['h2'], noDelay: true }, (socket) => {
    const peer = new FcmPeer(socket, { delayMs, maxStreams, onRequest });
    peers.add(peer);
    socket.on('error', () => {});
    socket.once('close', () => peers.delete(peer));
  });
  setInterval(() => {
    const nowMs = performance.now();
    for (const peer of peers) peer.answerDue(nowMs);
  }, TICK_MS);
  process.on('message', () => process.send?.({ ...report(), connections: peers.size } satisfies FcmReport));
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const ready: FcmReady = { port: typeof address === 'object' && address !== null ? address.port : 0 };
    process.send?.(ready);
  });
});
