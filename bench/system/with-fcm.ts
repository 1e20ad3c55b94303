import { FCM_ANSWER, FCM_PATH } from '../requests.js';
import { startNghttpd } from '../servers/nghttpd.js';
import type { Served } from '../servers/served.js';
import { startOAuth } from './oauth.js';
import type { Application, Stack } from './stack.js';

export interface Fcm {
  sink: Served;
  /** With an FCM credential. The api has to run. */
  createApplication(name: string, options?: { simulated: boolean }): Promise<Application>;
}

/**
 * Runs `work` with something that answers as FCM does, to which the stack's processes send that are started in it.
 *
 * @param start default: nghttpd, the cheapest
 */
export async function withFcm<T>(
  stack: Stack,
  work: (fcm: Fcm) => Promise<T>,
  start: () => Promise<Served> = () => startNghttpd(stack.bench, { [FCM_PATH.slice(1)]: FCM_ANSWER }),
): Promise<T> {
  const sink = await start();
  await stack.sendTo(sink);
  const oauth = await startOAuth();
  try {
    return await work({
      sink,
      createApplication: (name, options) => stack.createApplication(name, { ...oauth, ...options }),
    });
  } finally {
    await oauth.stop();
  }
}
