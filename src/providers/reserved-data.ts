import type { Problem } from '../lib/errors.js';
import type { Message } from './provider.js';

/** The data key by which an app reports what became of a notification; in every push of every provider. */
export const NOTIFICATION_ID_KEY = 'carillonNotificationId';
/** Where a tap leads, for the providers that have no field of their own for it. */
export const CLICK_URL_KEY = 'carillonClickUrl';
/** What a notification service extension fetches, for the providers that have no field of their own for it. */
export const IMAGE_URL_KEY = 'carillonImageUrl';

const RESERVED = [NOTIFICATION_ID_KEY, CLICK_URL_KEY, IMAGE_URL_KEY];

/** Data keys and values that no provider takes: ours, and anything that is not a string. */
export function dataProblems(message: Message): Problem[] {
  if (message.content.data === undefined) return [];
  return Object.entries(message.content.data).flatMap(([key, value]) => {
    const path = `content.data.${key}`;
    if (RESERVED.includes(key)) return [{ path, message: 'reserved: Carillon sets it' }];
    return typeof value === 'string' ? [] : [{ path, message: 'must be a string' }];
  });
}
