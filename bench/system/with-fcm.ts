import { FCM_ANSWER, FCM_PATH } from '../requests.js';
import type { Bench } from '../section.js';
import { startNghttpd } from '../servers/nghttpd.js';
import type { Served } from '../servers/served.js';
import { runCampaign } from './campaign-run.js';
import { createDevices } from './devices.js';
import { startOAuth } from './oauth.js';
import type { Application, Stack } from './stack.js';

export interface Fcm<Server extends Served = Served> {
  server: Server;
  /** With an FCM credential. The api has to run. */
  createApplication(name: string, options?: { simulated: boolean }): Promise<Application>;
}

/** nghttpd: the cheapest receiver that nobody here wrote. It counts nothing. */
export function cheapest(bench: Bench): Promise<Served> {
  return startNghttpd(bench, { [FCM_PATH.slice(1)]: FCM_ANSWER });
}

/** Runs `work` with something that answers as FCM does; the stack's processes that are started in it send there. */
export async function withFcm<T, Server extends Served>(
  stack: Stack,
  start: (bench: Bench) => Promise<Server>,
  work: (fcm: Fcm<Server>) => Promise<T>,
): Promise<T> {
  const server = await start(stack.bench);
  await stack.sendTo(server);
  const oauth = await startOAuth();
  try {
    return await work({
      server,
      createApplication: (name, options) => stack.createApplication(name, { ...oauth, ...options }),
    });
  } finally {
    await oauth.stop();
  }
}

const WARM_UP_DEVICES = 100_000;
const QUICK_WARM_UP_DEVICES = 20_000;

/** Has the workers send a first campaign, so that their code is compiled when the clocks run. */
export async function warmUpWorkers(stack: Stack, fcm: Fcm): Promise<void> {
  const application = await fcm.createApplication('warm-up');
  const devices = stack.bench.isQuick ? QUICK_WARM_UP_DEVICES : WARM_UP_DEVICES;
  await createDevices(stack.db, application.id, devices);
  await runCampaign(stack, application, devices);
}
