import https from 'node:https';
import webpush from 'web-push';
import { contend, sustain } from '../contender.js';
import { IN_FLIGHT } from '../requests.js';
import { TTL_SECONDS, VAPID_SUBJECT, WEB_PAYLOAD } from './message.js';
import { readSubscriptions } from './subscriptions.js';

export interface WebPushInput {
  /** `asUsed`: with `vapidDetails`, Node's own agent. `best`: an agent that keeps connections, VAPID headers made once. */
  mode: 'asUsed' | 'best';
  url: string;
  ca: string;
  subscriptionFile: string;
  vapid: { publicKey: string; privateKey: string };
}

/** A few connections cost it the least: 4, 16 and 100 were tried. */
const SOCKETS = 16;

contend<WebPushInput>({
  setUp: async ({ mode, url, ca, subscriptionFile, vapid }) => {
    https.globalAgent.options.ca = ca;
    const subscriptions = readSubscriptions(subscriptionFile, url);
    const common = { TTL: TTL_SECONDS, urgency: 'high' as const, topic: 'order-4711' };
    const agent = new https.Agent({ keepAlive: true, maxSockets: SOCKETS, ca });
    const { publicKey, privateKey } = vapid;
    const { Authorization } = webpush.getVapidHeaders(url, VAPID_SUBJECT, publicKey, privateKey, 'aes128gcm');
    const options =
      mode === 'best'
        ? // `null` is how one says that the headers are there already; its types do not know that.
          { ...common, agent, headers: { Authorization }, vapidDetails: null as unknown as undefined }
        : { ...common, vapidDetails: { subject: VAPID_SUBJECT, ...vapid } };
    let at = 0;
    const send = (done: (end: string) => void) => {
      const subscription = subscriptions[at % subscriptions.length];
      at += 1;
      if (subscription === undefined) throw new RangeError('no subscriptions');
      webpush.sendNotification(subscription, WEB_PAYLOAD, options).then(
        () => done('accepted'),
        (error: unknown) => done(String(error)),
      );
    };
    return {
      run: (count) => sustain(count, IN_FLIGHT, send),
      tearDown: async () => agent.destroy(),
    };
  },
});
