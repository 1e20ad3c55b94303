import createClient from 'openapi-fetch';
import { problemOf } from './problem.js';
import type { paths } from './schema.js';

/** Milliseconds. No call of the console takes longer on a service that is well. */
const TIMEOUT_MS = 30_000;
const SAFE_METHODS = new Set(['GET', 'HEAD']);

let csrfToken = '';

/** The token that every change needs beside the cookie. It is kept in this page's memory and nowhere else. */
export function keepCsrfToken(token: string): void {
  csrfToken = token;
}

/** The API, typed by its own document. The session's cookie authenticates; a refusal is thrown as a `Problem`. */
export const api = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin' });

api.use({
  onRequest({ request }) {
    const headers = new Headers(request.headers);
    headers.set('accept-language', document.documentElement.lang);
    if (!SAFE_METHODS.has(request.method)) headers.set('x-csrf-token', csrfToken);
    return new Request(request, {
      headers,
      signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  },
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
  },
});

/** What a call answered. */
export async function dataOf<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Error('the answer has no body');
  return data;
}
