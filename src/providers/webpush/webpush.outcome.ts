import { parseRetryAfterMs } from '../../lib/retry-after.js';
import { type Answer, isHtml, jsonBody, publicDetail, wordOr } from '../answer.js';
import type { Outcome } from '../provider.js';

/** Milliseconds before a repeat after 5xx. Push services name none; the schedule's first step is longer anyway. */
const UNAVAILABLE_DELAY_MS = 1000;
/** Milliseconds after a 429 or 406 without `Retry-After`. */
const THROTTLED_DELAY_MS = 10_000;
/** Characters of a service's own sentence that are kept. */
const MAX_TEXT = 200;

/** The subscription was made with another VAPID key: dead for this one, whatever the status. */
const KEY_MISMATCH = /mismatch|do not correspond|UnauthorizedRegistration/i;
const EXPIRED = /expired|exp claim/i;

/** Whether the service says that the VAPID token is too old. */
export function saysExpired(answer: Answer): boolean {
  return (answer.status === 401 || answer.status === 403) && EXPIRED.test(textOf(answer));
}

/**
 * What one answer of a push service means; the services word the same thing in different ways.
 *
 * A redirect is never followed (the endpoint is caller-supplied) and fails the message: the subscription may be fine
 * elsewhere, so it is kept, and repeating would redirect again. A 401 becomes `credential_invalid`; one try with a
 * fresh VAPID token comes before that, in the provider.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8030#section-5
 */
export function webpushOutcome(answer: Answer, now: Date): Outcome {
  const { status } = answer;
  if (status >= 200 && status < 300) {
    const id = answer.headers['apns-id'] ?? answer.headers['x-wns-msg-id'];
    return { kind: 'accepted', code: String(status), status, ...(id !== undefined && { providerMessageId: id }) };
  }
  const text = textOf(answer);
  const detail = publicDetail(text.slice(0, MAX_TEXT));
  const code = wordOr(jsonBody(answer)?.['reason'], String(status));
  const facts = detail === undefined || detail === code ? { code, status } : { code, status, detail };
  if (status >= 500) return serverOutcome(answer, facts, now);
  if (status === 429 || status === 406) {
    const retryAfterMs = parseRetryAfterMs(answer.headers['retry-after'], now);
    return {
      kind: 'throttled',
      scope: 'token',
      minimumDelayMs: THROTTLED_DELAY_MS,
      ...optional(retryAfterMs),
      ...facts,
    };
  }
  if (status === 404 || status === 410) return { kind: 'token_invalid', ...facts };
  if ([400, 401, 403].includes(status) && KEY_MISMATCH.test(text)) return { kind: 'token_refused', ...facts };
  if (status === 401 || status === 403) return { kind: 'credential_invalid', ...facts };
  return { kind: 'message_invalid', ...facts };
}

function serverOutcome(answer: Answer, facts: { code: string; status: number; detail?: string }, now: Date): Outcome {
  const retryAfterMs = parseRetryAfterMs(answer.headers['retry-after'], now);
  if (isHtml(answer) || ((facts.status === 502 || facts.status === 504) && jsonBody(answer) === undefined)) {
    return { kind: 'ambiguous', minimumDelayMs: Math.max(UNAVAILABLE_DELAY_MS, retryAfterMs ?? 0), ...facts };
  }
  return { kind: 'unavailable', minimumDelayMs: UNAVAILABLE_DELAY_MS, ...optional(retryAfterMs), ...facts };
}

/** The service's own words: JSON of Mozilla and Apple, headers of WNS, plain text of FCM. Never a page. */
function textOf(answer: Answer): string {
  const body = jsonBody(answer);
  if (body !== undefined) {
    const { reason, errno, error, message } = body;
    const said = [reason, typeof errno === 'number' ? `errno ${errno}` : undefined, error, message];
    return said.filter((part) => typeof part === 'string').join(': ');
  }
  const description = answer.headers['x-wns-error-description'];
  if (description !== undefined) return description;
  return isHtml(answer) ? '' : answer.body.subarray(0, 4 * MAX_TEXT).toString('utf8');
}

function optional(retryAfterMs: number | undefined): { retryAfterMs?: number } {
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}
