/**
 * Shows what is pushed, and reports what becomes of it. A script without imports, so that a worker of your own can take it
 * in with one line: `importScripts('https://push.example.com/sdk/carillon-sw.js')`.
 */
((worker: ServiceWorkerGlobalScope) => {
  type PushRecord = import('./push-record.js').PushRecord;
  type CopyMessage = import('./notification-copies.js').CopyMessage;

  /** What a push of the service holds. */
  interface Payload {
    title?: string;
    body?: string;
    image?: string;
    icon?: string;
    url?: string;
    tag?: string;
    badge?: unknown;
    data?: Record<string, string>;
  }

  /** What a shown notification remembers. */
  interface Shown {
    notificationId?: string;
    url?: string;
    data?: Record<string, string>;
  }

  const DATABASE = 'carillon';
  const STORE = 'push';
  const KEY = 'registration';
  const REQUEST_MS = 10_000;
  const REPORT_TRIES = 3;
  const PAUSE_MS = 1_000;
  /** Milliseconds that a page in front of the user has to say that it shows the live copy. */
  const ANSWER_MS = 300;
  /** Safari takes the permission from whoever does not show every push. */
  const mustShow = /^(?!.*(chrome|android|firefox)).*safari/i.test(worker.navigator.userAgent);

  const copies = new BroadcastChannel('carillon');

  worker.addEventListener('push', (event) => event.waitUntil(receive(event.data)));
  worker.addEventListener('notificationclick', (event) => {
    const { notificationId, url } = (event.notification.data ?? {}) as Shown;
    event.notification.close();
    event.waitUntil(Promise.all([lead(url), report(notificationId, 'opened')]));
  });
  worker.addEventListener('notificationclose', (event) => {
    const { notificationId } = (event.notification.data ?? {}) as Shown;
    event.waitUntil(report(notificationId, 'dismissed'));
  });
  worker.addEventListener('pushsubscriptionchange', (event) => {
    (event as ExtendableEvent).waitUntil(renew());
  });

  async function receive(message: PushMessageData | null): Promise<void> {
    const payload = read(message);
    const notificationId = payload.data?.['carillonNotificationId'];
    if (notificationId !== undefined && !mustShow && (await isShownLive(notificationId))) return;
    const { title = '', body, image, icon, url, tag, data } = payload;
    const shown: Shown = { ...(notificationId && { notificationId }), ...(url && { url }), ...(data && { data }) };
    // `image` is not yet in every browser's own list of options, nor in TypeScript's.
    const options: NotificationOptions & { image?: string } = {
      ...(body !== undefined && { body }),
      ...(image !== undefined && { image }),
      ...(icon !== undefined && { icon }),
      // The same notification again replaces its first copy.
      tag: tag ?? notificationId ?? '',
      data: shown,
    };
    await worker.registration.showNotification(title, options);
    if (notificationId === undefined) return;
    say({ type: 'pushed', notificationId });
    await report(notificationId, 'displayed');
  }

  /** What is not ours, or broken, is shown as text: a push that shows nothing costs the permission. */
  function read(message: PushMessageData | null): Payload {
    try {
      const payload: unknown = message?.json();
      return typeof payload === 'object' && payload !== null ? payload : { title: String(payload ?? '') };
    } catch {
      return { title: message?.text() ?? '' };
    }
  }

  /** Whether a page that the user is looking at has taken the live copy; browsers allow to show nothing then. */
  async function isShownLive(notificationId: string): Promise<boolean> {
    const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
    if (!pages.some((page) => page.focused && page.visibilityState === 'visible')) return false;
    return new Promise((resolve) => {
      const end = (isShown: boolean): void => {
        clearTimeout(timer);
        copies.removeEventListener('message', hear);
        resolve(isShown);
      };
      const hear = ({ data }: MessageEvent<CopyMessage>): void => {
        if (data.type === 'shown' && data.notificationId === notificationId) end(true);
      };
      const timer = setTimeout(() => end(false), ANSWER_MS);
      copies.addEventListener('message', hear);
      say({ type: 'is-shown', notificationId });
    });
  }

  /** Brings the user where the notification leads: to a page that is there already, else to a new one. */
  async function lead(url: string | undefined): Promise<void> {
    const target = await targetOf(url);
    const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
    const open = pages.find((page) => page.url === target) ?? (url === undefined ? pages[0] : undefined);
    if (open) await open.focus();
    else await worker.clients.openWindow(target);
  }

  /** Only pages of this origin, and of those that were named when push was enabled; else the start page. */
  async function targetOf(url: string | undefined): Promise<string> {
    const { origin } = worker.location;
    const home = worker.registration.scope;
    if (url === undefined || !URL.canParse(url, home)) return home;
    const target = new URL(url, home);
    const allowed = [origin, ...((await readRecord())?.clickOrigins ?? [])];
    return /^https?:$/.test(target.protocol) && allowed.includes(target.origin) ? target.href : home;
  }

  async function report(notificationId: string | undefined, type: 'displayed' | 'opened' | 'dismissed'): Promise<void> {
    const record = await readRecord();
    if (record === undefined || notificationId === undefined) return;
    const { deviceId } = record;
    await call(record, 'POST', '/v1/receipts', { deviceId, notificationId, type, at: new Date().toISOString() });
  }

  /** The push service gave the browser another address. */
  async function renew(): Promise<void> {
    const record = await readRecord();
    if (record === undefined) return;
    const { deviceId, vapidPublicKey } = record;
    const { pushManager } = worker.registration;
    const subscription =
      (await pushManager.getSubscription()) ??
      (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapidPublicKey }));
    await call(record, 'PATCH', `/v1/devices/${deviceId}`, { token: subscription.toJSON(), vapidPublicKey });
  }

  async function call({ url, clientKey, deviceSecret }: PushRecord, method: string, path: string, body: object) {
    for (let tries = 1; tries <= REPORT_TRIES; tries += 1) {
      const response = await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${clientKey}`,
          'content-type': 'application/json',
          'x-device-secret': deviceSecret,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REQUEST_MS),
      }).catch(() => undefined);
      if (response !== undefined && response.status < 500 && response.status !== 429) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tries));
    }
  }

  function readRecord(): Promise<PushRecord | undefined> {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open(DATABASE, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const asked = opening.result.transaction(STORE).objectStore(STORE).get(KEY);
        asked.onsuccess = () => resolve(asked.result);
        asked.onerror = () => reject(asked.error);
        opening.result.close();
      };
    });
  }

  function say(message: CopyMessage): void {
    copies.postMessage(message);
  }
})(self as unknown as ServiceWorkerGlobalScope);
