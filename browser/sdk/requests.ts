import { CarillonError } from './events.js';

const TIMEOUT_MS = 10_000;
const TRIES = 3;
/** Milliseconds between tries, at most; the least is chance's. */
const PAUSE_MS = 2_000;

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Token or key. */
  bearer?: string | undefined;
  body?: object;
  deviceSecret?: string | undefined;
}

/**
 * One JSON request to the service, up to three times while the network or the service fails.
 *
 * @returns the answer's body; undefined when it has none
 * @throws CarillonError with the service's code, or `network_failed`
 */
export async function request<Body = undefined>(url: string, options: ApiRequest): Promise<Body> {
  const { method, bearer, body, deviceSecret } = options;
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, {
      method,
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(deviceSecret !== undefined && { 'x-device-secret': deviceSecret }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(() => undefined);
    const text = (await response?.text().catch(() => '')) ?? '';
    const answer = text === '' ? undefined : JSON.parse(text);
    if (response?.ok) return answer;
    const isWorthAnother = response === undefined || response.status >= 500 || response.status === 429;
    if (!isWorthAnother || tries === TRIES) {
      throw new CarillonError(answer?.code ?? 'network_failed', answer?.detail ?? `${method} ${url} failed`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * Math.random()));
  }
}
