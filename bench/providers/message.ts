import type { TokenMessage } from 'firebase-admin/messaging';
import type { Message, SendTiming } from '../../src/providers/provider.js';

const TITLE = 'Your order is on its way';
const BODY = 'It will be at your door between 14:00 and 16:00';
const DATA = { orderId: '4711', carillonNotificationId: '0193a0a0-0000-7000-8000-000000000000' };
const COLLAPSE_KEY = 'order-4711';
export const TTL_SECONDS = 3600;

export const PROJECT_ID = 'bench';
export const BUNDLE_ID = 'com.example.app';
export const VAPID_SUBJECT = 'mailto:push@example.com';

/** The message as Carillon has it. The others say the same in the words of each vendor package. */
export const MESSAGE: Message = {
  notificationId: DATA.carillonNotificationId,
  content: { title: TITLE, body: BODY, sound: 'default', data: { orderId: DATA.orderId } },
  priority: 'high',
  collapseKey: COLLAPSE_KEY,
  ttlSeconds: TTL_SECONDS,
};

export function timing(): SendTiming {
  return { ttlSeconds: TTL_SECONDS, expiresAt: new Date(expirySeconds() * 1000), timeoutMs: 10_000 };
}

export function expirySeconds(): number {
  return Math.floor(Date.now() / 1000) + TTL_SECONDS;
}

/** For firebase-admin. */
export function firebaseMessage(token: string): TokenMessage {
  return {
    token,
    notification: { title: TITLE, body: BODY },
    data: DATA,
    android: {
      priority: 'high',
      ttl: TTL_SECONDS * 1000,
      notification: { tag: COLLAPSE_KEY, sound: 'default' },
    },
    apns: {
      headers: {
        'apns-push-type': 'alert',
        'apns-priority': '10',
        'apns-collapse-id': COLLAPSE_KEY,
        'apns-expiration': String(expirySeconds()),
      },
      payload: { aps: { sound: 'default' } },
    },
    webpush: { headers: { TTL: String(TTL_SECONDS), Urgency: 'high', Topic: COLLAPSE_KEY } },
  };
}

/** For @parse/node-apn's `Notification`. */
export function apnProperties(): Record<string, unknown> {
  return {
    topic: BUNDLE_ID,
    pushType: 'alert',
    priority: 10,
    expiry: expirySeconds(),
    collapseId: COLLAPSE_KEY,
    alert: { title: TITLE, body: BODY },
    sound: 'default',
    payload: DATA,
  };
}

/** What web-push encrypts. */
export const WEB_PAYLOAD = JSON.stringify({
  title: TITLE,
  body: BODY,
  sound: 'default',
  tag: COLLAPSE_KEY,
  data: DATA,
});
