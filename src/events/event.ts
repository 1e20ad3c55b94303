/** What other systems can be told of, and what each event says. Thin on purpose: ids, states and codes, never content or tokens. */
import type { ProviderName } from '../lib/names.js';

export const EVENT_TYPES = [
  'notification.completed',
  'notification.cancelled',
  'delivery.failed',
  'delivery.expired',
  'device.invalidated',
  'receipt.delivered',
  'receipt.displayed',
  'receipt.opened',
  'receipt.dismissed',
  'credential.broken',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/**
 * A fact that has just been written. `device` is the internal id; the event says the public one, or null when the device has
 * been deleted since.
 */
export type Fact = { applicationId: string } & (
  | {
      /** Nothing more will happen to the notification. */
      type: 'notification.completed' | 'notification.cancelled';
      notificationId: string;
      /** Deliveries by how they ended. */
      data: { counts: Readonly<Record<string, number>> };
    }
  | {
      type: 'delivery.failed' | 'delivery.expired';
      notificationId: string;
      device: number;
      /** The provider's own word or ours, as in the delivery log. */
      data: { provider: ProviderName; code: string };
    }
  | {
      /** The provider said that the token is dead; a new registration revives the device. */
      type: 'device.invalidated';
      device: number;
      data: { provider: ProviderName; code: string };
    }
  | {
      type: 'receipt.delivered' | 'receipt.displayed' | 'receipt.opened' | 'receipt.dismissed';
      notificationId: string;
      device: number;
      data: { at: Date };
    }
  | {
      /** The provider refused the credential; deliveries wait until it is replaced or works again. */
      type: 'credential.broken';
      data: { provider: ProviderName; version: number; code: string };
    }
);
