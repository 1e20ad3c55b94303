import { queryOptions, useQuery } from '@tanstack/react-query';
import { api, dataOf, keepCsrfToken } from './client.js';
import { Problem } from './problem.js';
import { queries } from './queries.js';
import type { paths } from './schema.js';

export type Session = paths['/v1/session']['get']['responses'][200]['content']['application/json'];
export type Account = Session['account'];
export type AccountRole = Account['role'];

const RANKS: Readonly<Record<AccountRole, number>> = { viewer: 0, operator: 1, owner: 2 };

/** Who is signed in; null: nobody. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: 60_000,
  queryFn: async (): Promise<Session | null> => {
    try {
      return begin(await dataOf(api.GET('/v1/session')));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
});

/** Takes over a session that has just begun. */
export function begin(session: Session): Session {
  keepCsrfToken(session.csrfToken);
  queries.setQueryData(sessionQuery.queryKey, session);
  return session;
}

/** Ends the session, and forgets everything that it saw. */
export async function signOut(): Promise<void> {
  await api.DELETE('/v1/session');
  keepCsrfToken('');
  queries.setQueryData(sessionQuery.queryKey, null);
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
}

/** Whether the account may do what needs `role`. It spares people a refusal; what counts is the API's own check. */
export function useMay(role: AccountRole): boolean {
  const { data } = useQuery(sessionQuery);
  return data ? RANKS[data.account.role] >= RANKS[role] : false;
}
