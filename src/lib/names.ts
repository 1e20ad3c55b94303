/** Names that the database, the queues, the API and the adapters share. */

export const PROVIDER_NAMES = ['fcm', 'apns', 'webpush'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

export const LANES = ['critical', 'normal', 'bulk'] as const;
/** Separate queues, slots and connections, so that a campaign cannot occupy a transactional push's place. */
export type Lane = (typeof LANES)[number];
