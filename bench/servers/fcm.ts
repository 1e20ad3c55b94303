import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../section.js';
import type { FcmOrder, FcmReady, FcmReport, Keep } from './fcm-process.js';
import { identityIn, type Served } from './served.js';

export interface FcmServer extends Served {
  /** What happened since the last report, as far as it is kept. */
  report(): Promise<FcmReport>;
}

export interface FcmOptions {
  delayMs?: number;
  maxStreams?: number;
  keep?: Keep;
}

/** FCM as we can be it ourselves, over TLS in a process of its own: it can be slow, and say what it was sent and when. */
export async function startFcm(
  bench: Bench,
  { delayMs = 0, maxStreams = 100, keep = 'nothing' }: FcmOptions = {},
): Promise<FcmServer> {
  const { key, cert, ca } = identityIn(bench.workDir);
  const child: ChildProcess = fork(fileURLToPath(new URL('./fcm-process.js', import.meta.url)), [], {
    serialization: 'advanced',
  });
  const order: FcmOrder = { key, cert, delayMs, maxStreams, keep };
  child.send(order);
  const [{ port }] = (await once(child, 'message')) as [FcmReady];
  const ended = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    url: `https://127.0.0.1:${port}`,
    ca,
    report: async () => {
      child.send('report');
      const [report] = (await once(child, 'message')) as [FcmReport];
      return report;
    },
    stop: async () => {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
