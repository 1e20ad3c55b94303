/** The noun: a URL of a customer that receives events. Pure. */
import type { EventType } from '../events/event.js';
import { isPublicAddress } from '../transport/address-guard.js';

/** What `POST /v1/webhooks/:id/test` sends; nobody subscribes to it. */
export const TEST_EVENT = 'webhook.test';
export type MessageType = EventType | typeof TEST_EVENT;

/** `requested`: by the API. `gone`: the receiver answered 410. `failing`: nothing but failures for five days. */
export const DISABLED_REASONS = ['requested', 'gone', 'failing'] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** Everything of a webhook but its secrets. */
export interface Webhook {
  id: string;
  applicationId: string;
  url: string;
  events: EventType[];
  enabled: boolean;
  /** Null while enabled. */
  disabledReason: DisabledReason | null;
  disabledAt: Date | null;
  /** The first failure since the last success. */
  failingSince: Date | null;
  /** Until when the secret before the last rotation signs, too; null when none does. */
  previousSecretUntil: Date | null;
  createdAt: Date;
}

/** One call of a webhook. */
export interface WebhookAttempt {
  /** Row number; the cursor of lists, not shown. */
  id: number;
  /** Also the call's `webhook-id`. */
  eventId: string;
  type: MessageType;
  /** Counted from 1 for each event, replays included. */
  number: number;
  at: Date;
  succeeded: boolean;
  /** Null when there was no answer. */
  status: number | null;
  /** Our own word for what went wrong, such as `http_500`, `timeout` or `address_refused`. */
  error: string | null;
  latencyMs: number;
  nextAttemptAt: Date | null;
}

/** Characters. */
const MAX_URL_LENGTH = 2048;

/**
 * What is wrong with a URL that events are to be sent to, as far as it shows before its name is resolved (SSRF). The address
 * itself is checked again at every connect.
 *
 * @param allowInsecure `WEBHOOK_ALLOW_INSECURE`: http and loopback too
 * @returns undefined when nothing is
 */
export function problemOfUrl(text: string, allowInsecure: boolean): string | undefined {
  if (text.length > MAX_URL_LENGTH) return `has ${text.length} characters, at most ${MAX_URL_LENGTH} are allowed`;
  // Printable ASCII: international hosts must come as punycode. A backslash is a slash to some parsers only.
  const url = /^[\x21-\x7e]+$/.test(text) && !text.includes('\\') && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && !(allowInsecure && url.protocol === 'http:'))) {
    return 'must be an https URL';
  }
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password';
  if (text.includes('#')) return 'must not have a fragment';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isName = !/^[\d.]+$/.test(host) && !host.includes(':');
  const isInside = isName ? /(^|\.)(localhost|local|internal)\.?$/.test(host) : !isAllowedAddress(host, allowInsecure);
  if (isInside && !(allowInsecure && isName)) return 'must be at a public address';
  return undefined;
}

/** Whether events may be sent to this address. */
export function isAllowedAddress(address: string, allowInsecure: boolean): boolean {
  return isPublicAddress(address) || (allowInsecure && (address === '::1' || /^127(\.\d{1,3}){3}$/.test(address)));
}
