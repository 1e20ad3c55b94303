import { notifications } from '@mantine/notifications';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { Problem } from './problem.js';

const isSignedOut = (error: unknown) => error instanceof Problem && error.status === 401;

function signedOut(error: unknown): void {
  if (isSignedOut(error)) queries.setQueryData(['session'], null);
}

/** What the console knows of the service. Failed changes are shown; failed reads show themselves where they are missing. */
export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: signedOut }),
  mutationCache: new MutationCache({
    onError(error, _variables, _context, mutation) {
      signedOut(error);
      if (mutation.meta?.['showsItself'] === true) return;
      const code = error instanceof Problem ? error.code : error.name;
      notifications.show({ color: 'red', title: code, message: error.message, autoClose: 10_000 });
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal stays one; only what may pass by itself is tried again.
      retry: (failures, error) => failures < 2 && !(error instanceof Problem && error.status < 500),
    },
  },
});
