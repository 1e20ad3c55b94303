import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, dataOf } from '../../api/client.js';
import type { paths } from '../../api/schema.js';

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer A } } } };
}
  ? A
  : never;

export type NotificationSummary = Answer<'/v1/notifications'>['items'][number];
export type Notification = Answer<'/v1/notifications/{id}'>;
export type NotificationStatus = Notification['status'];
export type Lane = Notification['lane'];
export type Provider = Notification['blockedBy'][number]['provider'];

export const STATUSES = [
  'scheduled',
  'planning',
  'sending',
  'paused',
  'completed',
  'cancelled',
] as const satisfies readonly NotificationStatus[];
export const LANES = ['critical', 'normal', 'bulk'] as const satisfies readonly Lane[];
export const PROVIDERS = ['fcm', 'apns', 'webpush'] as const satisfies readonly Provider[];

/** Milliseconds between two looks at something that moves. */
export const LIVE_MS = 2_000;
/** The same when only receipts may still come in. */
const REST_MS = 20_000;

/** Cancelled ones have ended when what was on its way has. */
export const hasEnded = ({ completedAt }: Pick<Notification, 'completedAt'>): boolean => completedAt !== null;

export function paramsOf(app: string, id: string) {
  return { params: { path: { id }, query: { applicationId: app } } };
}

/** What is known of one notification; everything below it begins with the same key. */
export const notificationKey = (app: string, id: string) => ['notification', app, id] as const;

export const notificationQuery = (app: string, id: string) =>
  queryOptions({
    queryKey: [...notificationKey(app, id), 'view'],
    queryFn: ({ signal }) => dataOf(api.GET('/v1/notifications/{id}', { ...paramsOf(app, id), signal })),
    refetchInterval: ({ state }) => (state.data && hasEnded(state.data) ? REST_MS : LIVE_MS),
  });

export const failuresQuery = (app: string, id: string, isLive: boolean) =>
  queryOptions({
    queryKey: [...notificationKey(app, id), 'failures', isLive],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      (await dataOf(api.GET('/v1/notifications/{id}/failures', { ...paramsOf(app, id), signal }))).items,
    ...(isLive && { refetchInterval: LIVE_MS * 2 }),
  });
export type Failure = Answer<'/v1/notifications/{id}/failures'>['items'][number];

export const timelineQuery = (app: string, id: string, isLive: boolean) =>
  queryOptions({
    queryKey: [...notificationKey(app, id), 'timeline', isLive],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) =>
      (await dataOf(api.GET('/v1/notifications/{id}/timeline', { ...paramsOf(app, id), signal }))).items,
    ...(isLive && { refetchInterval: LIVE_MS * 2 }),
  });
export type TimelineItem = Answer<'/v1/notifications/{id}/timeline'>['items'][number];

/** The exact requests, as `POST /v1/notifications/preview` compiles them now. */
export const requestsQuery = (app: string, { id, content, options, overrides }: Notification) =>
  queryOptions({
    queryKey: [...notificationKey(app, id), 'requests'],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => {
      const { ttlSeconds, priority, collapseKey } = options as SendOptions;
      const body = {
        content,
        overrides: overrides as object,
        options: { ttlSeconds, priority, collapseKey } as SendOptions,
      };
      const query = { applicationId: app };
      return dataOf(api.POST('/v1/notifications/preview', { params: { query }, body, signal }));
    },
  });
/** What of the stored options reaches a provider. */
interface SendOptions {
  ttlSeconds?: number;
  priority?: 'high' | 'normal';
  collapseKey?: string;
}
