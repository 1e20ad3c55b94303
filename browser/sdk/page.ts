/** What a page's world tells its connection. */
export interface PageNews {
  /** The network, or the user, is back. */
  back(): void;
  /** The network is gone. */
  offline(): void;
}

/** Listens until `signal` aborts; outside pages there is nothing to hear. */
export function watchPage({ back, offline }: PageNews, signal: AbortSignal): void {
  if (!('document' in globalThis)) return;
  const page = globalThis as unknown as EventTarget & { document: EventTarget & { visibilityState: string } };
  const { document } = page;
  page.addEventListener('online', back, { signal });
  page.addEventListener('offline', offline, { signal });
  const changed = (): void => {
    if (document.visibilityState === 'visible') back();
  };
  document.addEventListener('visibilitychange', changed, { signal });
}
