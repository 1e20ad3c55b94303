import { queryOptions } from '@tanstack/react-query';
import { api, dataOf } from '../../api/client.js';
import { Problem } from '../../api/problem.js';
import type { paths } from '../../api/schema.js';

export type Device = paths['/v1/devices']['get']['responses'][200]['content']['application/json']['items'][number];
export type DeviceFilters = Pick<
  NonNullable<paths['/v1/devices']['get']['parameters']['query']>,
  'userId' | 'topic' | 'provider' | 'status' | 'tokenFingerprint'
>;
export type HistoryEntry =
  paths['/v1/devices/{id}/history']['get']['responses'][200]['content']['application/json']['items'][number];

/** One device; null: it was removed, or never existed. */
export const deviceQuery = (app: string, id: string) =>
  queryOptions({
    queryKey: ['device', app, id],
    queryFn: async ({ signal }): Promise<Device | null> => {
      try {
        const params = { path: { id }, query: { applicationId: app } };
        return await dataOf(api.GET('/v1/devices/{id}', { params, signal }));
      } catch (error) {
        if (error instanceof Problem && error.code === 'device_not_found') return null;
        throw error;
      }
    },
  });

/** How many devices a user has; null: none. */
export const userQuery = (app: string, userId: string) =>
  queryOptions({
    queryKey: ['user', app, userId],
    queryFn: async ({ signal }) => {
      const query = { prefix: userId, limit: 1, applicationId: app };
      const { items } = await dataOf(api.GET('/v1/users', { params: { query }, signal }));
      return items.find((user) => user.userId === userId) ?? null;
    },
  });
