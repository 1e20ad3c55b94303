import { CarillonError } from './events.js';
import { PUSH_DATABASE, PUSH_KEY, PUSH_STORE, type PushRecord } from './push-record.js';
import { request } from './requests.js';

export interface PushOptions {
  /** Of the service. */
  url: string;
  /** The application's client key; it may be seen by anybody. */
  clientKey: string;
  /** By which the service is asked for its VAPID public key; unless you give that. */
  applicationId?: string;
  vapidPublicKey?: string;
  /** At the page's own origin; default `/carillon-sw.js`. */
  serviceWorkerUrl?: string;
  /** Whose device it is; `userToken` where the application asks for one. */
  userId?: string;
  userToken?: string;
  topics?: readonly string[];
  /** Origins beside the page's own that a tap on a notification may lead to. */
  clickOrigins?: readonly string[];
}

/** `unsupported`: no service worker or no push here; iPhones have them for apps on the home screen alone. */
export type PushState = 'unsupported' | 'denied' | 'off' | 'on';

/** What this browser would do; asks the user nothing. */
export async function pushState(): Promise<PushState> {
  if (!('serviceWorker' in navigator && 'PushManager' in globalThis && 'Notification' in globalThis))
    return 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  return (await readRecord()) === undefined ? 'off' : 'on';
}

/**
 * Asks for the permission, subscribes this browser and registers it as a device of the application. Call it from a click:
 * browsers refuse to ask otherwise. Calling it again renews the registration.
 *
 * @throws CarillonError `push_unsupported`, `push_denied`, `push_failed`, and what the service refuses
 */
export async function enablePush(options: PushOptions): Promise<{ deviceId: string }> {
  if ((await pushState()) === 'unsupported')
    throw new CarillonError('push_unsupported', 'This browser takes no pushes.');
  if ((await Notification.requestPermission()) !== 'granted') {
    throw new CarillonError('push_denied', 'The user does not allow notifications.');
  }
  const url = options.url.replace(/\/+$/, '');
  const vapidPublicKey = options.vapidPublicKey ?? (await publicKeyOf(url, options.applicationId));
  const subscription = await subscribe(options.serviceWorkerUrl ?? '/carillon-sw.js', vapidPublicKey);
  const known = await readRecord();
  const { userId, userToken, topics, clientKey, clickOrigins = [] } = options;
  const device = await request<{ id: string; deviceSecret?: string }>(`${url}/v1/devices`, {
    method: 'POST',
    bearer: clientKey,
    deviceSecret: known?.url === url ? known.deviceSecret : undefined,
    body: {
      provider: 'webpush',
      token: subscription.toJSON(),
      vapidPublicKey,
      ...(userId !== undefined && { userId }),
      ...(userToken !== undefined && { userToken }),
      ...(topics !== undefined && { topics }),
      locale: navigator.language,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    },
  });
  const deviceSecret = device.deviceSecret ?? known?.deviceSecret ?? '';
  await writeRecord({ url, clientKey, deviceId: device.id, deviceSecret, vapidPublicKey, clickOrigins });
  return { deviceId: device.id };
}

/** Ends the subscription and removes the device; nothing happens where there is none. */
export async function disablePush(): Promise<void> {
  if ((await pushState()) === 'unsupported') return;
  const record = await readRecord();
  for (const registration of await navigator.serviceWorker.getRegistrations()) {
    await (await registration.pushManager.getSubscription())?.unsubscribe();
  }
  if (record === undefined) return;
  await writeRecord(undefined);
  const { url, clientKey, deviceId, deviceSecret } = record;
  await request(`${url}/v1/devices/${deviceId}`, { method: 'DELETE', bearer: clientKey, deviceSecret });
}

async function publicKeyOf(url: string, applicationId: string | undefined): Promise<string> {
  if (applicationId === undefined) throw new TypeError('either applicationId or vapidPublicKey is needed');
  const path = `/v1/applications/${encodeURIComponent(applicationId)}/webpush/public-key`;
  return (await request<{ publicKey: string }>(url + path, { method: 'GET' })).publicKey;
}

async function subscribe(serviceWorkerUrl: string, vapidPublicKey: string): Promise<PushSubscription> {
  try {
    await navigator.serviceWorker.register(serviceWorkerUrl, { scope: '/' });
    const { pushManager } = await navigator.serviceWorker.ready;
    const known = await pushManager.getSubscription();
    if (known && keyOf(known) === vapidPublicKey) return known;
    // A subscription belongs to one key; another one's has to go first.
    await known?.unsubscribe();
    return await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapidPublicKey });
  } catch (cause) {
    throw new CarillonError('push_failed', `The browser did not subscribe: ${String(cause)}`, { cause });
  }
}

function keyOf({ options }: PushSubscription): string {
  return btoa(String.fromCharCode(...new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function readRecord(): Promise<PushRecord | undefined> {
  return inStore('readonly', (store) => store.get(PUSH_KEY));
}

async function writeRecord(record: PushRecord | undefined): Promise<void> {
  await inStore('readwrite', (store) => (record ? store.put(record, PUSH_KEY) : store.delete(PUSH_KEY)));
}

function inStore<Result>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest,
): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(PUSH_DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(PUSH_STORE);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(PUSH_STORE, mode);
      const asked = work(transaction.objectStore(PUSH_STORE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = () => reject(transaction.error);
      opening.result.close();
    };
  });
}
