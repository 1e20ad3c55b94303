import { ACCESS_TOKEN, FCM_PATH, fcmToken } from '../requests.js';
import { prepareH2load } from '../transport/h2load.js';
import { CONTENT } from './campaign-run.js';
import type { Application, Stack } from './stack.js';

/**
 * The campaign's requests from h2load, without a database: what this machine could send at most.
 *
 * @returns requests per second of `count` requests, or why they could not be measured
 */
export async function prepareCampaignLoad(
  stack: Stack,
  application: Application,
  url: string,
): Promise<(count: number) => Promise<number | Error>> {
  const preview = (await stack.call(application.serverKey, 'POST', '/v1/notifications/preview', {
    content: CONTENT,
  })) as { fcm: { body: { message: object } } };
  const body = JSON.stringify({ message: { ...preview.fcm.body.message, token: fcmToken(1) } });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${ACCESS_TOKEN}` };
  const h2load = prepareH2load(stack.bench, url, [{ path: FCM_PATH, headers, body: Buffer.from(body) }]);
  // Told to whoever asks for a measurement.
  h2load.catch(() => undefined);
  return async (count) => {
    try {
      const { perSecond, ends } = await (await h2load).measure(count);
      if (ends['200'] !== count) throw new Error(`h2load: only ${ends['200']} of ${count} were answered with 200`);
      return perSecond;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  };
}
