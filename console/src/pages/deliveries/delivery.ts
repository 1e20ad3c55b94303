import { queryOptions } from '@tanstack/react-query';
import type { LinkProps } from '@tanstack/react-router';
import { api, dataOf } from '../../api/client.js';
import type { paths } from '../../api/schema.js';
import type { Tone } from '../../components/status.js';
import type { Language } from '../../i18n/language.js';

type WhyAnswer = paths['/v1/deliveries/why']['get']['responses'][200]['content']['application/json'];
export type Delivery = WhyAnswer['items'][number];
/** A device that the search for a reason looked at. */
export type LookedAt = WhyAnswer['devices'][number];
export type ExplainedDelivery =
  paths['/v1/notifications/{id}/deliveries/{deviceId}']['get']['responses'][200]['content']['application/json'];
export type Explanation = Delivery['explanation'];
export type DeliveryStatus = Delivery['status'];

export const DELIVERY_STATUSES = [
  'failed',
  'expired',
  'pending',
  'accepted',
  'cancelled',
  'suppressed',
  'unknown',
] as const satisfies readonly DeliveryStatus[];

const TONES: Readonly<Record<Explanation['severity'], Tone>> = {
  ok: 'ok',
  waiting: 'waiting',
  problem: 'problem',
  info: 'quiet',
};

export const toneOf = ({ severity }: Explanation): Tone => TONES[severity];

/** Milliseconds between looking again at what is still under way. */
const WATCH_MS = 2_000;
const IDLE_MS = 15_000;

/** When something last happened to it; for one that was never attempted, when its notification was accepted. */
export function timeOf({ attempts, notificationId }: Delivery): string {
  return attempts.at(-1)?.at ?? timeOfId(notificationId);
}

/** Ids of notifications begin with the milliseconds of their making (RFC 9562, version 7). */
function timeOfId(id: string): string {
  return new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toISOString();
}

/** Where a delivery is explained; nowhere once its device was deleted, because its address would have no device. */
export function linkOf(app: string, { notificationId, deviceId }: Delivery): LinkProps {
  const params = { app, notification: notificationId };
  if (deviceId === null) return { to: '/apps/$app/notifications/$notification', params };
  return {
    to: '/apps/$app/notifications/$notification/deliveries/$device',
    params: { ...params, device: deviceId },
  };
}

/** One delivery with everything that is known about it. */
export const deliveryQuery = (app: string, notification: string, device: string, language: Language) =>
  queryOptions({
    queryKey: ['delivery', app, notification, device, language],
    queryFn: ({ signal }): Promise<ExplainedDelivery> =>
      dataOf(
        api.GET('/v1/notifications/{id}/deliveries/{deviceId}', {
          params: { path: { id: notification, deviceId: device }, query: { applicationId: app } },
          signal,
        }),
      ),
    refetchInterval: ({ state }) => (state.data?.status === 'pending' ? WATCH_MS : false),
  });

/** Whose phone did not ring. */
export type Whose = { userId: string } | { deviceId: string };

/** Everything that was meant for these devices around a time; without one, in the last 24 hours. */
export const whyQuery = (
  app: string,
  whose: Whose,
  around: { at: string; windowSeconds: number } | undefined,
  language: Language,
) =>
  queryOptions({
    queryKey: ['why', app, whose, around, language],
    queryFn: ({ signal }) =>
      dataOf(
        api.GET('/v1/deliveries/why', {
          params: { query: { ...whose, ...around, applicationId: app } },
          signal,
        }),
      ),
    refetchInterval: ({ state }) => (state.data?.items.some(({ status }) => status === 'pending') ? WATCH_MS : IDLE_MS),
  });
