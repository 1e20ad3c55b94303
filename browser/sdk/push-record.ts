/** What a page leaves for its service worker, in IndexedDB. */
export interface PushRecord {
  /** Of the service. */
  url: string;
  clientKey: string;
  deviceId: string;
  /** By which the service knows that it is this device. */
  deviceSecret: string;
  vapidPublicKey: string;
  /** Origins beside the page's own that a tap may lead to. */
  clickOrigins: readonly string[];
}

/** The database, its one store, and the key of the one record. */
export const PUSH_DATABASE = 'carillon';
export const PUSH_STORE = 'push';
export const PUSH_KEY = 'registration';
