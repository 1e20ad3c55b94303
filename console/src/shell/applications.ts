import { queryOptions } from '@tanstack/react-query';
import { api, dataOf } from '../api/client.js';
import { queries } from '../api/queries.js';

const STORAGE_KEY = 'carillon.application';
const MOST = 1_000;

/** Every application that the account may see. */
export const applicationsQuery = queryOptions({
  queryKey: ['applications'],
  staleTime: 30_000,
  queryFn: async ({ signal }) =>
    (await dataOf(api.GET('/v1/applications', { params: { query: { limit: MOST } }, signal }))).items,
});

/** The one that was looked at last, as long as there is one. */
export async function lastApplication(): Promise<string | undefined> {
  const known = await queries.ensureQueryData(applicationsQuery);
  const last = localStorage.getItem(STORAGE_KEY);
  return (known.find(({ id }) => id === last) ?? known[0])?.id;
}

export function rememberApplication(id: string): void {
  localStorage.setItem(STORAGE_KEY, id);
}
