import { randomBytes } from 'node:crypto';
import type { AndroidConfig, ApnsConfig, TokenMessage, WebpushConfig } from 'firebase-admin/messaging';
import { collapseIdOf, shortDigest } from '../derive.js';
import type { Message } from '../provider.js';
import { CLICK_URL_KEY, NOTIFICATION_ID_KEY } from '../reserved-data.js';

/** Stand-ins for what differs per device or moment. Random, so that no content can hold one. */
const SLOT = randomBytes(12).toString('hex');
export const TOKEN_SLOT = `token-${SLOT}`;
export const ANDROID_TTL_SLOT = `android-ttl-${SLOT}`;
export const APNS_EXPIRATION_SLOT = `apns-expiration-${SLOT}`;
export const WEB_TTL_SLOT = `web-ttl-${SLOT}`;
export const ANY_SLOT = new RegExp(`((?:token|android-ttl|apns-expiration|web-ttl)-${SLOT})`);

/** The message in firebase-admin's form, before overrides. */
export function adminMessage(message: Message): TokenMessage {
  const { content, notificationId } = message;
  const isShown = content.title !== undefined || content.body !== undefined || content.imageUrl !== undefined;
  const collapseKey = message.collapseKey ?? notificationId;
  return {
    token: TOKEN_SLOT,
    data: {
      ...content.data,
      ...(content.clickUrl !== undefined && { [CLICK_URL_KEY]: content.clickUrl }),
      [NOTIFICATION_ID_KEY]: notificationId,
    },
    ...(isShown && {
      notification: {
        ...(content.title !== undefined && { title: content.title }),
        ...(content.body !== undefined && { body: content.body }),
        ...(content.imageUrl !== undefined && { imageUrl: content.imageUrl }),
      },
    }),
    android: androidPart(message, isShown, collapseKey),
    apns: apnsPart(message, isShown, collapseKey),
    webpush: webPart(message, collapseKey),
  };
}

function androidPart({ content, priority, ttlSeconds }: Message, isShown: boolean, tag: string): AndroidConfig {
  return {
    priority,
    ttl: ttlSeconds * 1000,
    ...(isShown && {
      // A tag replaces what is already shown. FCM keeps only four collapse keys per device, so none is used up here.
      notification: {
        tag,
        ...(content.sound !== undefined && { sound: content.sound }),
        ...(content.badge !== undefined && { notificationCount: content.badge }),
      },
    }),
  };
}

/** For tokens of iOS apps that use Firebase. What shows, rings or badges nothing has to be a background push. */
function apnsPart({ content, priority }: Message, isShown: boolean, collapseKey: string): ApnsConfig {
  const isAlert = isShown || content.badge !== undefined || content.sound !== undefined;
  return {
    headers: {
      'apns-push-type': isAlert ? 'alert' : 'background',
      'apns-priority': isAlert && priority === 'high' ? '10' : '5',
      'apns-collapse-id': collapseIdOf(collapseKey),
      'apns-expiration': APNS_EXPIRATION_SLOT,
    },
    payload: {
      aps: {
        ...(content.badge !== undefined && { badge: content.badge }),
        ...(content.sound !== undefined && { sound: content.sound }),
        ...(!isAlert && { contentAvailable: true }),
        ...(content.imageUrl !== undefined && { mutableContent: true }),
      },
    },
    ...(content.imageUrl !== undefined && { fcmOptions: { imageUrl: content.imageUrl } }),
  };
}

/** For tokens of web apps that use Firebase. */
function webPart({ content, priority }: Message, collapseKey: string): WebpushConfig {
  return {
    headers: { TTL: WEB_TTL_SLOT, Urgency: priority, Topic: shortDigest(collapseKey, 32) },
    // FCM takes https links only.
    ...(content.clickUrl?.startsWith('https://') && { fcmOptions: { link: content.clickUrl } }),
  };
}

/**
 * What firebase-admin makes of {@link adminMessage} where there are no overrides, in the REST API's names and with a slot for
 * each time: it only renames then. `test/contract/fcm-compiler.spec.ts` compares both over many messages.
 */
export function plainMessage(message: Message): Record<string, unknown> {
  const admin = adminMessage(message);
  const { notification, android = {}, apns = {}, webpush = {} } = admin;
  const { imageUrl, ...shown } = notification ?? {};
  const { notification: onAndroid } = android;
  const { aps = {} } = apns.payload ?? {};
  const { badge, sound, contentAvailable, mutableContent } = aps;
  return {
    data: admin.data,
    ...(notification && { notification: { ...shown, ...(imageUrl !== undefined && { image: imageUrl }) } }),
    android: {
      priority: android.priority,
      ttl: `${ANDROID_TTL_SLOT}s`,
      ...(onAndroid && {
        notification: {
          tag: onAndroid.tag,
          ...(onAndroid.sound !== undefined && { sound: onAndroid.sound }),
          ...(onAndroid.notificationCount !== undefined && { notification_count: onAndroid.notificationCount }),
        },
      }),
    },
    apns: {
      headers: apns.headers,
      payload: {
        aps: {
          ...(badge !== undefined && { badge }),
          ...(sound !== undefined && { sound }),
          ...(contentAvailable && { 'content-available': 1 }),
          ...(mutableContent && { 'mutable-content': 1 }),
        },
      },
      ...(apns.fcmOptions?.imageUrl !== undefined && { fcm_options: { image: apns.fcmOptions.imageUrl } }),
    },
    webpush: {
      headers: webpush.headers,
      ...(webpush.fcmOptions?.link !== undefined && { fcm_options: { link: webpush.fcmOptions.link } }),
    },
  };
}
